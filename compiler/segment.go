package compiler

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// Source says how the value of a state in the midst of a trajectory is known.
type Source uint8

// The sources.
const (
	Open     Source = iota // not at all
	Observed               // by an observation that is affine in it
	Derived                // by the rate of an observed state that is affine in it
	Balanced               // an algebraic unknown, which the others determine: segment.y has its first guess
)

// Segments say how a run can begin in the midst of a trajectory, on its data.
type Segments struct {
	Source []Source // of each of the model's states
	By     []int    // of Observed the element of observations, of Derived the state whose rate it is; else −1

	// Modes are, for each discrete variable, how many values it may have: those of
	// its start and of its events, where these depend on parameters alone. 0: it
	// cannot be told.
	Modes       []int
	ModeMatters []bool // an equation, a condition or an observation reads it

	// Known says of each element of observations whether its value where a trajectory
	// begins is free of what is fitted; Reads are the states that it is made of.
	Known []bool
	Reads [][]int

	Moves []bool // of each neural block: equations use it

	states, discretes *ir.Node // the values there; nil: none
}

// mostModes is how many values of a discrete variable are told apart.
const mostModes = 8

// SegmentsOf are those of a model. The program segment.y gives the states at a time
// from data (the input data has observations), and those that no observation tells as the
// input y has them. segment.d gives the discrete variables: the input d has the number of
// a mode or, where modes cannot be told, the value.
func SegmentsOf(p *Program) *Segments {
	p.build.Lock()
	defer p.build.Unlock()
	return segmentsOf(p)
}

// segmentsOf is SegmentsOf for who holds the builder.
func segmentsOf(p *Program) *Segments {
	if p.segments == nil {
		s := &Segments{}
		s.observations(p)
		equations := ir.Reach(p.Model.RHS)
		for _, v := range p.Model.NetVals {
			s.Moves = append(s.Moves, v != nil && slices.Contains(equations, v))
		}
		s.solveStates(p)
		s.listModes(p)
		p.segments = s
	}
	return p.segments
}

// solveStates solves observations for states, one after the other: each that has a
// single unknown state left, in which it is affine.
func (s *Segments) solveStates(p *Program) {
	m, b := p.Model, p.Model.Builder
	n := m.Layout.NUser
	s.Source, s.By = make([]Source, n), make([]int, n)
	if m.Layout.NY == 0 {
		return
	}
	values := make([]*ir.Node, m.Layout.NY) // of states, as far as they are known
	for i := range values {
		values[i] = b.Const(0) // quadratures begin anew
		if i < n {
			values[i], s.By[i] = b.Elem(m.In.Y, i), -1
		}
	}
	known := func(x *ir.Node) *ir.Node {
		return b.Substitute([]*ir.Node{x}, map[*ir.Node]*ir.Node{m.In.Y: b.Concat(values...)})[0]
	}
	for again := true; again; {
		again = false
		for _, k := range usable(p) {
			pred := known(element(b, m.Pred, k))
			i := unknownOf(p, pred)
			if i < 0 || s.Source[i] != Open {
				continue
			}
			if at0, slope := affine(p, pred, i); slope != nil {
				values[i], s.Source[i], s.By[i] = b.Div(b.Sub(b.Elem(m.In.Data, k), at0), slope), Observed, k
				again = true
			}
		}
	}
	for j := range n {
		if s.Source[j] != Observed {
			continue
		}
		rate := known(element(b, m.RHS, j))
		if i := unknownOf(p, rate); i >= 0 && s.Source[i] == Open && !reads(rate, m.In.D) {
			if _, slope := affine(p, rate, i); slope != nil {
				s.Source[i], s.By[i] = Derived, j
			}
		}
	}
	if m.Balance > 0 {
		for _, i := range m.Events[m.Balance-1].Targets {
			if i < n && s.Source[i] != Observed {
				values[i], s.Source[i], s.By[i] = b.Elem(m.InitY, i), Balanced, -1
			}
		}
	}
	s.states = b.Concat(values...)
}

// observations looks at what observations are made of.
func (s *Segments) observations(p *Program) {
	m, b := p.Model, p.Model.Builder
	s.Known, s.Reads = make([]bool, m.Layout.NObs), make([][]int, m.Layout.NObs)
	if m.Pred == nil {
		return
	}
	by := map[*ir.Node]*ir.Node{}
	for in, init := range map[*ir.Node]*ir.Node{m.In.Y: m.InitY, m.In.D: m.InitD} {
		if in != nil {
			by[in] = init
		}
	}
	begins := b.Substitute([]*ir.Node{m.Pred}, by)[0]
	for k := range s.Known {
		s.Known[k] = m.Steady == 0 && m.Balance == 0 && !fitted(p, b.Elem(begins, k))
		if m.In.Y != nil {
			s.Reads[k] = autodiff.Sparsity(b.Elem(m.Pred, k), m.In.Y)[0]
		}
	}
}

// fitted reports whether a value is made of a parameter or weight that is fitted.
func fitted(p *Program, x *ir.Node) bool {
	in := p.Model.In
	free := func(of *ir.Node, from, to int) bool {
		for _, slot := range p.Model.Layout.Params {
			if (slot.PerKey && of == in.Q || !slot.PerKey && of == in.P) && !slot.Object.(*check.Param).Fixed && slot.Off < to && slot.Off+slot.N > from {
				return true
			}
		}
		return of == in.P && to > p.Model.Layout.NPar
	}
	if x.Op == ir.OpInput && (x == in.P || x == in.Q) {
		return free(x, 0, x.Shape.Size())
	}
	for _, n := range ir.Reach(x) {
		for _, a := range n.Args {
			from, to := 0, a.Shape.Size()
			if n.Op == ir.OpSlice {
				from, to = n.Off, n.Off+n.Shape.Size()
			}
			if a.Op == ir.OpInput && (a == in.P || a == in.Q) && free(a, from, to) {
				return true
			}
		}
	}
	return false
}

// usable are the elements of observations that a smooth curve through data can stand
// for: their distribution has values of the size of the prediction, and nothing in them
// jumps.
func usable(p *Program) (list []int) {
	m, b := p.Model, p.Model.Builder
	hold := slices.ContainsFunc(p.Checked.Model.Inputs, func(in *check.Input) bool { return in.Interp == "hold" })
	for _, slot := range m.Layout.Observes {
		o := slot.Object.(*check.Observe)
		if o.Weight == 0 || o.Below != nil || o.Above != nil || o.Dist != nil && o.Dist.Name == "bernoulli" {
			continue
		}
		for k := range slot.N {
			e := element(b, m.Pred, slot.Off+k)
			if !reads(e, m.In.D, m.In.YB, m.In.DB) && !(hold && reads(e, m.In.U, m.In.UB)) {
				list = append(list, slot.Off+k)
			}
		}
	}
	return list
}

// element is element i of a value, as an operation on elements where it is one on all.
func element(b *ir.Builder, x *ir.Node, i int) *ir.Node {
	e := b.Elem(x, i)
	if e.Op != ir.OpSlice || e.Args[0].Op.Info().Class != ir.Elementwise {
		return e
	}
	x = e.Args[0]
	args := make([]*ir.Node, len(x.Args))
	for k, a := range x.Args {
		if args[k] = a; a.Shape != ir.Scalar {
			args[k] = element(b, a, e.Off)
		}
	}
	return b.Rebuild(x, args)
}

// reads reports whether a value is made of one of the inputs.
func reads(x *ir.Node, inputs ...*ir.Node) bool {
	return slices.ContainsFunc(ir.Reach(x), func(n *ir.Node) bool {
		return n.Op == ir.OpInput && slices.Contains(inputs, n)
	})
}

// unknownOf is the only state that a value is made of, or −1.
func unknownOf(p *Program, x *ir.Node) int {
	in := p.Model.In
	if !reads(x, in.Y) {
		return -1
	}
	var of []int
	for _, list := range autodiff.Sparsity(x, in.Y) {
		of = append(of, list...)
	}
	slices.Sort(of)
	if of = slices.Compact(of); len(of) == 1 && of[0] < p.Model.Layout.NUser {
		return of[0]
	}
	return -1
}

// affine is a value where state i is 0, and its slope by it; nil where that is not
// constant.
func affine(p *Program, x *ir.Node, i int) (at0, slope *ir.Node) {
	m, b := p.Model, p.Model.Builder
	bar := autodiff.VJP(b, []*ir.Node{x}, []*ir.Node{b.Const(1)}, []*ir.Node{m.In.Y})[0]
	slope = b.Elem(bar, i)
	parts := make([]*ir.Node, m.Layout.NY)
	for k := range parts {
		parts[k] = b.Elem(m.In.Y, k)
	}
	parts[i] = b.Const(0)
	at0 = b.Substitute([]*ir.Node{x}, map[*ir.Node]*ir.Node{m.In.Y: b.Concat(parts...)})[0]
	if reads(slope, m.In.Y) || slope.IsConst(0) || reads(at0, m.In.Y) {
		return nil, nil
	}
	return at0, slope
}

// listModes finds the values that discrete variables may have.
func (s *Segments) listModes(p *Program) {
	m, b := p.Model, p.Model.Builder
	if m.InitD == nil {
		return
	}
	var parts []*ir.Node
	for _, slot := range m.Layout.Discretes {
		for k := range slot.N {
			at := slot.Off + k
			modes := modesOf(p, at)
			s.Modes = append(s.Modes, len(modes))
			s.ModeMatters = append(s.ModeMatters, readsMode(p, at))
			index := b.Elem(m.In.D, at)
			v := index
			for j, mode := range modes {
				v = b.Select(b.Apply(ir.OpEq, index, b.Const(float64(j))), mode, v)
			}
			parts = append(parts, v)
		}
	}
	if n := len(parts); n < m.Layout.ND {
		parts = append(parts, b.Slice(m.InitD, n, ir.Vec(m.Layout.ND-n))) // the run sets these
	}
	s.discretes = b.Concat(parts...)
}

// readsMode reports whether anything but a jump or an output reads discrete variable i.
func readsMode(p *Program, at int) bool {
	m := p.Model
	nodes := append([]*ir.Node{m.RHS, m.Row, m.Pred}, p.guards...)
	nodes = append(nodes, p.times...)
	for _, n := range ir.Reach(nodes...) {
		for _, a := range n.Args {
			if a == m.In.D && (n.Op != ir.OpSlice || n.Off <= at && at < n.Off+n.Shape.Size()) {
				return true
			}
		}
	}
	return false
}

// modesOf are the values of a discrete variable at its start and after any events, or
// nil where they are not a few that depend on parameters alone.
func modesOf(p *Program, at int) []*ir.Node {
	m, b := p.Model, p.Model.Builder
	in := m.In
	modes := []*ir.Node{b.Elem(m.InitD, at)}
	add := func(n *ir.Node) bool {
		switch {
		case reads(n, in.T, in.Y, in.D, in.U, in.A, in.Data, in.Seen, in.YB, in.DB, in.UB):
			return false
		case !slices.Contains(modes, n):
			modes = append(modes, n)
		}
		return len(modes) <= mostModes
	}
	if reads(modes[0], in.T) {
		return nil
	}
	var changes []*ir.Node
	for _, e := range m.Events {
		for _, list := range []struct {
			to   *ir.Node
			of   []int
			adds []bool
		}{{e.Jump, e.Targets, e.Adds}, {e.Rest, e.RestTargets, nil}} {
			for j, target := range list.of {
				if target != m.Layout.NY+at {
					continue
				}
				v := b.Elem(list.to, j)
				if j < len(list.adds) && list.adds[j] {
					v = b.Add(b.Elem(in.D, at), v)
				}
				changes = append(changes, v)
			}
		}
	}
	for i := 0; i < len(modes); i++ { // those that follow from a mode come behind it
		for _, v := range changes {
			d := make([]*ir.Node, m.Layout.ND)
			for k := range d {
				d[k] = b.Elem(in.D, k)
			}
			d[at] = modes[i]
			if !add(b.Substitute([]*ir.Node{v}, map[*ir.Node]*ir.Node{in.D: b.Concat(d...)})[0]) {
				return nil
			}
		}
	}
	return modes
}

// beginning is a value that a run begins with.
type beginning struct {
	program place.Program
	value   *ir.Node
}

// beginnings are those of whole trajectories and, if wanted, of segments.
func beginnings(p *Program, segments bool) []beginning {
	list := []beginning{{place.InitStates, p.Model.InitY}, {place.InitDiscretes, p.Model.InitD}}
	if segments {
		s := segmentsOf(p)
		list = append(list, beginning{place.SegmentStates, s.states}, beginning{place.SegmentDiscretes, s.discretes})
	}
	return list
}
