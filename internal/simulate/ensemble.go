package simulate

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// ensemble are the runs that a simulation consists of: every trajectory with every
// point of its sweeps and every sample.
type ensemble struct {
	space        *problem.Space
	trajectories []*problem.Trajectory
	of           []int // the trajectory of each run
	slots        []problem.Slot
	values       [][]float64          // of the places, by run
	points       [][]float64          // the different values that runs have
	labels       []func(i int) string // what tells a run from the others, in its name
	seed         uint64

	pick     func(row []float64) []float64 // chooses the columns
	fields   *fieldTable                   // of a model with fields
	places   *places                       // at which they are written; nil: at all
	observed *observedTable                // likewise, of rows of data
	measured []int                         // components of observations whose data stand behind the columns
	samples  int                           // of each point of the sweeps
	traces   []sim.Trace                   // by run; nil: they are not wanted
	reached  []reached                     // likewise
}

// ensemble lists the runs that samples and sweeps ask for.
func (m *Simulator) ensemble(sp *problem.Space, trajectories []*problem.Trajectory, c Options, seed uint64) (*ensemble, error) {
	r := &ensemble{space: sp, trajectories: trajectories, seed: seed, points: [][]float64{nil}, samples: 1}
	if s := m.Prog.Checked.Simulate; s != nil {
		for _, axis := range s.Sweep {
			if err := r.sweep(axis); err != nil {
				return nil, err
			}
		}
		if s.Samples != nil {
			if err := r.sample(s.Samples); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Set)) {
		if err := r.set(name, c.Set[name]); err != nil {
			return nil, err
		}
	}
	for _, point := range r.points {
		for k, p := range r.slots {
			if err := p.Check(point[k]); err != nil {
				return nil, err
			}
		}
	}
	for k, it := range trajectories {
		if err := m.Grid(it, &c); err != nil {
			return nil, err
		}
		for i := range r.points {
			r.of = append(r.of, k)
			r.values = append(r.values, r.points[i])
		}
	}
	return r, nil
}

// slot adds a slot that the points of the ensemble have values of.
func (r *ensemble) slot(name string) error {
	if slices.ContainsFunc(r.slots, func(p problem.Slot) bool { return p.Name == name }) {
		return fmt.Errorf("the simulate block gives `%s` values twice", name)
	}
	p, err := r.space.Slot(name)
	r.slots = append(r.slots, p)
	return err
}

// sweep takes every point with every value of a quantity.
func (r *ensemble) sweep(axis check.SweepAxis) error {
	first := len(r.slots)
	for _, name := range axis.Names {
		if err := r.slot(name); err != nil {
			return err
		}
	}
	var next [][]float64
	for _, p := range r.points {
		for _, x := range axis.Values {
			next = append(next, append(slices.Clone(p), x...))
		}
	}
	r.points = next
	for k, name := range axis.Names {
		r.labels = append(r.labels, func(i int) string { return fmt.Sprintf("%s=%g", name, r.values[i][first+k]) })
	}
	return nil
}

// sample takes every point with every draw from distributions.
func (r *ensemble) sample(s *check.Samples) error {
	r.samples = s.N
	for _, d := range s.Draws {
		if err := r.slot(d.Name); err != nil {
			return err
		}
	}
	var next [][]float64
	for _, p := range r.points {
		for i := range s.N {
			v := slices.Clone(p)
			for _, d := range s.Draws {
				x, err := draw(d, fit.Stream(r.seed, "sample "+d.Name, i))
				if err != nil {
					return err
				}
				v = append(v, x)
			}
			next = append(next, v)
		}
	}
	r.points = next
	r.labels = append(r.labels, func(i int) string { return fmt.Sprintf("sample=%d", i%s.N) })
	return nil
}

// set gives all points one value of a slot.
func (r *ensemble) set(name string, v float64) error {
	if slices.ContainsFunc(r.slots, func(p problem.Slot) bool { return p.Name == name }) {
		return fmt.Errorf("`%s` is set to %g, and the simulate block gives it values of its own (`sweep` or `samples`)", name, v)
	}
	if err := r.slot(name); err != nil {
		return err
	}
	for i := range r.points {
		r.points[i] = append(r.points[i], v)
	}
	return nil
}

// name is what run i is called.
func (r *ensemble) name(i int) string {
	var parts []string
	if n := r.trajectories[r.of[i]].Name; n != "" {
		parts = append(parts, n)
	}
	for _, f := range r.labels {
		parts = append(parts, f(i))
	}
	return strings.Join(parts, ", ")
}

// prepare makes run i the bound model of a lane; p and nat are what the runs
// share.
func (r *ensemble) prepare(i int, p, nat []float64, to *engine.BoundModel) *sim.Span {
	it := r.trajectories[r.of[i]]
	to.Q, to.Signals = r.space.OwnInputs(nat, it, to.Q), it.Signals
	r.space.Redraw(to.Q, it, r.drawing(i))
	to.P, to.Initial = to.P[:0], to.Initial[:0]
	for k, pl := range r.slots {
		if r.values[i] == nil { // a solver that has none yet
			break
		}
		v := r.values[i][k]
		switch pl.Kind {
		case problem.SharedSlot:
			if len(to.P) == 0 {
				to.P = append(to.P, p...)
			}
			to.P[pl.At] = v
		case problem.OwnSlot:
			if pl.Of(it) {
				to.Q[pl.At] = v
			}
		case problem.InitialSlot:
			to.Initial = append(to.Initial, engine.InitialValue{At: pl.At, V: v})
		}
	}
	to.Lane.Span = it.Span
	to.Lane.Span.Draws = problem.Draws(r.space.Prog, r.seed, i, it.PointProcess)
	if r.traces != nil {
		to.Lane.Span.Trace = &r.traces[i]
	}
	return &to.Lane.Span
}

// drawing is which draws of the model run i has: those of its sample, or, where a solver is
// called with points of its own, of its number.
func (r *ensemble) drawing(i int) problem.Drawing {
	if len(r.points) == 0 {
		return problem.Drawing{Copy: uint64(i)}
	}
	return problem.Drawing{Copy: uint64(i % len(r.points) % r.samples)}
}

// draw draws from a distribution of numbers.
func draw(d check.Sampled, rng *rand.Rand) (float64, error) {
	a := make([]float64, len(d.Dist.Args))
	for i, x := range d.Dist.Args {
		v, ok := check.Evaluate(x, func(*check.Expr) ([]float64, bool) { return nil, false })
		if !ok {
			return 0, fmt.Errorf("%s: the arguments of a sample's distribution are numbers", x.Span.Pos())
		}
		a[i] = v[min(d.Element, len(v)-1)]
	}
	switch d.Dist.Name {
	case "normal":
		return distuv.Normal{Mu: a[0], Sigma: a[1], Src: rng}.Rand(), nil
	case "lognormal":
		return distuv.LogNormal{Mu: a[0], Sigma: a[1], Src: rng}.Rand(), nil
	case "student":
		return distuv.StudentsT{Nu: a[0], Mu: a[1], Sigma: a[2], Src: rng}.Rand(), nil
	case "laplace":
		return distuv.Laplace{Mu: a[0], Scale: a[1], Src: rng}.Rand(), nil
	case "uniform":
		return distuv.Uniform{Min: a[0], Max: a[1], Src: rng}.Rand(), nil
	case "exponential":
		return distuv.Exponential{Rate: 1 / a[0], Src: rng}.Rand(), nil
	case "cauchy":
		return a[0] + a[1]*math.Tan(math.Pi*(rng.Float64()-0.5)), nil
	case "halfnormal":
		return math.Abs(distuv.Normal{Sigma: a[0], Src: rng}.Rand()), nil
	case "halfcauchy":
		return a[0] * math.Tan(math.Pi/2*rng.Float64()), nil
	case "gamma":
		return distuv.Gamma{Alpha: a[0], Beta: 1 / a[1], Src: rng}.Rand(), nil
	case "inverse_gamma":
		return distuv.InverseGamma{Alpha: a[0], Beta: a[1], Src: rng}.Rand(), nil
	case "beta":
		return distuv.Beta{Alpha: a[0], Beta: a[1], Src: rng}.Rand(), nil
	}
	return 0, fmt.Errorf("cannot draw from `%s`", d.Dist.Name)
}

// ownParams reports whether runs differ in parameters that trajectories share else.
func (r *ensemble) ownParams() bool {
	return slices.ContainsFunc(r.slots, func(p problem.Slot) bool { return p.Kind == problem.SharedSlot })
}
