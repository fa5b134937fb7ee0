package simulate

import (
	"context"
	"fmt"
	"math"
	"sort"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/field"
	"github.com/pinode/pinode/internal/problem"
)

// field evaluates fields that are a network, at places and times alike spread.
func (m *Simulator) field(ctx context.Context, c Options) (*Simulation, error) {
	if err := m.fieldRefuses(&c); err != nil {
		return nil, err
	}
	p, of := m.Prog.Program, m.Prog.Model.Collocation
	sp, err := problem.NewSpace(p, nil, 1)
	if err != nil {
		return nil, err
	}
	if err := sp.SetValues(c.Values); err != nil {
		return nil, err
	}
	module, err := engine.Once(m.Prog, "collocation", func() (*exec.Module, error) { return compiler.Collocation(p.Model, of, field.Lanes) })
	if err != nil {
		return nil, err
	}
	x, err := sp.X0()
	if err != nil {
		return nil, err
	}
	if err := m.readPlaces(); err != nil {
		return nil, err
	}
	axes, err := m.axes(&c)
	if err != nil {
		return nil, err
	}
	points, err := m.points(axes)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(points)/len(axes)*len(of.Names))
	o := field.New(field.Of(sp, false), module, of, sp.Scales, 1)
	if err := o.Values(x, points, out); err != nil {
		return nil, err
	}
	s := &Simulation{Columns: []string{"t"}, Units: []string{p.Checked.Model.Time.Unit.String()}}
	for _, k := range p.Checked.Model.Coordinates {
		s.Columns, s.Units = append(s.Columns, k.Name), append(s.Units, k.Unit.String())
	}
	s.Columns = append(s.Columns, of.Names...)
	s.Units = append(s.Units, of.Units...)
	one := &Trajectory{Name: "1"}
	for i := range len(points) / len(axes) {
		at := points[i*len(axes):][:len(axes)]
		row := append([]float64{at[len(at)-1]}, at[:len(at)-1]...)
		one.Rows = append(one.Rows, append(row, out[i*len(of.Names):][:len(of.Names)]...))
	}
	s.Trajectories = []*Trajectory{one}
	return s, ctx.Err()
}

// fieldRefuses says what cannot be asked of a network.
func (m *Simulator) fieldRefuses(c *Options) error {
	l := &diag.List{}
	at := m.simulateSpan()
	switch {
	case c.Values == nil || len(c.Values.Weights) == 0:
		l.Errorf("not-supported", at, "the fields are a network, which has to be trained before it is evaluated").
			WithHelp("run `pinode fit`, and simulate with `--params` and its folder; or write `fields: grid` in the block `fit`")
	case len(c.Set) > 0:
		names := make([]string, 0, len(c.Set))
		for name := range c.Set {
			names = append(names, name)
		}
		sort.Strings(names)
		l.Errorf("not-supported", at, "the network was trained with another value of `%s`: it solves the equations for that alone", names[0]).
			WithHelp("change it in the model and train again")
	case c.EveryRow:
		l.Errorf("not-supported", at, "rows of data beside a simulation are not supported where the fields are a network")
	}
	m.fieldSampled(l)
	return l.Err()
}

// fieldSampled refuses samples and sweeps.
func (m *Simulator) fieldSampled(l *diag.List) {
	if s := m.Prog.Checked.Simulate; s != nil && (s.Samples != nil || len(s.Sweep) > 0) {
		l.Errorf("not-supported", s.Span, "samples and sweeps change what the network was trained with")
	}
}

// checkField is Check where the fields are a network, which may not have been trained yet.
func (m *Simulator) checkField(c *Options) error {
	l := &diag.List{}
	if m.fieldSampled(l); l.Err() != nil {
		return l.Err()
	}
	if err := m.readPlaces(); err != nil {
		return err
	}
	_, err := m.axes(c)
	return err
}

// shown is how many places an axis has, where nothing says it.
const shown = 101

// axes are the places along each coordinate, then the times.
func (m *Simulator) axes(c *Options) ([][]float64, error) {
	model := m.Prog.Checked.Model
	counts := m.Settings.List("grid")
	n := len(model.Coordinates)
	l := &diag.List{}
	if counts != nil && len(counts) != n && len(counts) != n+1 {
		l.Errorf("bad-grid", m.simulateSpan(), "`grid` has %d numbers of places; there are %d coordinates, and the time", len(counts), n)
	}
	count := func(i int) int {
		if i >= len(counts) {
			return shown
		}
		if v := counts[i]; v < 1 || v != math.Trunc(v) || v > 1e6 {
			l.Errorf("bad-grid", m.simulateSpan(), "an axis cannot have %g places", v)
			return 1
		}
		return int(counts[i])
	}
	var axes [][]float64
	for i, k := range model.Coordinates {
		if k.Periodic {
			axes = append(axes, evenly(count(i), k.Lo, (k.Hi-k.Lo)/float64(count(i))))
			continue
		}
		axes = append(axes, even(k.Lo, k.Hi, count(i)))
	}
	from, until := model.Time.From, model.Time.Until
	switch given := m.Settings.List("times"); {
	case m.Prog.Model.Collocation.Steady:
		axes = append(axes, []float64{0})
	case m.places.told():
		axes = append(axes, m.places.times)
	case given != nil:
		axes = append(axes, given)
	default:
		end := until
		if m.Settings.Given("until") {
			end = m.Settings.Float("until")
		}
		if c.Until != nil {
			end = *c.Until
		}
		axes = append(axes, even(from, end, count(n)))
	}
	if !m.Prog.Model.Collocation.Steady {
		for _, t := range axes[n] {
			if !(t >= from && t <= until) {
				l.Errorf("outside-horizon", m.simulateSpan(), "the network was trained for times from %g to %g, and is not known at %g", from, until, t)
				break
			}
		}
	}
	return axes, l.Err()
}

// points are all combinations of places and times, or those that are listed.
func (m *Simulator) points(axes [][]float64) (points []float64, err error) {
	last := len(axes) - 1
	n := 1.
	for _, a := range axes {
		n *= float64(len(a))
	}
	p := m.places
	switch {
	case p.told():
		n = float64(len(p.times))
	case p != nil:
		n = float64(len(p.along[0])) * float64(len(axes[last]))
	}
	if n > mostNumbers/20/float64(len(axes)) {
		return nil, fmt.Errorf("%.2g places and times are more than there is room for", n)
	}
	if p == nil {
		return combinations(axes), nil
	}
	times := axes[last]
	for k := range int(n) {
		row := k % len(p.along[0])
		for _, x := range p.along {
			points = append(points, x[row])
		}
		if p.told() {
			points = append(points, times[row])
		} else {
			points = append(points, times[k/len(p.along[0])])
		}
	}
	return points, nil
}

// even are n places from lo to hi, both among them.
func even(lo, hi float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = lo + (hi-lo)*float64(i)/float64(max(1, n-1))
	}
	return out
}

// combinations are all combinations of places and times, the last axis: times are slowest, and the last
// coordinate is fastest.
func combinations(axes [][]float64) (points []float64) {
	n, last := 1, len(axes)-1
	for _, a := range axes {
		n *= len(a)
	}
	for i := range n {
		point := make([]float64, len(axes))
		for axis := last - 1; axis >= 0; axis-- {
			a := axes[axis]
			point[axis] = a[i%len(a)]
			i /= len(a)
		}
		point[last] = axes[last][i]
		points = append(points, point...)
	}
	return points
}
