package estimate

import (
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
)

// How the size of the noise of an element of observations is known.
type noiseKind uint8

const (
	declaredNoise noiseKind = iota // its distribution says it
	learnedNoise                   // its distribution has it as a parameter that is fitted
	untoldNoise                    // there is no distribution: squared errors over the spread of the data
)

// noise is what is known of the noise of observations. A search compares residuals with
// that which smooth curves show, where it is not declared, and holds the parameters that
// are of noise alone; else a poor start would be explained by noise.
type noise struct {
	kind   []noiseKind // by element of observations
	factor []float64   // from residuals to those in standard deviations; NaN: it cannot be told
	coords []int       // of parameters that only noise depends on
	known  bool        // smooth curves tell these
}

// newNoise looks at the observations of a model, and sets in x the parameters of noise
// that smooth curves tell.
func (f *Fit) newNoise(x []float64) *noise {
	lay := &f.prog.Model.Layout
	estimates := f.told.Noise()
	n := &noise{known: true}
	moves := f.movedBy()
	told := map[*check.Param][]float64{} // squares of deviations
	open := map[*check.Param]bool{}
	for i, slot := range lay.Observes {
		o := slot.Object.(*check.Observe)
		kind := declaredNoise
		var reads map[*check.Param]bool
		if o.Dist == nil {
			kind = untoldNoise
		} else if reads = f.noiseParams(i, moves); len(reads) > 0 {
			kind = learnedNoise
		}
		direct := learnedDirectly(o)
		for p := range reads {
			if p != direct {
				open[p] = true
			}
		}
		for k := range slot.N {
			at := slot.Off + k
			factor := 1.
			switch kind {
			case untoldNoise:
				spread := f.scaleOf(o, k)
				factor = spread / math.Sqrt2 / estimates[at]
			case learnedNoise:
				if direct != nil && estimates[at] > 0 {
					told[direct] = append(told[direct], estimates[at]*estimates[at])
				} else {
					factor = math.NaN()
				}
			}
			n.kind, n.factor = append(n.kind, kind), append(n.factor, factor)
		}
	}
	for i, c := range f.Objective.Space.Params {
		if !moves[c.Param] && (told[c.Param] != nil || open[c.Param]) {
			n.coords = append(n.coords, i)
			n.known = n.known && told[c.Param] != nil && !open[c.Param]
			sum := 0.
			for _, v := range told[c.Param] {
				sum += v
			}
			if sum > 0 {
				v := math.Sqrt(sum / float64(len(told[c.Param])))
				if t := &f.Objective.Space.Transforms[i]; t.Interval().Contains(v) {
					if u, _, err := t.Start(v); err == nil {
						x[i] = u
					}
				}
			}
		}
	}
	return n
}

// scaleOf is the spread that squared errors of an observation without a distribution are
// measured in.
func (f *Fit) scaleOf(o *check.Observe, k int) float64 {
	for _, s := range f.prog.Model.Layout.Scales {
		if s.Kind == lower.ScaleObserve && s.Object == check.Object(o) {
			return f.Objective.Space.Scales[s.Off+min(k, s.N-1)]
		}
	}
	return 1
}

// learnedDirectly is the parameter that is the scale of an observation's distribution, or
// nil.
func learnedDirectly(o *check.Observe) *check.Param {
	if o.Dist == nil {
		return nil
	}
	at := map[string]int{"normal": 0, "lognormal": 0, "laplace": 0, "student": 1}
	i, ok := at[o.Dist.Name]
	if !ok || i >= len(o.Dist.Args) || o.Dist.Args[i].Kind != check.Ref {
		return nil
	}
	p, _ := o.Dist.Args[i].Object.(*check.Param)
	return p
}

// noiseParams are the fitted parameters that the distribution of an observation reads and
// that nothing else does.
func (f *Fit) noiseParams(observation int, moves map[*check.Param]bool) map[*check.Param]bool {
	out := map[*check.Param]bool{}
	for j := range f.prog.Checked.Model.Observes[observation].Dist.Args {
		for _, n := range f.prog.Model.Noise {
			if n.Name == lower.NoiseName(observation, j) {
				f.readParams(out, n.Node)
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
func (f *Fit) movedBy() map[*check.Param]bool {
	m := f.prog.Model
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
		f.readParams(out, n)
	}
	return out
}

// readParams adds the parameters that a value reads.
func (f *Fit) readParams(to map[*check.Param]bool, n *ir.Node) {
	if n == nil {
		return
	}
	in := &f.prog.Model.In
	for _, x := range ir.Reach(n) {
		shared := x == in.P || x.Op == ir.OpSlice && x.Args[0] == in.P
		own := x == in.Q || x.Op == ir.OpSlice && x.Args[0] == in.Q
		if !shared && !own || x.Op == ir.OpInput && f.sliced(n, x) {
			continue
		}
		lo, hi := x.Off, x.Off+x.Shape.Size()
		for _, s := range f.prog.Model.Layout.Params {
			if s.PerKey == own && s.Off < hi && s.Off+s.N > lo {
				to[s.Object.(*check.Param)] = true
			}
		}
	}
}

// sliced reports whether a value reads an input through slices alone.
func (f *Fit) sliced(n, input *ir.Node) bool {
	for _, x := range ir.Reach(n) {
		for _, a := range x.Args {
			if a == input && x.Op != ir.OpSlice {
				return false
			}
		}
	}
	return n != input
}
