package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/report"
)

// resumption is a run to go on with.
type resumption struct {
	run   *pinode.Run
	ended bool // nothing is left to do
}

// resume finds the run to go on with and gives the model the settings of the run, and then those of
// the command line. What would make another fit of it is refused, unless it is accepted.
func (a *app) resume(m *pinode.Model, o *fitFlags) (*resumption, error) {
	if o.out != "" {
		return nil, usageError("--resume goes on in the folder of its run; leave out --out")
	}
	run, err := pinode.OpenRun(o.resume)
	if err != nil {
		return nil, err
	}
	r := &resumption{run: run}
	changes, err := run.Restore(m)
	if err != nil {
		return nil, err
	}
	before := settingsOf(m)
	if err := o.settings(m); err != nil {
		return nil, err
	}
	changes = append(changes, changed(before, settingsOf(m))...)
	if len(changes) > 0 && !o.accept {
		return nil, usageError("%s would be another fit:\n  %s\n  = help: start a new run, or go on all the same with --accept-changes", run.Dir, strings.Join(changes, "\n  "))
	}
	r.ended = run.Ended() && len(changes) == 0
	return r, nil
}

// idle are the settings that make no other fit.
var idle = regexp.MustCompile(`^(fit\.workers|fit\.checkpoint_every|fit\.stop\.stop\.max_time|simulate\..*)$`)

// settingsOf are the settings of a model by their dotted names, in their order.
func settingsOf(m *pinode.Model) (list [][2]string) {
	m.WalkSettings(func(path, value string) {
		if !idle.MatchString(path) {
			list = append(list, [2]string{path, value})
		}
	})
	return list
}

// changed says how settings differ.
func changed(before, after [][2]string) (list []string) {
	was, is := map[string]string{}, map[string]string{}
	for _, s := range before {
		was[s[0]] = s[1]
	}
	for _, s := range after {
		is[s[0]] = s[1]
		if w, ok := was[s[0]]; !ok || w != s[1] {
			if !ok {
				w = "not set"
			}
			list = append(list, fmt.Sprintf("%s was %s and is %s", s[0], w, s[1]))
		}
	}
	for _, s := range before {
		if _, ok := is[s[0]]; !ok {
			list = append(list, fmt.Sprintf("%s was %s and is not set", s[0], s[1]))
		}
	}
	return list
}

// claim makes this process the only one that works in a folder, which is made where it is not
// there. A new run takes a folder that is empty.
func claim(dir string, again bool) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, files.Unwritable(dir, err)
	}
	lock, err := files.Lock(dir)
	if err != nil {
		return nil, err
	}
	if again {
		files.Sweep(dir)
		files.Sweep(filepath.Join(dir, "checkpoints"))
		return lock, nil
	}
	if !report.Empty(dir) {
		lock.Close()
		return nil, usageError("%s is there already and is not overwritten; choose another --out", dir)
	}
	return lock, nil
}

// plain are words that a shell takes as they stand.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// command writes a command line for a shell.
func command(words ...string) string {
	for i, w := range words {
		if !plain.MatchString(w) {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
