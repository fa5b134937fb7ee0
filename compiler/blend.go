package compiler

import (
	"fmt"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// What reads a discontinuity along whose surface the solution slides reads what acts:
// the combination of the values on both sides with the parts that the fields have in
// the motion. These are functions of time, state and parameters, so that
// derivatives go through them like through anything else.
//
// A sum or product of discontinuities is combined as a whole, as the field is: the
// friction μ(v)·sign(v) with a μ that jumps too is neither the mean μ times the mean
// sign. But a function that is not linear takes the combination of its argument:
// the size of a friction that holds against a small force is small. A named quantity
// that the right-hand side reads is combined as a whole, whatever it is made of.

// reader is a value that reads modes of surfaces that may be slid along: a program
// of a name with an output. derived: it has derivatives.
type reader struct {
	program place.Program
	output  place.Output
	derived bool
	nodes   []*ir.Node
}

// readers are those of the model.
func (p *sliders) readers() (list []reader) {
	m := p.Model
	add := func(program place.Program, output place.Output, derived bool, nodes ...*ir.Node) {
		if nodes[0] != nil {
			list = append(list, reader{program, output, derived, nodes})
		}
	}
	add(place.Row, place.Loss, true, m.Row, m.Terms)
	add(place.Predictions, place.Pred, false, m.Pred)
	add(place.Outputs, place.Value, false, m.Outputs)
	for _, e := range m.Events {
		add(place.Jump(e.Checked.Name), place.Value, true, e.Sliding.Jump)
		add(place.Rest(e.Checked.Name), place.Value, true, e.Sliding.Rest)
		add(place.Delay(e.Checked.Name), place.Value, true, e.Sliding.Delay)
	}
	return list
}

// sliding visits what the readers read along surfaces.
func (p *sliders) sliding(visit func(r *reader, program place.Program, values []*ir.Node)) {
	list, most := p.readers(), p.mostKinds()
	for n := 0; n <= most; n++ {
		for nb := 0; nb <= most; nb++ {
			w := p.newBlends(n, nb)
			for i := range list {
				r := &list[i]
				now, then := w.reads(r.nodes[0])
				if n == 0 && nb == 0 || n > 0 && !now || nb > 0 && !then {
					continue
				}
				values := make([]*ir.Node, len(r.nodes))
				for k, x := range r.nodes {
					values[k] = w.value(x)
				}
				visit(r, r.program.Along(n, nb), values)
			}
		}
	}
}

// blends are combinations along n surfaces, and along nb before the instant.
type blends struct {
	p      *sliders
	n, nb  int
	failed bool                  // a value does not come apart
	mode   map[int]bool          // places in D of modes of surfaces
	whole  map[*ir.Node]bool     // combined as a whole
	in     map[*ir.Node]*ir.Node // inputs that stand for the combinations of values
	by     map[*ir.Node]*ir.Node // these, by the inputs
	was    map[*ir.Node]*ir.Node // what is before the instant in the place of what is now
}

func (p *sliders) newBlends(n, nb int) *blends {
	m, b := p.Model, p.Model.Builder
	w := &blends{
		p: p, n: n, nb: nb, mode: map[int]bool{}, whole: map[*ir.Node]bool{},
		in: map[*ir.Node]*ir.Node{}, by: map[*ir.Node]*ir.Node{}, was: map[*ir.Node]*ir.Node{},
	}
	along := map[int]bool{}
	for _, x := range m.Switches {
		along[x.Guard] = along[x.Guard] || !x.Corner
	}
	for _, x := range m.Switches {
		w.mode[x.Mode] = along[x.Guard]
	}
	for _, in := range [][2]*ir.Node{{m.In.Y, m.In.YB}, {m.In.D, m.In.DB}, {m.In.U, m.In.UB}, {m.In.UT, m.In.UTB}} {
		if in[0] != nil {
			w.was[in[0]] = in[1]
		}
	}
	for k := range min(nb, MaxSlides) {
		on, at := p.onInput(k), p.atInput(k)
		w.was[on], w.was[at] = place.ModesOnBefore(k).Node(b, on.Shape), place.GuardAtBefore(k).Node(b, at.Shape)
	}
	for _, x := range m.Acting {
		w.whole[x] = true
		w.whole[w.before(x)] = true
	}
	return w
}

// before is a value of now at the state before the instant.
func (w *blends) before(x *ir.Node) *ir.Node {
	return w.p.Model.Builder.Substitute([]*ir.Node{x}, w.was)[0]
}

// isMode reports whether a node is a mode of a surface, now or before the instant.
func (w *blends) isMode(x *ir.Node) (now, then bool) {
	if x.Op != ir.OpSlice {
		return false, false
	}
	in := &w.p.Model.In
	for i := range x.Shape.Size() {
		now = now || x.Args[0] == in.D && w.mode[x.Off+i]
		then = then || x.Args[0] == in.DB && w.mode[x.Off+i]
	}
	return now, then
}

// reads reports whether a value reads modes of surfaces, now and before the instant.
func (w *blends) reads(x *ir.Node) (now, then bool) {
	for _, a := range ir.Reach(x) {
		n, t := w.isMode(a)
		now, then = now || n, then || t
	}
	return now, then
}

// value is the combination of a value.
func (w *blends) value(x *ir.Node) *ir.Node {
	p, b := w.p, w.p.Model.Builder
	v := w.linear(x)
	switch {
	case w.n == Several:
		v = w.apart(p.Model.In.D, v, p.several.parts())
	case w.n > 0:
		v = p.blend(p.corners(w.n, v), 0, p.parts(p.fields(w.n)))
	}
	switch {
	case w.nb == Several:
		if db := p.Model.In.DB; db != nil {
			v = w.apart(db, v, w.allBefore(p.several.parts()))
		}
	case w.nb > 0:
		// The same with what is before the instant in the place of what is now, and
		// the other way round.
		d, db := p.Model.In.D, p.Model.In.DB
		corners := make([][]*ir.Node, 1<<w.nb)
		for c, x := range p.corners(w.nb, d) {
			corners[c] = b.Substitute([]*ir.Node{v}, map[*ir.Node]*ir.Node{db: w.before(x[0])})
		}
		v = p.blend(corners, 0, w.allBefore(p.parts(p.fields(w.nb))))
	}
	return b.Substitute([]*ir.Node{v}, w.by)[0]
}

// apart is the combination along several surfaces of a value that reads the modes of d.
func (w *blends) apart(d, v *ir.Node, parts []*ir.Node) *ir.Node {
	n := w.p.several.combine(d, v, parts)
	if n == nil {
		w.failed = true
		return v
	}
	return n
}

func (w *blends) allBefore(list []*ir.Node) []*ir.Node {
	out := make([]*ir.Node, len(list))
	for i, n := range list {
		out[i] = w.before(n)
	}
	return out
}

// linear is a value that is linear in each mode that it reads: in the place of what is
// not it has inputs that stand for combinations.
func (w *blends) linear(x *ir.Node) *ir.Node {
	b := w.p.Model.Builder
	done := map[*ir.Node]*ir.Node{}
	reads := map[*ir.Node]bool{}
	for _, a := range ir.Reach(x) {
		now, then := w.isMode(a)
		some := now || then
		for _, arg := range a.Args {
			some = some || reads[arg]
		}
		reads[a], done[a] = some, a
		if !some || now || then || w.whole[a] {
			continue
		}
		args, apart := make([]*ir.Node, len(a.Args)), !isLinear(a, reads)
		for i, arg := range a.Args {
			if args[i] = done[arg]; apart && reads[arg] {
				args[i] = w.input(arg)
			}
		}
		done[a] = b.Rebuild(a, args)
	}
	return done[x]
}

// input stands for the combination of a value.
func (w *blends) input(x *ir.Node) *ir.Node {
	in := w.in[x]
	if in == nil {
		v := w.value(x)
		in = w.p.Model.Builder.Input(fmt.Sprintf("blend#%d", len(w.in)), v.Shape, true)
		w.in[x], w.by[in] = in, v
	}
	return in
}

// isLinear reports whether an operation is linear in each of the arguments that read
// modes. A square is not.
func isLinear(x *ir.Node, reads map[*ir.Node]bool) bool {
	switch x.Op {
	case ir.OpAdd, ir.OpSub, ir.OpNeg, ir.OpSelect, ir.OpFill, ir.OpSlice, ir.OpAssemble, ir.OpTranspose, ir.OpSum, ir.OpDense:
		return true
	case ir.OpMul, ir.OpDot, ir.OpMatVec, ir.OpTMatVec, ir.OpMatMul, ir.OpOuter:
		return x.Args[0] != x.Args[1]
	case ir.OpDiv:
		return !reads[x.Args[1]]
	}
	return false
}

// integrals are a field along n surfaces with the rates of the quadratures, which read
// what acts: a penalty that is not linear is that of the combination.
func (p *sliders) integrals(n int, flow *ir.Node) *ir.Node {
	b, lay := p.Model.Builder, &p.Model.Layout
	if lay.NUser == lay.NY {
		return flow
	}
	w := p.newBlends(n, 0)
	parts := []*ir.Node{b.Slice(flow, 0, ir.Vec(lay.NUser))}
	for i := lay.NUser; i < lay.NY; i++ {
		parts = append(parts, w.value(b.Elem(p.Model.RHS, i)))
	}
	return b.Slice(b.Concat(parts...), 0, flow.Shape)
}
