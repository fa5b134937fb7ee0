package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/report"
)

// resumption is a run to go on with.
type resumption struct {
	folder *report.Folder
	info   report.Info
	ended  bool // nothing is left to do
}

// start are the values that the run started with, and some of now.
func (r *resumption) start(now map[string]float64) map[string]float64 {
	v := maps.Clone(r.info.Start)
	maps.Copy(v, now)
	return v
}

// tellEnded says that nothing is left to do.
func (r *resumption) tellEnded(a *app) error {
	a.say("%s has ended: %s; nothing is left to do", r.folder.Dir, r.info.Status)
	if !a.json {
		return nil
	}
	return writeJSON(a.out, map[string]any{"version": 1, "run": r.folder.Dir, "status": r.info.Status, "verdict": r.info.Verdict})
}

// resume finds the run to go on with and gives the model its data and settings, and then those of
// the command line. What would make another fit of it is refused, unless it is accepted.
func (a *app) resume(m *pinode.Model, o *fitFlags) (*resumption, error) {
	if o.out != "" {
		return nil, usageError("--resume goes on in the folder of its run; leave out --out")
	}
	run, err := pinode.OpenRun(o.resume, m.Path())
	if err != nil {
		return nil, err
	}
	r := &resumption{folder: &report.Folder{Dir: run.Dir}}
	if r.info, err = r.folder.Info(); err != nil {
		return nil, err
	}
	if r.info.Main != "" && r.info.Main != m.Name() {
		return nil, usageError("%s is a fit of the model `%s`, and this is `%s`; see --model", run.Dir, r.info.Main, m.Name())
	}
	for block, path := range r.info.Data {
		if err := m.SetData(block, path); err != nil {
			return nil, err
		}
	}
	changes, sameModel, err := run.Changes(m)
	if err != nil {
		return nil, err
	}
	if sameModel { // else the settings are those of the other model
		_, config, err := r.folder.Model()
		if err != nil {
			return nil, err
		}
		if err := m.SetTree(config, r.folder.Path("config.resolved.yaml")); err != nil {
			return nil, err
		}
	}
	before := settingsOf(m)
	if err := o.settings(m); err != nil {
		return nil, err
	}
	changes = append(changes, changed(before, settingsOf(m))...)
	if len(changes) > 0 && !o.accept {
		return nil, usageError("%s would be another fit:\n  %s\n  = help: start a new run, or go on all the same with --accept-changes", run.Dir, strings.Join(changes, "\n  "))
	}
	switch fit.Status(r.info.Status) {
	case fit.Converged, fit.MaxIterations, fit.StoppedEarly:
		r.ended = len(changes) == 0
	}
	return r, nil
}

// idle are the settings that make no other fit.
var idle = regexp.MustCompile(`^fit\.(workers|checkpoint_every|stop\.stop\.max_time)$`)

// settingsOf are the settings of a model's fit by their dotted names, in order.
func settingsOf(m *pinode.Model) (list [][2]string) {
	var add func(path string, value any)
	add = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				add(path+"."+key, v[key])
			}
		case []any: // a chain: words, or maps of one word to its options
			var names []string
			var stages []map[string]any
			for _, stage := range v {
				options, ok := stage.(map[string]any)
				if !ok {
					names = append(names, fmt.Sprint(stage))
				}
				for name := range options {
					names = append(names, name)
				}
				stages = append(stages, options)
			}
			list = append(list, [2]string{path, strings.Join(names, " then ")})
			for _, options := range stages {
				add(path, options)
			}
		default:
			if !idle.MatchString(path) {
				list = append(list, [2]string{path, fmt.Sprint(value)})
			}
		}
	}
	add("fit", m.Settings()["fit"])
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
