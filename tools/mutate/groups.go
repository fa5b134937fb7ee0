package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A group is some tests of a package that are run together, since they take
// little time: a fault is shown only to the groups that come by it, the quickest
// first.
type group struct {
	run  string // -test.run
	took time.Duration

	prefix string  // of run, for subtests
	tests  []timed // what it consists of
}

// newGroup is a group of some tests.
func newGroup(prefix string, tests []timed) *group {
	g := &group{run: prefix + exactly(tests), prefix: prefix, tests: tests}
	for _, t := range tests {
		g.took += t.took
	}
	return g
}

// alone are the groups of each test of g.
func (g *group) alone() (list []*group) {
	for i := range g.tests {
		list = append(list, newGroup(g.prefix, g.tests[i:i+1]))
	}
	return list
}

// full is the time from which a group takes no more tests, and from which the
// subtests of a test are tests of their own.
const full = 500 * time.Millisecond

var (
	testLine = regexp.MustCompile(`^--- PASS: (\S+) \(([0-9.]+)s\)`)
	subLine  = regexp.MustCompile(`^    --- (?:PASS|SKIP): (\S+) \(([0-9.]+)s\)`)
)

// timed is a test and how long it took.
type timed struct {
	name string
	took time.Duration
	subs []timed
}

// groupsOf are the groups of the tests that a verbose output names as passed.
func groupsOf(output string) []*group {
	var tests []timed
	for line := range strings.Lines(output) {
		if m := testLine.FindStringSubmatch(line); m != nil {
			tests = append(tests, timed{name: m[1], took: seconds(m[2])})
		} else if m := subLine.FindStringSubmatch(line); m != nil && len(tests) > 0 {
			last := &tests[len(tests)-1]
			if sub, ok := strings.CutPrefix(m[1], last.name+"/"); ok {
				last.subs = append(last.subs, timed{name: sub, took: seconds(m[2])})
			}
		}
	}
	var groups []*group
	var few []timed
	for _, t := range tests {
		if t.took > 2*full && len(t.subs) > 1 && !slices.ContainsFunc(t.subs, func(s timed) bool { return strings.Contains(s.name, "/") }) {
			groups = append(groups, gather(t.subs, exactly([]timed{t})+"/")...)
			continue
		}
		few = append(few, t)
	}
	return append(groups, gather(few, "")...)
}

// gather puts tests together, in their order, until a group is full.
func gather(tests []timed, prefix string) (groups []*group) {
	for begin := 0; begin < len(tests); {
		end, took := begin, time.Duration(0)
		for end < len(tests) && (end == begin || took+tests[end].took <= full) {
			took += tests[end].took
			end++
		}
		groups = append(groups, newGroup(prefix, tests[begin:end]))
		begin = end
	}
	return groups
}

// exactly is the pattern of some tests.
func exactly(tests []timed) string {
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = regexp.QuoteMeta(t.name)
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

func seconds(text string) time.Duration {
	s, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// trace runs the groups of a suite with all faults switched off, and tells which
// of them come by the functions of each fault, the quickest first. Tests that fail there,
// since the code with its copies allocates more, are left out.
func (l *lab) trace(ctx context.Context, s *tests, binary string, faults map[int]Fault) (map[int][]*group, error) {
	type place struct {
		file string
		from int
	}
	at := map[place][]int{}
	for k, f := range faults {
		p := place{f.File, f.body.from}
		at[p] = append(at[p], k)
	}
	groups := map[int][]*group{}
	for waiting := slices.Clone(s.groups); len(waiting) > 0; {
		g := waiting[0]
		waiting = waiting[1:]
		reached, passed, out, err := l.reach(ctx, s, binary, g)
		if err != nil {
			return nil, err
		}
		if !passed && len(g.tests) > 1 {
			waiting = append(g.alone(), waiting...)
			continue
		} else if !passed {
			fmt.Fprintf(l.log, "%s: left out: %s, which fails with all faults switched off\n", s.name, firstFailure(out))
			continue
		}
		for _, n := range reached {
			f, ok := faults[n]
			if !ok {
				continue
			}
			for _, k := range at[place{f.File, f.body.from}] {
				if !slices.Contains(groups[k], g) {
					groups[k] = append(groups[k], g)
				}
			}
		}
	}
	for _, list := range groups {
		slices.SortStableFunc(list, func(a, b *group) int { return cmp.Compare(a.took, b.took) })
	}
	return groups, nil
}

// reached is the file to which tests write the numbers of the functions that
// they come by, while it is there.
func (l *lab) reached() string { return filepath.Join(l.temp, "reached") }

func (l *lab) reach(ctx context.Context, s *tests, binary string, g *group) (numbers []int, passed bool, out string, err error) {
	if err := os.WriteFile(l.reached(), nil, 0o600); err != nil {
		return nil, false, "", err
	}
	defer os.Remove(l.reached())
	passed, _, out, err = l.try(ctx, s, binary, 0, g.run, time.Hour)
	if err != nil {
		return nil, false, "", err
	}
	text, err := os.ReadFile(l.reached())
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers, passed, out, err
}

// within is the list of groups that fit into a budget, at least one.
func within(groups []*group, budget time.Duration) []*group {
	took := time.Duration(0)
	for i, g := range groups {
		if took += g.took; budget > 0 && took > budget && i > 0 {
			return groups[:i]
		}
	}
	return groups
}
