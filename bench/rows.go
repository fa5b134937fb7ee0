package bench

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/pinode/pinode"
)

// Rows are what is measured, in the order in which it is reported.
var Rows = slices.Concat(smallRows, layersRows())

var smallRows = []*Row{
	{
		Name: "lotka", Unit: "µs", Bar: Bar{2, Ratio},
		Doc:  "one Lotka–Volterra solve to t = 10, Tsit5, 1e-8",
		Why:  "five sixths machine code of the step, a third of which is the logarithm and the exponential of step control, which the C program spends as well; the rest calls it once a step. C keeps the state in registers from step to step, machine code that is called does not.",
		Work: loss("lotka", lotkaUntil(10)),
		Baselines: []Baseline{
			c("C", "lotka.c"), c("C Dopri5", "lotka.c", "DOPRI5"), cvode("LOTKA"), &Peer{"diffrax", "diffrax", "lotka"},
		},
	},
	{
		Name: "pleiades", Unit: "µs", Bar: Bar{1.5, Ratio},
		Doc:  "the Pleiades problem, 28 states, to t = 3, Tsit5, 1e-8",
		Work: loss("pleiades", stars),
		Baselines: []Baseline{
			c("C", "pleiades.c"), c("C Dopri5", "pleiades.c", "DOPRI5"), cvode("PLEIADES"),
		},
	},
	{
		Name: "rober", Unit: "µs", Bar: Bar{0.5, Ratio},
		Doc:       "Robertson's reactions to t = 1e5, 1e-8",
		Work:      solve("rober", "1e5", "1e-8"),
		Baselines: []Baseline{cvode("ROBER")},
	},
	{
		Name: "rober_tight", Unit: "µs", Bar: Bar{1.5, Ratio},
		Doc:       "Robertson's reactions to t = 1e5, 1e-10",
		Work:      solve("rober", "1e5", "1e-10"),
		Baselines: []Baseline{cvode("ROBER", "TOL=1e-10")},
	},
	{
		Name: "vdpol", Unit: "µs", Bar: Bar{0.5, Ratio},
		Doc:       "van der Pol's oscillator, µ = 1000, to t = 3000, 1e-8",
		Work:      solve("vdpol", "3000", "1e-8"),
		Baselines: []Baseline{cvode("VDPOL")},
	},
	{
		Name: "vdpol_tight", Unit: "µs", Bar: Bar{1.5, Ratio},
		Doc:       "van der Pol's oscillator, µ = 1000, to t = 3000, 1e-10",
		Work:      solve("vdpol", "3000", "1e-10"),
		Baselines: []Baseline{cvode("VDPOL", "TOL=1e-10")},
	},
	{
		Name: "hires", Unit: "µs", Bar: Bar{0.5, Ratio},
		Doc:       "the HIRES problem, 8 states, to t = 321.8122, 1e-8",
		Work:      solve("hires", "321.8122", "1e-8"),
		Baselines: []Baseline{cvode("HIRES")},
	},
	{
		Name: "hires_tight", Unit: "µs", Bar: Bar{1.5, Ratio},
		Doc:       "the HIRES problem, 8 states, to t = 321.8122, 1e-10",
		Work:      solve("hires", "321.8122", "1e-10"),
		Baselines: []Baseline{cvode("HIRES", "TOL=1e-10")},
	},
	{
		Name: "pollu", Unit: "µs", Bar: Bar{0.5, Ratio},
		Doc:       "the POLLU problem, 20 species, to t = 60, 1e-8",
		Work:      solve("pollu", "60", "1e-8"),
		Baselines: []Baseline{cvode("POLLU")},
	},
	{
		Name: "rober_lanes", Unit: "µs", Bar: Bar{0.2, Ratio},
		Doc:       "a trajectory of 10,000 of Robertson's reactions to t = 1e5 with other rates each, 1e-6, rodas5p, one core",
		Work:      robers(10000),
		Baselines: []Baseline{cvode("ROBER", "TOL=1e-6")},
	},
	{
		Name: "lotka_gradient", Unit: "µs", Bar: Bar{2, Ratio},
		Doc:       "loss and gradient of one Lotka–Volterra solve by four parameters, 1e-8",
		Why:       "three quarters machine code: of the steps, and of their derivatives, which take two fifths as long; the rest copies what the derivatives need of each step and puts it back, and calls the code. A loss alone keeps nothing. The program in C takes 1.5 to 1.7 times its own solve.",
		Work:      gradient("lotka", lotkaUntil(10)),
		Own:       &Own{"loss", loss("lotka", lotkaUntil(10))},
		Baselines: []Baseline{c("C", "lotka.c", "GRADIENT"), cvodes()},
	},
	{
		Name: "pleiades_gradient", Unit: "µs", Bar: Bar{3.5, Ratio},
		Doc:  "loss and gradient of the Pleiades problem by seven masses, 1e-8",
		Why:  "nine tenths machine code. Each stage's derivative computes again what the right-hand side had computed, from the stages on the tape: 42 distances and their third powers cost less than keeping them.",
		Work: gradient("pleiades", stars),
		Own:  &Own{"loss", loss("pleiades", stars)},
	},
	{
		Name: "demo_gradient", Unit: "µs", Bar: Bar{2.6, Ratio},
		Doc:  "loss and gradient of 20 pieces of a spiral by a 2-50-2 network, Dopri5, 1e-7",
		Work: gradient("demo", pieces),
		Own:  &Own{"loss", loss("demo", pieces)},
	},
	{
		Name: "network_gradient", Unit: "µs", Bar: Bar{2.6, Ratio},
		Doc:  "value and gradient of a 2-50-50-2 network, batch 32, against its value",
		Work: gradient("network", points(32)),
		Own:  &Own{"value", loss("network", points(32))},
	},
	{
		Name: "ensemble", Unit: "ms", Bar: Bar{35, Value},
		Doc:       "10,000 Lotka–Volterra trajectories to t = 10, Tsit5, 1e-6, one core",
		Why:       "half machine code of steps, eight trajectories side by side; a quarter starts trajectories one by one (two evaluations for the first length, binding initial values) and ends them; the rest looks after each step which lanes go on.",
		Work:      ensemble(1),
		Baselines: []Baseline{c("C 4 lanes", "ensemble4.c"), c("C", "ensemble.c"), torchdiffeq("torchdiffeq", "ensemble"), &Peer{"diffrax", "diffrax", "ensemble"}},
	},
	{
		Name: "ensemble_2", Unit: "ms", Bar: Bar{18, Value},
		Doc:       "10,000 Lotka–Volterra trajectories to t = 10, Tsit5, 1e-6, two cores",
		Work:      cores(2, ensemble(2)),
		Baselines: []Baseline{&Pair{c("C 4 lanes", "ensemble4.c")}, c("C 4 lanes on one core", "ensemble4.c")},
	},
	{
		Name: "network_1", Unit: "µs", Bar: Bar{2.5, Value},
		Doc:       "value and gradient of a 2-50-50-2 network, batch 1",
		Why:       "a third is the network and its derivative, a sixth writes the gradient, an outer product, at the speed of the second-level cache. The rest is what an evaluation of a loss costs by itself: starting and ending a trajectory, a row of data, a sweep back of no length. The 8,100 multiply–adds alone would take 0.4 µs at two AVX2 instructions a cycle.",
		Work:      gradient("network", points(1)),
		Baselines: []Baseline{torchdiffeq("torch", "network_1")},
	},
	{
		Name: "network_32", Unit: "µs", Bar: Bar{40, Value},
		Doc:       "value and gradient of a 2-50-50-2 network, batch 32",
		Why:       "see batch 256; the gradient is written for fewer rows.",
		Work:      gradient("network", points(32)),
		Baselines: []Baseline{torchdiffeq("torch", "network_32")},
	},
	{
		Name: "network_256", Unit: "µs", Bar: Bar{320, Value},
		Doc:       "value and gradient of a 2-50-50-2 network, batch 256",
		Why:       "two fifths in rows of data, eight side by side: products 17 %, tanh and its derivative 13 %, sums over lanes and moving rows into lanes and out the rest; 12 % is the gradient by the weights, one product of matrices for 32 rows; 30 % starts and ends 256 trajectories, 0.3 µs each. The 2.1 million multiply–adds take 100 µs at the processor's limit.",
		Work:      gradient("network", points(256)),
		Baselines: []Baseline{torchdiffeq("torch", "network_256")},
	},
	{
		Name: "network_single", Unit: "µs", Bar: Bar{1, Ratio},
		Doc:  "batch 256 with `precision: f32`, against double precision",
		Why:  "a third of the time in double precision is what a trajectory costs beside the network, and stays. Tanh is three times as fast, products 1.6 times: with eight lanes each weight is a load of its own for one multiply–add.",
		Work: gradient("network", points(256), "fit.precision", "f32"),
		Own:  &Own{"double", gradient("network", points(256))},
	},
	{
		Name: "wide_single", Unit: "µs", Bar: Bar{0.7, Ratio},
		Doc:  "value and gradient of a 2-256-256-2 network, batch 256, with `precision: f32`, against double precision",
		Why:  "here products are nearly all. Half of the bytes and twice the lanes of a register; the gradient by the weights is turned to double precision 32 rows at a time.",
		Work: gradient("wide", points(256), "fit.precision", "f32"),
		Own:  &Own{"double", gradient("wide", points(256))},
	},
	{
		Name: "demo_single", Unit: "µs", Bar: Bar{1, Ratio},
		Doc:  "loss and gradient of ode_demo at 1e-6 and 1e-7 absolute with `precision: f32`, against double precision",
		Work: gradient("demo", pieces, "fit.solver.dopri5.rtol", "1e-6", "fit.solver.dopri5.atol", "1e-7", "fit.precision", "f32"),
		Own:  &Own{"double", gradient("demo", pieces, "fit.solver.dopri5.rtol", "1e-6", "fit.solver.dopri5.atol", "1e-7")},
	},
	{
		Name: "spiral", Unit: "ms", Bar: Bar{100, Value},
		Doc:       "300 epochs of a 2-100-100-2 network on a spiral, 49 steps of Euler, training alone",
		Why:       "14,700 steps forth and back. Products with matrices are half: a single trajectory reads the 80 kB of the middle layer from the second-level cache once on each way, 1.1 µs forth and 0.9 µs back at 90 GB/s, and its gradient is a product of matrices for 32 steps. A tenth computes activations, a tenth carries them to the tape and back, a tenth is Adam and what an iteration costs besides.",
		Work:      training("spiral", spiral, 1),
		Baselines: []Baseline{torchdiffeq("torch", "spiral")},
	},
	{
		Name: "spiral_process", Unit: "ms", Bar: Bar{150, Value},
		Doc:  "the same as a whole process of `pinode fit`, with its certificate, estimates and figures",
		Why:  "three fifths is the training; figures 13 % (compressing pictures), the certificate 7 %, compiling 6 %, the checkpoint 4 %, starting 5 %.",
		Work: fitProcess("spiral", spiral),
	},
	{
		Name: "ode_demo", Unit: "µs", Bar: Bar{400, Value},
		Doc:       "an iteration of torchdiffeq's ode_demo: 20 pieces of a spiral, 2-50-2 network, Dopri5, 1e-7, RMSprop",
		Work:      training("demo", pieces, 100),
		Baselines: []Baseline{torchdiffeq("torchdiffeq", "ode_demo"), torchdiffeq("torchdiffeq adjoint", "ode_demo_adjoint")},
	},
	{
		Name: "bounces", Unit: "µs", Bar: Bar{100, Value},
		Doc:       "five bounces of a ball and their gradient by three parameters, Tsit5, 1e-8",
		Why:       "a sixth looks for the events on the dense output, a tenth shortens the steps to them, three tenths carry out instants (jumps a third of that), a sixth goes back over them, the rest are the steps between and what a loss costs: some twenty-five calls of programs an event, where the C program has all of this ball in one function.",
		Work:      gradient("bounce", ball),
		Baselines: []Baseline{c("C", "bounce.c", "GRADIENT"), c("C without gradient", "bounce.c"), torchdiffeq("torchdiffeq", "bounces")},
	},
	{
		Name: "chain_small", Unit: "µs", Bar: Bar{1.2, Ratio},
		Doc:       "a chain of 16 masses written with `for`, to t = 5, Tsit5, 1e-6",
		Work:      chains(16, 1, (*task).loss),
		Baselines: []Baseline{numba("chain_16"), c("C", "chain.c", "N=16")},
	},
	{
		Name: "chain", Unit: "µs", Bar: Bar{1.2, Ratio},
		Doc:       "the same of 250 masses",
		Why:       "the equations are loops over arrays, as in the programs beside it: two for each stage, its argument and its rate, and a few numbers at the ends of the chain. Arguments of all stages are stored, where the others have one.",
		Work:      chains(250, 1, (*task).loss),
		Baselines: []Baseline{numba("chain_250"), c("C", "chain.c", "N=250")},
	},
	{
		Name: "chain_large", Unit: "µs", Bar: Bar{1.2, Ratio},
		Doc:       "the same of 10,000 masses",
		Why:       "each loop streams its arrays of 160 kB from the third-level cache, as the programs beside it do.",
		Work:      chains(10000, 1, (*task).loss),
		Baselines: []Baseline{numba("chain_10000"), c("C", "chain.c", "N=10000")},
	},
	{
		Name: "chain_gradient", Unit: "µs", Bar: Bar{3.5, Ratio},
		Doc:  "loss and gradient of the chain of 250 masses by its parameter, against the loss",
		Work: chains(250, 1, (*task).gradient),
		Own:  &Own{"loss", chains(250, 1, (*task).loss)},
	},
	{
		Name: "chain_batch", Unit: "µs", Bar: Bar{1, Ratio},
		Doc:  "a trajectory of 64 of the chain of 250 masses, against one alone",
		Why:  "long chains go one after the other: side by side their arrays would not fit the first-level cache.",
		Work: chains(250, 64, (*task).loss),
		Own:  &Own{"alone", chains(250, 1, (*task).loss)},
	},
	{
		Name: "compile", Unit: "ms", Bar: Bar{20, Value},
		Doc:  "compilation of the Pleiades model, some 400 operations, with its derivatives",
		Work: compilation,
	},
	{
		Name: "start", Unit: "ms", Bar: Bar{20, Value},
		Doc:       "a process up to its first step in time",
		Work:      firstStep,
		Baselines: []Baseline{&Bare{c("C", "lotka.c")}},
	},
	{
		Name: "start_memory", Unit: "MB", Bar: Bar{30, Value},
		Doc:   "memory of such a process at its peak",
		Count: firstMemory,
	},
	{
		Name: "step_allocations", Unit: "", Bar: Bar{0, Value},
		Doc:   "allocations of a step of a Lotka–Volterra solve, once memory has grown",
		Count: stepAllocations,
	},
	{
		Name: "gradient_allocations", Unit: "", Bar: Bar{0, Value},
		Doc:   "allocations of a loss with its gradient, once memory has grown",
		Count: gradientAllocations,
	},
	{
		Name: "two_cores", Unit: "ms", Bar: Bar{1 / 1.9, Ratio},
		Doc:  "loss and gradient of 256 Lotka–Volterra trajectories on two cores, against one; the bar is 1/1.9",
		Why:  "chunks of 32 trajectories are handed out one by one, so that a core waits for half a chunk on average, and where one of them is held up by a chunk, the other takes five of the eight: 0.63. Cores of a machine that others use too do not run at the same speed.",
		Work: cores(2, times("lotka", lotkas(256), 2, func(t *task) func() error { return t.gradient })),
		Own:  &Own{"one core", gradient("lotka", lotkas(256))},
	},
}

// cores measures only where there are as many.
func cores(n int, t Timer) Timer {
	return func(l *Lab) (sampler, error) {
		if runtime.GOMAXPROCS(0) < n {
			return nil, unavailable("needs %d cores", n)
		}
		return t(l)
	}
}

// compilation is from the text of a model to programs for its loss and the
// gradient.
func compilation(l *Lab) (sampler, error) {
	text, err := model("pleiades")
	if err != nil {
		return nil, err
	}
	m, err := l.parse("pleiades", text, stars())
	if err != nil {
		return nil, err
	}
	path := m.Path()
	return batched(func() error {
		m, err := pinode.Parse(path, text)
		if err == nil {
			_, err = m.NewFit(pinode.FitOptions{Workers: 1})
		}
		return err
	}), nil
}

// stepAllocations divides what a long run allocates more than a short one by
// how many steps it takes more.
func stepAllocations(_ context.Context, l *Lab) (float64, error) {
	measure := func(until int) (allocated, steps float64, err error) {
		m, err := l.load("lotka", lotkaUntil(until)())
		if err != nil {
			return 0, 0, err
		}
		t, err := newTask(m, 1)
		if err != nil {
			return 0, 0, err
		}
		s, err := m.Simulate(context.Background(), pinode.SimulateOptions{Until: float64(until)})
		if err != nil {
			return 0, 0, err
		}
		allocated, err = mallocs(t.loss)
		return allocated, float64(s.Stats.Steps), err
	}
	short, few, err := measure(10)
	if err != nil {
		return 0, err
	}
	long, many, err := measure(100)
	return math.Max(0, long-short) / (many - few), err
}

func gradientAllocations(_ context.Context, l *Lab) (float64, error) {
	m, err := l.load("lotka", lotkaUntil(10)())
	if err != nil {
		return 0, err
	}
	t, err := newTask(m, 1)
	if err != nil {
		return 0, err
	}
	return mallocs(t.gradient)
}
