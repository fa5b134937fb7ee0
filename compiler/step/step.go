// Package step builds the graphs of whole steps of a method, with the error and the
// choice of the next length, and of their derivatives, from the graph of a right-hand
// side. What the programs read and set has its names in package place; sim has what
// becomes of their steps, solvers the methods. It knows no model files and runs nothing.
package step

import (
	"math"
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/stepsize"
)

// maxStepOps bounds the operations of a step that becomes one program. Longer
// ones would be larger than the processor's instruction cache.
const maxStepOps = 6000

// maxSystemOps is the bound for steps that solve linear systems, of maxSystem equations
// at most. Without a program they are solved by a loop over a sparse matrix, which takes
// several times as long for each operation.
const (
	maxSystemOps = 30000
	maxSystem    = 256
)

// Model is a model as far as its steps are concerned.
type Model struct {
	*lower.Model
	Rates   *ir.Node       // the right-hand side, with operations on arrays for what is alike
	Holds   bool           // some event can hold states at rest
	Watched func() *Guards // the guards of the model
}

// Guards are guards, in terms of the model's inputs, and their derivatives by time where
// the state moves by the input Flow.
type Guards struct {
	Values, Rates []*ir.Node
	Flow          *ir.Node
	Affine        []bool // in time and state
}

// Options say which graphs there are to be.
type Options struct {
	Lanes         int  // trajectories side by side
	Reverse       bool // reverse derivatives
	PerLaneParams bool // parameters differ between lanes
	Roots         bool // the derivative by the length, for steps that end on a root
	Forward       bool // the forward derivative, of a method that is no explicit one
}

// Graphs are the graphs of a whole step of a method, or nil for a model
// whose step would be too large a program or that does not part in the halves of a symplectic method. Besides the inputs of the
// right-hand side they read
//
//	h         the length of the step
//	y.i k.i   argument and derivative of stage i
//	u.i ut.i  signals at the time of stage i; utt.0 their second derivatives at the start
//	free      0 for the states held at rest, 1 for the others; only where
//	          some event can hold states
//	tol       rtol, then atol of each state with an error
//	pl        in the place of p, where the parameters differ between lanes
//	ct.step   cotangent of the end; kb.i seeds of k.i
//
// From y.0 and k.0, step sets the other y.i and k.i, and for a method with an
// error estimate
//
//	mean      of (e/w)² over the first NError states, w = atol + rtol·max(|y.0|, |y at the end|),
//	          joined with that of a second estimate, if the method has one
//	log       log √mean
//	factor    by which the length is to be multiplied: see stepsize.Factor
//
// from before, the log of the step before. For a model with guards it sets
// noCrossing, 1 if it is proved that none of them crosses. Of a model without signals, step
// then goes on by itself, as solvers.Block has it: it replaces y.0, k.0, t, h,
// before, until and rejected by those of the next step, sets next, clipped and
// outcome, and counts in taken, refused and left.
//
// Values inside of the right-hand side that its derivative reads, and that take
// longer to compute than to copy, are activations: step sets act.i.j, number j
// of stage i, but for the first stage's, which are those of the step before.
// step.acts sets all, from the arguments y.i. The derivatives read them.
//
// Of a model without guards step leaves out the stages behind the end, which the dense output
// alone needs: step.behind sets them.
//
// step.vjp.last takes the seeds of k.i from that at the end on, which nothing but results
// inside of the step depends on, to the inputs last.y, last.d and last.t, and to last.y0,
// last.h and the other seeds where there are stages behind the end. The other derivatives
// add them; it need not run for zeros.
// step.vjp gives by and bd of the arguments y.i and the seeds and adds to the
// accumulators; it has no use for k.i. step.vjpt gives bt and bh too.
//
// With roots, for steps that end on one, step.length gives the derivatives by h:
// ph of the end and kh.i of k.i.
//
// step.jvp takes the tangents tt, ty, td, tq, tp of the inputs and th of the length to
// kdot.i of k.i and enddot of the end.
//
// They are made of the optimised right-hand side and derivative, once for each
// stage, and need no passes of their own.
func Graphs(model *Model, m *Method, options Options) []*ir.Graph {
	if model.Rates == nil || model.Layout.NY == 0 {
		return nil
	}
	system, ok := fits(model, m)
	if !ok {
		return nil
	}
	var momenta []bool
	if m.Parts != nil {
		if momenta, _ = Halves(model.Model, func(int) string { return "" }); momenta == nil {
			return nil
		}
	}
	s := newBuilder(model, m, options, system, momenta)
	out := []*ir.Graph{s.step()}
	if s.lazy() {
		out = append(out, s.stagesBehind())
	}
	if options.Reverse {
		out = append(out, s.vjp(place.StepVJP, false), s.last())
	}
	if len(s.acts) > 0 {
		out = append(out, s.recall())
	}
	if moves := len(model.Events)+len(model.Switches) > 0; options.Reverse && (moves || options.Roots && s.jac != nil) { // else no time moves
		out = append(out, s.vjp(place.StepVJPTimes, true))
		if options.Roots {
			out = append(out, s.lengthwise())
		}
	}
	if options.Forward && s.jac != nil {
		out = append(out, s.jvp())
	}
	return out
}

// fits reports whether a step is no too large a program, by the operations of its stages
// and, for a method that solves linear systems, of these, whose order of elimination it
// returns.
func fits(model *Model, m *Method) (system *linear.Elimination, ok bool) {
	count, most := operations(model.Rates)*(len(m.C)-1), maxStepOps
	if m.Gamma > 0 {
		if model.Layout.NY > maxSystem {
			return nil, false
		}
		system = linear.NewElimination(autodiff.Sparsity(model.RHS, model.In.Y))
		count += system.Operations(len(m.C) - 2)
		most = maxSystemOps
	}
	return system, count <= most
}

// operations is how many operations values take.
func operations(n ...*ir.Node) (count int) {
	for _, x := range ir.Reach(n...) {
		if size := x.Shape.Size(); x.Op.Info().Class == ir.Elementwise && size <= exec.MaxUnroll {
			count += size
		} else { // a loop
			count++
		}
	}
	return count
}

// builder builds the graphs of steps.
type builder struct {
	*Model
	p       *ir.Node // parameters of each lane, or nil
	rhs     *ir.Node
	bars    []*ir.Node // reverse derivative of rhs from ct, by wrt
	acts    []*ir.Node // nodes of rhs
	wrt     []*ir.Node
	ct      *ir.Node
	m       *Method
	jac     *jacobian // of a method that needs it
	b       *ir.Builder
	h       *ir.Node
	y, k    []*ir.Node // inputs
	u       []*ir.Node
	ut      []*ir.Node
	utt     *ir.Node // at the start
	free    *ir.Node
	momenta []bool // of a symplectic method
	vec     ir.Shape
}

func newBuilder(model *Model, m *Method, options Options, system *linear.Elimination, momenta []bool) *builder {
	b := model.Builder
	s := &builder{Model: model, m: m, b: b, vec: ir.Vec(model.Layout.NY)}
	s.h = place.StepLength.Node(b, ir.Scalar)
	for i := range m.C {
		s.y = append(s.y, place.StageState(i).Node(b, s.vec))
		s.k = append(s.k, place.StageRate(i).Node(b, s.vec))
		if u := model.In.U; u != nil {
			s.u = append(s.u, place.StageSignals(i).Node(b, u.Shape))
			s.ut = append(s.ut, place.StageSignalRates(i).Node(b, u.Shape))
		}
	}
	if u := model.In.U; u != nil {
		s.utt = place.SignalCurves.Node(b, u.Shape)
	}
	if model.Holds {
		s.free = place.Free.Node(b, s.vec)
	}
	s.momenta = momenta
	s.rhs = opt.Nodes(b, model.Rates)[0]
	if system != nil {
		s.jac = newJacobian(s, system)
	}
	if options.Reverse {
		s.reverse()
		s.activations(options.Lanes)
	}
	if in := model.In.P; options.PerLaneParams && in != nil {
		s.p = place.LaneParams.Node(b, in.Shape)
	}
	return s
}

// activations chooses the values of the right-hand side that are kept for its
// derivative: arrays that it reads and that products of matrices lead to.
// A single lane's are copied at once; those of several stand apart on the tape
// and in the lanes, so that long sums alone take longer.
func (s *builder) activations(lanes int) {
	longest := 1
	if lanes > 1 {
		longest = 64
	}
	terms := map[*ir.Node]int{} // of the longest sums behind each node of rhs
	nodes := ir.Reach(s.rhs)
	for _, n := range nodes {
		most := 0
		for _, a := range n.Args {
			most = max(most, terms[a])
		}
		if n.Op == ir.OpDense || n.Op == ir.OpMatVec {
			most = max(most, n.Args[0].Shape.N)
		}
		terms[n] = most
	}
	read := map[*ir.Node]bool{}
	for _, n := range ir.Reach(s.bars...) {
		if _, forward := terms[n]; !forward {
			for _, a := range n.Args {
				read[a] = true
			}
		}
	}
	for _, n := range nodes {
		if read[n] && terms[n] >= longest && n.Shape.Size() >= 8 {
			s.acts = append(s.acts, n)
		}
	}
}

// act is the input with an activation of stage i.
func (s *builder) act(i, j int) *ir.Node {
	return place.StageAct(i, j).Node(s.b, s.acts[j].Shape)
}

// keep has the activations of stage i as outputs.
func (s *builder) keep(i int, values []*ir.Node) (list []ir.Output) {
	for j, v := range values {
		list = append(list, place.Set(s.act(i, j), v))
	}
	return list
}

// recall computes the activations of all stages from their arguments.
func (s *builder) recall() *ir.Graph {
	g := place.StepActs.Graph()
	for i := range s.m.C {
		g.Outputs = append(g.Outputs, s.keep(i, s.b.Substitute(s.acts, s.at(i, s.y[i])))...)
	}
	return g
}

// fma is x·y + z.
func (s *builder) fma(x, y, z *ir.Node) *ir.Node { return s.b.Apply(ir.OpFma, x, y, z) }

// at maps the inputs of the right-hand side to those of stage i, whose
// argument is y.
func (s *builder) at(i int, y *ir.Node) map[*ir.Node]*ir.Node {
	in := s.In
	by := map[*ir.Node]*ir.Node{in.T: s.fma(s.b.Const(s.m.C[i]), s.h, in.T), in.Y: y}
	if in.U != nil {
		by[in.U], by[in.UT] = s.u[i], s.ut[i]
	}
	if s.p != nil {
		by[in.P] = s.p
	}
	return by
}

// combine is Σ cⱼ kⱼ, or nil if all weights are zero.
func (s *builder) combine(c []float64, k []*ir.Node) (sum *ir.Node) {
	for j, w := range c {
		if w == 0 {
			continue
		}
		if sum == nil {
			sum = s.b.Mul(s.b.Const(w), k[j])
		} else {
			sum = s.fma(s.b.Const(w), k[j], sum)
		}
	}
	return sum
}

func (s *builder) step() *ir.Graph {
	b := s.b
	g := place.Step.Graph()
	y, k := []*ir.Node{s.y[0]}, []*ir.Node{s.k[0]}
	var args, inside []ir.Output
	var sound *ir.Node
	var system *system
	if s.jac != nil {
		system = newSystem(s)
	}
	stages := len(s.m.C)
	if s.lazy() {
		stages = s.m.End + 1
	}
	for i := 1; i < stages; i++ {
		yi, ki, acts := s.stage(i, y[0], k)
		if s.solved(i) {
			var holds *ir.Node
			if ki, holds = system.stage(i, ki, k); holds != nil {
				sound = holds
			}
		}
		y, k = append(y, yi), append(k, ki)
		if yi == s.y[0] { // a program that replaces an input cannot give its old value away
			yi = s.fma(b.Const(0), s.h, yi)
		}
		args = append(args, place.Set(s.y[i], yi))
		inside = append(inside, place.Set(s.k[i], ki))
		inside = append(inside, s.keep(i, acts)...)
	}
	if !s.lazy() {
		g.Outputs, args = args, nil
	}
	g.Outputs = append(g.Outputs, inside...)
	var calm *ir.Node
	if s.In.U == nil { // signals are known at the stages alone
		calm = (&watch{s}).calm(y, k)
		if len(s.Guards) > 0 {
			g.Outputs = append(g.Outputs, place.StepNoCrossing.Of(calm))
		}
	}
	if s.errs() {
		n := s.Layout.NError
		user := func(x *ir.Node) *ir.Node { return b.Slice(x, 0, ir.Vec(n)) }
		tol := place.Tolerances.Node(b, ir.Vec(1+n))
		y0, y1 := b.Apply(ir.OpAbs, user(y[0])), b.Apply(ir.OpAbs, user(y[s.m.End]))
		big := b.Select(b.Lt(y0, y1), y1, y0)
		w := s.fma(b.Elem(tol, 0), big, b.Slice(tol, 1, ir.Vec(n)))
		square := func(weights []float64) *ir.Node {
			e := b.Div(b.Mul(s.h, user(s.combine(weights, k))), w)
			return b.Mul(b.Const(1/float64(n)), b.Dot(e, e))
		}
		mean := square(s.m.E)
		if s.m.E2 != nil {
			mean = stepsize.Joined(nodes{b}, mean, square(s.m.E2))
		}
		if sound != nil {
			mean = b.Select(sound, mean, b.Const(math.Inf(1)))
		}
		log, factor := stepsize.Factor(nodes{b}, &s.m.Control, mean, place.Before.Node(b, ir.Scalar))
		g.Outputs = append(g.Outputs, place.StepMean.Of(mean), place.StepLog.Of(log), place.StepFactor.Of(factor))
		if calm != nil {
			g.Outputs = append(g.Outputs, s.goOn(y[s.m.End], k[s.m.End], calm, mean, log, factor)...)
		}
	}
	g.Outputs = append(g.Outputs, args...) // followed by those of stagesBehind
	return g
}

// field is the right-hand side at stage i, whose argument is y, and its activations
// there. Where the stage starts from the start of the step, they are those of the first.
func (s *builder) field(i int, y *ir.Node) (f *ir.Node, acts []*ir.Node) {
	if s.fromStart(i) {
		for j := range s.acts {
			acts = append(acts, s.act(0, j))
		}
		return s.part(i, s.k[0]), acts
	}
	at := s.b.Substitute(append([]*ir.Node{s.rhs}, s.acts...), s.at(i, y))
	return s.moved(i, at[0]), at[1:]
}

// fromStart reports whether stage i has the field at the start of the step.
func (s *builder) fromStart(i int) bool {
	return s.m.C[i] == 0 && !slices.ContainsFunc(s.m.A[i], func(a float64) bool { return a != 0 })
}

// errs reports whether the step has an estimate of its error.
func (s *builder) errs() bool { return s.m.E != nil && s.Layout.NError > 0 }
