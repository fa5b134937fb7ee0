package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

func lab(t testing.TB, exe string) *Lab {
	t.Helper()
	l, err := NewLab(true, exe)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// TestRows checks that every row says what it is and can be judged.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows {
		t.Run(r.Name, func(t *testing.T) {
			require.False(t, seen[r.Name], "two rows of one name")
			seen[r.Name] = true
			require.Regexp(t, `^[a-z0-9_]+$`, r.Name)
			require.NotEmpty(t, r.Doc)
			require.Contains(t, []Of{Ratio, Value}, r.Bar.Of)
			ways := 0
			for _, is := range []bool{r.Waits != "", r.Work != nil, r.Count != nil} {
				if is {
					ways++
				}
			}
			require.Equal(t, 1, ways, "a row waits, is timed, or counts")
			if r.Work != nil {
				require.Contains(t, perNs, r.Unit)
				if r.Bar.Of == Ratio {
					require.True(t, r.Own != nil || len(r.Baselines) > 0, "a ratio to what?")
				}
			}
		})
	}
}

// program runs a baseline in C once.
func program(t *testing.T, l *Lab, n *Native) Line {
	t.Helper()
	exe, err := l.native.build(t.Context(), l, n)
	var why *Unavailable
	if errors.As(err, &why) {
		t.Skip(why.Why)
	}
	require.NoError(t, err)
	line, err := runLine(t.Context(), exe, "0")
	require.NoError(t, err)
	require.Positive(t, line.Ns)
	return line
}

// last is the last row of a simulation, without its time.
func last(s *pinode.Simulation) []float64 {
	rows := s.Trajectories[0].Rows
	return rows[len(rows)-1][1:]
}

// TestSameSolves compares solves with those in C: as many steps, and the same
// solution. Only then does a ratio of their times mean anything.
func TestSameSolves(t *testing.T) {
	for _, c := range []struct {
		model, solver string
		baseline      *Native
	}{
		{"lotka", "tsit5", c("C", "lotka.c")},
		{"lotka", "dopri5", c("C", "lotka.c", "DOPRI5")},
		{"pleiades", "tsit5", c("C", "pleiades.c")},
		{"pleiades", "dopri5", c("C", "pleiades.c", "DOPRI5")},
	} {
		t.Run(c.model+" "+c.solver, func(t *testing.T) {
			l := lab(t, "")
			want := program(t, l, c.baseline)
			text, err := model(c.model)
			require.NoError(t, err)
			m, err := l.parse(c.model, strings.ReplaceAll(text, "tsit5", c.solver), "t\n")
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), pinode.SimulateOptions{})
			require.NoError(t, err)
			require.Equal(t, want.Steps, s.Stats.Steps)
			got := last(s)
			for i, w := range want.Result {
				// The order of additions differs; close encounters of the
				// stars magnify that.
				require.InDelta(t, w, got[i], 1e-9, "state %d", i)
			}
		})
	}
}

// TestSameChains compares chains written mass by mass with those in C.
func TestSameChains(t *testing.T) {
	for _, n := range []int{16, 250} {
		l := lab(t, "")
		want := program(t, l, c("C", "chain.c", fmt.Sprintf("N=%d", n)))
		m, err := l.parse("chain", chain(n), chainTable(1))
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), pinode.SimulateOptions{})
		require.NoError(t, err)
		require.Equal(t, want.Steps, s.Stats.Steps)
		got := last(s)
		require.InDelta(t, want.Result[0], got[0], 1e-9)
		require.InDelta(t, want.Result[1], got[n/2], 1e-9)
	}
}

// TestSameEnsemble compares the 10,000 trajectories with both programs in C.
func TestSameEnsemble(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 trajectories")
	}
	l := lab(t, "")
	s, values, err := l.grid(1)
	require.NoError(t, err)
	require.NoError(t, s.Run(values...))
	sum := make([]float64, 2)
	for _, end := range s.Ends {
		sum[0] += end[0]
		sum[1] += end[1]
	}
	for _, source := range []string{"ensemble.c", "ensemble4.c"} {
		want := program(t, l, c("C", source))
		require.InEpsilon(t, want.Steps, s.Stats().Steps, 1e-4) // a step is accepted or not by round-off
		require.InDeltaSlice(t, want.Result, sum, 1e-4)
	}
}

// TestSameGradients compares gradients with those in C, of which one is a
// discrete adjoint and the other integrates sensitivities. The coordinates of
// a fit are the parameters over their start values.
func TestSameGradients(t *testing.T) {
	l := lab(t, "")
	for _, c := range []struct {
		model, table string
		baseline     *Native
		skip         int       // numbers of the result before the gradient
		scale        []float64 // of the coordinates
		outer        func(r []float64) float64
		tol          float64
	}{
		{"lotka", lotkaUntil(10)(), c("C", "lotka.c", "GRADIENT"), 2, []float64{1.5, 1, 3, 1}, func([]float64) float64 { return 1 }, 1e-10},
		{"bounce", ball(), c("C", "bounce.c", "GRADIENT"), 3, []float64{9.81, 0.8, 1}, func(r []float64) float64 { return r[0] }, 1e-9},
	} {
		t.Run(c.model, func(t *testing.T) {
			want := program(t, l, c.baseline)
			m, err := l.load(c.model, c.table)
			require.NoError(t, err)
			k, err := newTask(m, 1)
			require.NoError(t, err)
			require.NoError(t, k.gradient())
			require.Len(t, k.grad, len(c.scale))
			for i, s := range c.scale {
				got := k.grad[i] * k.x[i] // by the logarithm, whatever the coordinate
				require.InDelta(t, want.Result[c.skip+i]*s*c.outer(want.Result), got, c.tol, "parameter %d", i)
			}
		})
	}
}

// TestCVODE checks the programs with SUNDIALS, against ours in C, against
// published values, and against themselves at a tighter tolerance.
func TestCVODE(t *testing.T) {
	l := lab(t, "")
	near := func(want, got []float64, tol float64) {
		t.Helper()
		require.Len(t, got, len(want))
		for i, w := range want {
			require.InDelta(t, w, got[i], tol*math.Max(1, math.Abs(w)), "component %d", i)
		}
	}
	near(program(t, l, c("C", "lotka.c")).Result, program(t, l, cvode("LOTKA")).Result, 2e-6)
	near(program(t, l, c("C", "lotka.c", "GRADIENT")).Result, program(t, l, cvodes()).Result, 5e-6)
	near(program(t, l, c("C", "pleiades.c")).Result, program(t, l, cvode("PLEIADES")).Result, 2e-3)
	for _, problem := range []string{"ROBER", "VDPOL"} {
		near(program(t, l, cvode(problem, "TOL=1e-11")).Result, program(t, l, cvode(problem)).Result, 1e-4)
	}
	// The reference solution of the test set of Hairer and Wanner.
	near([]float64{
		0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2,
		0.2386356198831331e-2, 0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2,
	}, program(t, l, cvode("HIRES")).Result, 1e-6)
}

// TestPeers compares the scripts with the programs in C. It takes a while, and
// runs where PINODE_BENCH_PYTHON names a Python.
func TestPeers(t *testing.T) {
	if os.Getenv("PINODE_BENCH_PYTHON") == "" {
		t.Skip("PINODE_BENCH_PYTHON is not set")
	}
	l := lab(t, "")
	l.Quick = false
	ball := program(t, l, c("C", "bounce.c", "GRADIENT")).Result
	for _, k := range []struct {
		peer *Peer
		want []float64
		tol  float64
	}{
		{torchdiffeq("torchdiffeq", "bounces"), []float64{ball[0], ball[3], ball[4], ball[5]}, 1e-4},
		{torchdiffeq("torchdiffeq", "ensemble"), program(t, l, c("C", "ensemble.c")).Result, 1},
		{&Peer{"diffrax", "diffrax", "ensemble"}, program(t, l, c("C", "ensemble.c")).Result, 1},
		{numba("chain_250"), program(t, l, c("C", "chain.c", "N=250")).Result, 1e-9},
		{&Peer{"diffrax", "diffrax", "lotka"}, program(t, l, c("C", "lotka.c")).Result, 1e-6},
	} {
		_, err := k.peer.sampler(t.Context(), l)
		var why *Unavailable
		if errors.As(err, &why) {
			t.Log(why.Why)
			continue
		}
		require.NoError(t, err)
		var work turns
		line, err := work.take(t.Context(), 0, l.python.path, filepath.Join(l.dir, k.peer.Package+"_peer.py"), k.peer.Work)
		require.NoError(t, err)
		again, err := work.take(t.Context(), 0, l.python.path)
		require.NoError(t, err)
		require.Equal(t, line.Result, again.Result, "the next turn of the same process")
		require.NoError(t, work.end())
		require.Positive(t, line.Ns)
		require.InDeltaSlice(t, k.want, line.Result, k.tol, k.peer.Work)
	}
}

// TestBounces checks the program with the ball against the closed form.
func TestBounces(t *testing.T) {
	line := program(t, lab(t, ""), c("C", "bounce.c", "GRADIENT"))
	height := func(g, e, h0 float64) float64 {
		v := math.Sqrt(2 * g * h0)
		at := v / g
		for i := 1; i <= 4; i++ {
			at += 2 * math.Pow(e, float64(i)) * v / g
		}
		dt := 2.7 - at
		return math.Pow(e, 5)*v*dt - g*dt*dt/2
	}
	const d = 1e-6
	require.Equal(t, 5., line.Result[2])
	require.InDelta(t, height(9.81, 0.8, 1), line.Result[0], 1e-10)
	for i, diff := range []float64{
		height(9.81+d, 0.8, 1) - height(9.81-d, 0.8, 1),
		height(9.81, 0.8+d, 1) - height(9.81, 0.8-d, 1),
		height(9.81, 0.8, 1+d) - height(9.81, 0.8, 1-d),
	} {
		require.InDelta(t, diff/(2*d), line.Result[3+i], 1e-7)
	}
}

// constant is a sampler that tells given times in turn.
func constant(ns ...float64) Timer {
	return func(*Lab) (sampler, error) {
		k := -1
		return func(context.Context, time.Duration) (float64, error) {
			k++
			return ns[k%len(ns)], nil
		}, nil
	}
}

// none is a baseline that there is not.
type none struct{}

func (none) name() string { return "nothing" }

func (none) sampler(context.Context, *Lab) (sampler, error) {
	return nil, unavailable("it is not here")
}

func TestResults(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name    string
		row     Row
		ratio   float64
		holds   *bool
		printed string
	}{
		{"ratio met", Row{Unit: "µs", Work: constant(5000, 3000, 4000), Own: &Own{"own", constant(2000, 2500, 2100)}, Bar: Bar{1.5, Ratio}}, 1.5, &yes, "own 2 µs"},
		{"ratio missed", Row{Unit: "µs", Work: constant(5000, 3001, 4000), Own: &Own{"own", constant(2000)}, Bar: Bar{1.5, Ratio}}, 1.5005, &no, "own 2 µs"},
		{"value met without baseline", Row{Unit: "ns", Work: constant(7), Baselines: []Baseline{none{}}, Bar: Bar{7, Value}}, math.NaN(), &yes, "nothing: it is not here"},
		{"ratio unknown", Row{Unit: "ns", Work: constant(7), Baselines: []Baseline{none{}}, Bar: Bar{7, Ratio}}, math.NaN(), nil, "nothing: it is not here"},
		{"waiting", Row{Waits: "rain", Bar: Bar{1, Ratio}}, math.NaN(), nil, "waits for rain"},
		{"count", Row{Count: func(context.Context, *Lab) (float64, error) { return 0, nil }, Bar: Bar{0, Value}}, math.NaN(), &yes, ""},
		{"not here", Row{Count: func(context.Context, *Lab) (float64, error) { return 0, unavailable("no memory") }, Bar: Bar{0, Value}}, math.NaN(), nil, "no memory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.row.Name = "row"
			res, err := c.row.Run(t.Context(), lab(t, ""))
			require.NoError(t, err)
			if math.IsNaN(c.ratio) {
				require.True(t, math.IsNaN(res.Ratio))
			} else {
				require.InDelta(t, c.ratio, res.Ratio, 1e-12)
			}
			require.Equal(t, c.printed, res.cells()[5])
			text, err := json.Marshal(res)
			require.NoError(t, err)
			var back jsonRow
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, c.holds, back.Holds)
			require.Equal(t, c.row.Bar.Most, *back.Bar)
			for _, key := range []string{"name", "value", "unit", "baseline", "ratio", "bar", "holds"} {
				require.Contains(t, string(text), `"`+key+`":`)
			}
		})
	}
}

// TestFailures checks that what fails is told, with the row's name.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	l := lab(t, "")
	fails := func(*Lab) (sampler, error) {
		return func(context.Context, time.Duration) (float64, error) { return 0, broken }, nil
	}
	err := Run(t.Context(), l, []*Row{{Name: "bad", Unit: "ns", Work: fails}}, func(Result) { t.Error("a row without result is done") })
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "row bad")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Run(ctx, l, []*Row{{Name: "late", Unit: "ns", Work: constant(1)}}, func(Result) { t.Error("measured after its end") })
	require.ErrorIs(t, err, context.Canceled)

	_, err = runLine(t.Context(), "go", "no-such-command")
	require.ErrorContains(t, err, "exit status 2")
	_, err = runLine(t.Context(), "go", "version")
	require.ErrorContains(t, err, "printed no line of results")

	_, err = Select([]string{"lotke"})
	require.EqualError(t, err, "there is no row `lotke`; did you mean `lotka`?")
	rows, err := Select([]string{"pleiades", "lotka"})
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, "lotka", rows[0].Name)
}

func TestBatched(t *testing.T) {
	runs := 0
	s := batched(func() error { runs++; time.Sleep(200 * time.Microsecond); return nil })
	ns, err := s(t.Context(), 5*time.Millisecond)
	require.NoError(t, err)
	require.GreaterOrEqual(t, ns, 2e5)
	require.GreaterOrEqual(t, runs, 3, "warm, once for the clock, a batch")
	broken := errors.New("broken")
	_, err = batched(func() error { return broken })(t.Context(), time.Millisecond)
	require.ErrorIs(t, err, broken)
}

// TestMallocs counts what is known.
func TestMallocs(t *testing.T) {
	var keep []*[64]byte
	n, err := mallocs(func() error {
		keep = keep[:0]
		for range 5 {
			keep = append(keep, new([64]byte))
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 5., n)
}

func TestSlope(t *testing.T) {
	points := func(f func(n float64) float64) (out []Point) {
		for _, n := range []int{1, 10, 100, 1000, 10000} {
			out = append(out, Point{n, f(float64(n))})
		}
		return out
	}
	require.InDelta(t, 1.5, slope(points(func(n float64) float64 { return 3 * math.Pow(n, 1.5) })), 1e-12)
	// What it takes to start does not enter.
	require.InDelta(t, 1, slope(points(func(n float64) float64 { return 10 + n })), 0.03)
	require.Zero(t, slope([]Point{{1, 2}}))
}

// TestCliff: a growth by more than the work shows as a step, one that is as even as the work does not.
func TestCliff(t *testing.T) {
	g := &Growth{Amount: func(n int) float64 { return float64(n * n) }}
	require.InDelta(t, 1, g.cliff([]Point{{1, 3}, {2, 12}, {4, 48}}), 1e-15)
	require.InDelta(t, 2, g.cliff([]Point{{1, 9}, {2, 12}, {4, 96}, {8, 200}}), 1e-15)
	require.InDelta(t, 1.5, (&Growth{}).cliff([]Point{{10, 20}, {20, 60}}), 1e-15)
	require.Zero(t, g.cliff([]Point{{1, 3}}))
}

// TestScaling measures the smallest sizes of every growth.
func TestScaling(t *testing.T) {
	l := lab(t, "")
	seen := map[string]bool{}
	for _, g := range Growths {
		require.False(t, seen[g.Name], g.Name)
		seen[g.Name] = true
		small := *g
		small.Sizes = g.Sizes[:1]
		table, err := small.Run(t.Context(), l)
		var why *Unavailable
		if errors.As(err, &why) {
			t.Log(why.Why)
			continue
		}
		require.NoError(t, err, g.Name)
		require.Positive(t, table.Points[0].Cost, g.Name)
	}
}

func TestReadsOfProc(t *testing.T) {
	require.Equal(t, 18204.*1024, peakOf("Name:\tpinode\nVmPeak:\t 1260000 kB\nVmHWM:\t   18204 kB\nVmRSS:\t 1 kB\n"))
	require.Zero(t, peakOf("Name:\tpinode\n"))
	require.Equal(t, "AMD EPYC", cpuModel("processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n"))
	require.Empty(t, cpuModel(""))
}

// TestReadme checks that the page lists the rows that there are.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		names = append(names, m[1])
	}
	var want []string
	for _, r := range Rows {
		want = append(want, r.Name)
	}
	require.Equal(t, want, names, "write it anew: pinode bench --markdown > bench/README.md")
}

// command builds the pinode command.
func command(t testing.TB) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "pinode")
	out, err := exec.Command("go", "build", "-o", exe, "github.com/pinode/pinode/cmd/pinode").CombinedOutput()
	require.NoError(t, err, string(out))
	return exe
}

// TestProcesses measures what runs the command, twice: nothing of the first
// time may be in the way. A whole fit is among it at night; BenchmarkRows has it by day.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the command")
	}
	l := lab(t, command(t))
	names := []string{"start", "start_memory"}
	if os.Getenv("PINODE_NIGHTLY") != "" {
		names = append(names, "spiral_process")
	}
	rows, err := Select(names)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, Run(t.Context(), l, rows, func(r Result) {
			if r.Row.Name != "start_memory" || runtime.GOOS == "linux" {
				require.Positive(t, r.Value, r.Note)
			}
		}))
	}
}

// BenchmarkRows measures every row, with its ratio to the baseline as a
// metric of its own.
func BenchmarkRows(b *testing.B) {
	l := lab(b, command(b))
	for _, r := range Rows {
		if r.Waits != "" {
			continue
		}
		b.Run(r.Name, func(b *testing.B) {
			best := Result{Value: math.Inf(1)}
			for b.Loop() {
				res, err := r.Run(b.Context(), l)
				require.NoError(b, err)
				if res.Skipped {
					b.Skip(res.Note)
				}
				if res.Value < best.Value {
					best = res
				}
			}
			if r.Work == nil {
				b.ReportMetric(0, "ns/op") // the time of counting means nothing
				b.ReportMetric(best.Value, r.Name)
				return
			}
			b.ReportMetric(best.Value*perNs[r.Unit], "ns/op")
			if !math.IsNaN(best.Ratio) {
				b.ReportMetric(best.Ratio, "ratio")
			}
		})
	}
}

// TestChoice: what a method takes for an error lies between its tolerances, on a line in the
// logarithms: here a tenth of the error takes twice the time.
func TestChoice(t *testing.T) {
	rows := []pinode.Comparison{
		{Solver: "auto", RTol: 1e-5, Error: 1e-5, Time: 6 * time.Millisecond},
		{Solver: "tsit5", RTol: 1e-3, Error: 1e-3, Time: time.Millisecond},
		{Solver: "tsit5", RTol: 1e-7, Error: 1e-7, Time: 16 * time.Millisecond},
		{Solver: "rodas4", RTol: 1e-3, Failed: "no"},
		{Solver: "rodas5p", RTol: 1e-7, Error: 1e-6, Time: 5 * time.Millisecond},
	}
	p := published{name: "p", by: []string{"rodas4", "rodas5p", "tsit5"}}
	c := p.choice(rows[0], rows)
	require.Equal(t, "tsit5", c.Best)
	require.InEpsilon(t, 4e-3, c.Other, 1e-12)
	require.InEpsilon(t, 1.5, c.Ratio, 1e-12)
	rows[0].Error = 2e-6
	require.Equal(t, "rodas5p", p.choice(rows[0], rows).Best, "a smaller error than was asked for counts as it is")
}
