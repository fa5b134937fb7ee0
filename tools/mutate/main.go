package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// options are the command line.
type options struct {
	n, memory   int
	seed        uint64
	wide        []string
	short       bool
	run         string
	json, again string
	fail        float64
	least       time.Duration
	budget      time.Duration
	patterns    []string
	dir         string
	equivalents string // text
}

func main() {
	o := options{dir: ".", equivalents: equivalentsText}
	flag.IntVar(&o.n, "n", 30, "faults for each package; 0 puts one at every place")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the sample")
	flag.IntVar(&o.memory, "memory", 6, "most gigabytes of address space of a test, 0 for no limit")
	flag.BoolVar(&o.short, "short", false, "run the tests with -short")
	flag.StringVar(&o.run, "run", "", "take of the package's own tests those that match this `regexp`")
	flag.StringVar(&o.json, "json", "", "write all results to this `file`")
	flag.StringVar(&o.again, "again", "", "take the faults that survived in this `file` of results, not a sample")
	flag.Float64Var(&o.fail, "bar", 0, "exit with 1 when fewer than this `percentage` are seen")
	flag.DurationVar(&o.least, "limit", 10*time.Second, "least time limit of the tests; it is six times what they take without a fault")
	flag.DurationVar(&o.budget, "budget", 0, "show a fault only to tests of a package that take this long in all, the quickest first; 0 for all")
	flag.Func("wide", "further tests for what the package's own have not seen, as `package[:regexp]`; repeatable", func(s string) error {
		o.wide = append(o.wide, s)
		return nil
	})
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./tools/mutate [flags] packages")
		flag.PrintDefaults()
	}
	flag.Parse()
	o.patterns = flag.Args()
	if len(o.patterns) == 0 && o.again == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	results, err := run(ctx, o, os.Stderr)
	report(os.Stdout, results)
	if err == nil && o.json != "" {
		err = write(o.json, results)
	}
	if err == nil && score(results) < o.fail {
		err = fmt.Errorf("%.1f %% of the faults were seen, the bar is %g %%", score(results), o.fail)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// task is the sample of one package and the tests that may see it.
type task struct {
	pkg    pkg
	faults []Fault // in the order in which they are tried
	want   int     // how many to try that compile and are not equivalent
	suites []*tests
	texts  map[string][]byte
}

// run examines the sample and returns what became of it, also after an error.
func run(ctx context.Context, o options, log io.Writer) ([]Result, error) {
	known, err := equivalents(o.equivalents)
	if err != nil {
		return nil, err
	}
	tasks, root, err := plan(o)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	l := &lab{root: root, temp: temp, memory: o.memory, least: o.least, budget: o.budget, log: log}
	var all []Result
	for _, t := range tasks {
		for _, s := range t.suites {
			if s.took == 0 {
				if err := l.baseline(ctx, s); err != nil {
					return all, err
				}
			}
		}
		fmt.Fprintf(log, "%s: own tests take %s\n", t.pkg.ImportPath, t.suites[0].took.Round(10*time.Millisecond))
		results, err := t.run(ctx, l, known, log)
		all = append(all, results...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// plan samples the packages.
func plan(o options) ([]*task, string, error) {
	var again []Result
	patterns := o.patterns
	if o.again != "" {
		data, err := os.ReadFile(o.again)
		if err != nil {
			return nil, "", err
		}
		if err := json.Unmarshal(data, &again); err != nil {
			return nil, "", fmt.Errorf("%s: %w", o.again, err)
		}
		again = slices.DeleteFunc(again, func(r Result) bool { return r.Outcome != survived })
		if len(patterns) == 0 {
			for _, r := range again {
				if p := "./" + r.Package; !slices.Contains(patterns, p) {
					patterns = append(patterns, p)
				}
			}
		}
		if len(patterns) == 0 {
			return nil, "", nil
		}
	}
	pkgs, err := list(o.dir, patterns...)
	if err != nil {
		return nil, "", err
	}
	var wide []*tests
	for _, w := range o.wide {
		pattern, regexp, _ := strings.Cut(w, ":")
		found, err := list(o.dir, pattern)
		if err != nil {
			return nil, "", err
		}
		for _, p := range found {
			wide = append(wide, &tests{pkg: p, name: name(p), run: regexp, short: o.short})
		}
	}
	var tasks []*task
	for _, p := range pkgs {
		t := &task{pkg: p, texts: map[string][]byte{}, want: o.n, suites: []*tests{{pkg: p, name: name(p), run: o.run, short: o.short}}}
		for _, w := range wide {
			if w.ImportPath != p.ImportPath || w.run != "" {
				t.suites = append(t.suites, w)
			}
		}
		if err := t.sample(o, again); err != nil {
			return nil, "", err
		}
		tasks = append(tasks, t)
	}
	return tasks, pkgs[0].Module.Dir, nil
}

// name is the directory of a package in its module.
func name(p pkg) string {
	rel, err := filepath.Rel(p.Module.Dir, p.Dir)
	if err != nil {
		return p.ImportPath
	}
	return filepath.ToSlash(rel)
}

// sample puts the package's faults into the order in which they are tried: one
// of each site, in random order.
func (t *task) sample(o options, again []Result) error {
	var sites []site
	for _, f := range t.pkg.GoFiles {
		rel := filepath.Join(filepath.FromSlash(name(t.pkg)), f)
		text, err := os.ReadFile(filepath.Join(t.pkg.Dir, f))
		if err != nil {
			return err
		}
		found, err := sitesOf(name(t.pkg), rel, text)
		if err != nil {
			return err
		}
		t.texts[filepath.ToSlash(rel)] = text
		sites = append(sites, found...)
	}
	if o.again != "" {
		wanted := map[string]bool{}
		for _, r := range again {
			wanted[r.key()] = true
		}
		for _, s := range sites {
			for _, f := range s {
				if wanted[f.key()] {
					t.faults = append(t.faults, f)
					delete(wanted, f.key())
				}
			}
		}
		t.want = len(t.faults)
		return nil
	}
	rng := rand.New(rand.NewPCG(o.seed, uint64(len(sites))))
	rng.Shuffle(len(sites), func(i, j int) { sites[i], sites[j] = sites[j], sites[i] })
	for _, s := range sites {
		t.faults = append(t.faults, s[rng.IntN(len(s))])
	}
	if t.want <= 0 {
		t.want = len(t.faults)
	}
	return nil
}

// most is the number of faults in one build.
const most = 150

// run tries faults in their order until enough of them count.
func (t *task) run(ctx context.Context, l *lab, known map[string]string, log io.Writer) (list []Result, err error) {
	counted := 0
	for begin := 0; begin < len(t.faults) && counted < t.want; {
		// A quarter more, for those that do not compile.
		end := min(len(t.faults), begin+min(most, (t.want-counted)*5/4+1))
		results, err := t.some(ctx, l, t.faults[begin:end], t.want-counted, known)
		for _, r := range results {
			if counts(r) {
				counted++
			}
			if r.Outcome == survived {
				fmt.Fprintf(log, "%s:%d: survived: %s\n", r.File, r.Line, r.key())
			}
		}
		list = append(list, results...)
		if err != nil {
			return list, err
		}
		begin = end
	}
	return list, nil
}

// some tries faults, built together, until the wanted number counts.
func (t *task) some(ctx context.Context, l *lab, faults []Fault, want int, known map[string]string) (list []Result, err error) {
	dir, err := os.MkdirTemp(l.temp, "batch")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	together, wrong := map[int]Fault{}, map[int]bool{} // by number, from 1
	for i, f := range faults {
		if known[f.key()] == "" && f.batched() {
			together[i+1] = f
		}
	}
	overlay, err := l.weaveAll(ctx, dir, t, together, func(k int) { wrong[k] = true })
	if err != nil {
		return nil, err
	}
	type suite struct {
		binary string
		groups map[int][]*group
	}
	suites := make([]suite, len(t.suites))
	binary := func(number, i int) (file string, groups []*group, ok bool, err error) {
		s := &suites[i]
		if s.binary == "" {
			s.binary = filepath.Join(dir, fmt.Sprintf("suite%d.test", i))
			if s.groups, err = l.woven(ctx, t.suites[i], overlay, s.binary, together); err != nil {
				return "", nil, false, err
			}
		}
		return s.binary, s.groups[number], true, nil
	}
	for i, f := range faults {
		if want == 0 {
			break
		}
		res := Result{Fault: f}
		switch {
		case known[f.key()] != "":
			res.Outcome, res.Reason = equivalent, known[f.key()]
		case wrong[i+1]:
			res.Outcome = broken
		case f.batched():
			res, err = l.examine(ctx, res, t.suites, i+1, func(suite int) (string, []*group, bool, error) { return binary(i+1, suite) })
		default:
			res, err = l.examineAlone(ctx, f, t.texts[f.File], t.suites)
		}
		if err != nil {
			return list, err
		}
		if list = append(list, res); counts(res) {
			want--
		}
	}
	return list, nil
}

// counts tells whether a result enters the score.
func counts(r Result) bool { return r.Outcome != broken && r.Outcome != equivalent }

// score is the percentage of faults seen.
func score(results []Result) float64 {
	all, saw := 0, 0
	for _, r := range results {
		if counts(r) {
			all++
			if r.Outcome != survived {
				saw++
			}
		}
	}
	if all == 0 {
		return 100
	}
	return 100 * float64(saw) / float64(all)
}

// report prints the survivors, then a table of scores.
func report(w io.Writer, results []Result) {
	byPackage := map[string][]Result{}
	var order []string
	for _, r := range results {
		if r.Outcome == survived {
			fmt.Fprintf(w, "%s:%d: %s\n    - %s\n    + %s\n", r.File, r.Line, r.Func, r.Before, r.After)
		}
		if _, ok := byPackage[r.Package]; !ok {
			order = append(order, r.Package)
		}
		byPackage[r.Package] = append(byPackage[r.Package], r)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "package\tfaults\tseen by own tests\tby wider\ttoo late\tsurvived\tscore\tequivalent\tnot compiled")
	line := func(name string, results []Result) {
		count := map[string]int{}
		own := 0
		for _, r := range results {
			count[r.Outcome]++
			if r.Outcome == seen && r.By == r.Package {
				own++
			}
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f %%\t%d\t%d\n", name, count[seen]+count[late]+count[survived],
			own, count[seen]-own, count[late], count[survived], score(results), count[equivalent], count[broken])
	}
	for _, p := range order {
		line(p, byPackage[p])
	}
	if len(order) != 1 {
		line("all", results)
	}
	tw.Flush()
}

func write(file string, results []Result) error {
	data, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}
