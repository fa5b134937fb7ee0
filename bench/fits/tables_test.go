//go:build unix

package fits

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// groups are problems that were written together.
var groups = map[string][]*Problem{
	"first": {enzyme, tank, epidemic, circuit, ball, pendulum, glucose, room, neuron, loop, cascade},
	"other": {lagged, exchanger, reporting, inhibition, seasons, ladder, block, fridge, spring, valve},
	"rough": rough,
	"jumps": slices.Concat(jumps, sides, blindSides),
	"blind": {cure},
}

// chosen are the problems that a variable of the environment names, by themselves or by their groups.
func chosen(t *testing.T, variable string) (list []*Problem) {
	t.Helper()
	names := strings.Fields(os.Getenv(variable))
	if len(names) == 0 {
		t.Skip(variable + " names no problems")
	}
	for _, name := range names {
		at := slices.IndexFunc(everything(), func(p *Problem) bool { return p.Name == name })
		switch {
		case groups[name] != nil:
			list = append(list, groups[name]...)
		case at >= 0:
			list = append(list, everything()[at])
		default:
			t.Fatalf("%s: there is no problem and no group %q", variable, name)
		}
	}
	return list
}

// everything are all problems.
func everything() []*Problem { return slices.Concat(Problems, jumps, sides, blindSides) }

// used is the time of processors that this process has had.
func used(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSuccess prints a table of what fits find of three draws of the noise with two seeds of networks and random starts,
// for the problems that PINODE_SUCCESS names: `first other rough jumps blind` are groups.
func TestSuccess(t *testing.T) {
	list := chosen(t, "PINODE_SUCCESS")
	fmt.Println("| problem | found | in s of CPU | what was missed, by draw and seed |\n|---|--:|--:|---|")
	all, found := 0, 0
	for _, p := range list {
		var times []float64
		var short []string
		for draw := uint64(1); draw <= 3; draw++ {
			for seed := uint64(1); seed <= 2; seed++ {
				before := used(t)
				f, noise, _ := fitted(t, p, draw, seed)
				times = append(times, (used(t) - before).Seconds())
				if m := missed(t, p, f, noise); len(m) > 0 {
					short = append(short, fmt.Sprintf("%d/%d: %s", draw, seed, strings.Join(m, ", ")))
				}
			}
		}
		all, found = all+6, found+6-len(short)
		fmt.Printf("| %s | %d of 6 | %.1f … %.1f | %s |\n", p.Name, 6-len(short), slices.Min(times), slices.Max(times), strings.Join(short, "; "))
	}
	fmt.Printf("| all | %d of %d | | |\n", found, all)
}

// variants are what is taken from the default, with a budget, and others' ways in its place, for a minute.
var variants = []struct {
	name, without, instead string
	change                 func(model string) string
}{
	{name: "all of it"},
	{name: "without sizes of networks", change: unscaled},
	{name: "without spread networks", without: "spread"},
	{name: "without matching", without: "matching"},
	{name: "without horizons", without: "horizon"},
	{name: "without tempo", without: "tempo"},
	{name: "without thresholds and firings", without: "thresholds, firings"},
	{name: "without growing segments", without: "growing"},
	{name: "without shooting", without: "shooting"},
	{name: "without random starts", without: "random"},
	{name: "without bends", without: "bends"},
	{name: "without evidence", without: "evidence"},
	{name: "one start", without: "spread, matching, horizon, tempo, thresholds, firings, growing, shooting, random"},
	{name: "one start, L-BFGS", instead: "lbfgs { iterations: 3000 }"},
	{name: "one start, Adam and L-BFGS", instead: "adam { epochs: 2000, lr: 0.01 } then lbfgs { iterations: 500 }"},
}

// budget is that of the variants of the default.
const budget = 10

// unscaled is a model whose networks have no sizes.
func unscaled(model string) string {
	return regexp.MustCompile(`(?m)^(  neural .*\{) `).ReplaceAllString(model, "$1 input_scale: 1, output_scale: 1, ")
}

// TestAblation prints a table of what parts of the default do for the problems that PINODE_ABLATION names, with seconds of CPU: draw 1, seed 1.
func TestAblation(t *testing.T) {
	list := chosen(t, "PINODE_ABLATION")
	fmt.Printf("| |")
	for _, p := range list {
		fmt.Printf(" %s |", p.Name)
	}
	fmt.Printf(" found |\n|---|%s--:|\n", strings.Repeat("--:|", len(list)))
	for _, v := range variants {
		fmt.Printf("| %s |", v.name)
		found := 0
		for _, p := range list {
			one := *p
			if v.change != nil {
				one.Model = v.change(p.Model)
			}
			switch {
			case v.instead != "":
				one.Model += "fit { optimizer: " + v.instead + ", stop: { max_time: 60 } }\n"
			case v.without != "":
				one.Model += fmt.Sprintf("fit { optimizer: auto { budget: %d, without: [%s] } }\n", budget, v.without)
			default:
				one.Model += fmt.Sprintf("fit { optimizer: auto { budget: %d } }\n", budget)
			}
			before := used(t)
			f, noise, _ := fitted(t, &one, 1, 1)
			word := "–"
			if len(missed(t, p, f, noise)) == 0 {
				word = "found"
				found++
			}
			fmt.Printf(" %s %.1f |", word, (used(t) - before).Seconds())
		}
		fmt.Printf(" %d |\n", found)
	}
	require.NotEmpty(t, list)
}
