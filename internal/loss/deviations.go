package loss

import (
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/problem"
)

// How the size of the noise of an element of observations is known.
type DeviationKind uint8

const (
	Declared DeviationKind = iota // its distribution says it
	Learned                       // its distribution has it as a parameter that is fitted
	Untold                        // there is no distribution: squared errors over the spread of the data
)

// Deviations are what is known of the noise of observations. A search compares residuals with
// that which smooth curves show, where it is not declared, and holds the parameters that
// are of noise alone; else a poor start would be explained by noise.
type Deviations struct {
	Kind   []DeviationKind // by element of observations
	Factor []float64       // from residuals to those in standard deviations; NaN: it cannot be told
	Coords []int           // of parameters that only noise depends on
	Known  bool            // smooth curves tell these
}

// NewDeviations looks at the observations of a model, for the deviations that smooth curves show
// by element of observations, and sets in x the parameters of noise that these tell.
func (o *Objective) NewDeviations(estimates, x []float64) *Deviations {
	n := &Deviations{Known: true}
	moves := o.movedBy()
	squares := map[*check.Param][]float64{} // of the deviations that tell a parameter
	open := map[*check.Param]bool{}         // those that nothing tells
	for i, slot := range o.Prog.Model.Layout.Observes {
		ob := slot.Object.(*check.Observe)
		reads := o.noiseParams(i, moves)
		direct := learnedDirectly(ob)
		for p := range reads {
			open[p] = open[p] || p != direct
		}
		for k := range slot.N {
			estimate := estimates[slot.Off+k]
			kind, factor := Declared, 1.
			switch {
			case ob.Dist == nil:
				kind, factor = Untold, o.scaleOf(ob, k)/math.Sqrt2/estimate
			case len(reads) > 0 && direct != nil && estimate > 0:
				kind = Learned
				squares[direct] = append(squares[direct], estimate*estimate)
			case len(reads) > 0:
				kind, factor = Learned, math.NaN()
			}
			n.Kind, n.Factor = append(n.Kind, kind), append(n.Factor, factor)
		}
	}
	for i, c := range o.Space.Params {
		if list := squares[c.Param]; !moves[c.Param] && (list != nil || open[c.Param]) {
			n.Coords = append(n.Coords, i)
			n.Known = n.Known && list != nil && !open[c.Param]
			startAt(o.Space, x, i, meanRoot(list))
		}
	}
	return n
}

// meanRoot is the root of a mean, 0 of nothing.
func meanRoot(squares []float64) float64 {
	sum := 0.
	for _, v := range squares {
		sum += v
	}
	return math.Sqrt(sum / float64(max(1, len(squares))))
}

// startAt sets coordinate i of x to that of a value above 0, if it is allowed.
func startAt(sp *problem.Space, x []float64, i int, v float64) {
	t := &sp.Transforms[i]
	if !(v > 0) || !t.Interval().Contains(v) {
		return
	}
	if u, _, err := t.Start(v); err == nil {
		x[i] = u
	}
}

// scaleOf is the spread that squared errors of an observation without a distribution are
// measured in.
func (o *Objective) scaleOf(ob *check.Observe, k int) float64 {
	for _, s := range o.Prog.Model.Layout.Scales {
		if s.Kind == lower.ScaleObserve && s.Object == check.Object(ob) {
			return o.Space.Scales[s.Off+min(k, s.N-1)]
		}
	}
	return 1
}

// learnedDirectly is the parameter that is the scale of an observation's distribution, or
// nil.
func learnedDirectly(ob *check.Observe) *check.Param {
	if ob.Dist == nil {
		return nil
	}
	i := ob.Dist.ScaleOfNoise()
	if i < 0 || ob.Dist.Args[i].Kind != check.Ref {
		return nil
	}
	p, _ := ob.Dist.Args[i].Object.(*check.Param)
	return p
}

// noiseParams are the fitted parameters that the distribution of an observation reads and
// that nothing else does.
func (o *Objective) noiseParams(observation int, moves map[*check.Param]bool) map[*check.Param]bool {
	out := map[*check.Param]bool{}
	dist := o.Prog.Checked.Model.Observes[observation].Dist
	if dist == nil {
		return out
	}
	for j := range dist.Args {
		for _, n := range o.Prog.Model.Noise {
			if n.Name == lower.NoiseName(observation, j) {
				o.readParams(out, n.Node)
			}
		}
	}
	for p := range out {
		if moves[p] || p.Fixed {
			delete(out, p)
		}
	}
	return out
}

// movedBy are the parameters that motion, events and predictions read.
func (o *Objective) movedBy() map[*check.Param]bool {
	m := o.Prog.Model
	out := map[*check.Param]bool{}
	nodes := []*ir.Node{m.RHS, m.InitY, m.InitD, m.Pred, m.Floors, m.Priorities}
	for _, g := range m.Guards {
		nodes = append(nodes, g.Node)
	}
	for _, e := range m.Events {
		nodes = append(nodes, e.Time, e.Period, e.From, e.Until, e.Jump, e.Rest, e.Delay, e.Rate)
	}
	for _, s := range m.Scores {
		if s.Offset < 0 {
			nodes = append(nodes, s.Loss)
		}
	}
	for _, n := range nodes {
		o.readParams(out, n)
	}
	return out
}

// readParams adds the parameters that a value reads.
func (o *Objective) readParams(to map[*check.Param]bool, n *ir.Node) {
	if n == nil {
		return
	}
	in := &o.Prog.Model.In
	for _, x := range ir.Reach(n) {
		shared := x == in.P || x.Op == ir.OpSlice && x.Args[0] == in.P
		own := x == in.Q || x.Op == ir.OpSlice && x.Args[0] == in.Q
		if !shared && !own || x.Op == ir.OpInput && sliced(n, x) {
			continue
		}
		lo, hi := x.Off, x.Off+x.Shape.Size()
		for _, s := range o.Prog.Model.Layout.Params {
			if s.PerKey == own && s.Off < hi && s.Off+s.N > lo {
				to[s.Object.(*check.Param)] = true
			}
		}
	}
}

// sliced reports whether a value reads an input through slices alone.
func sliced(n, input *ir.Node) bool {
	for _, x := range ir.Reach(n) {
		for _, a := range x.Args {
			if a == input && x.Op != ir.OpSlice {
				return false
			}
		}
	}
	return n != input
}
