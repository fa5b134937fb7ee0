package loss

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// ScaleFromData sets the scales that the model leaves open: observations by
// the spread of their training data; conserved quantities and the arguments
// of neural blocks by their size along a run with the start values; results
// of neural blocks by the size of the rates of states that have their unit.
// What cannot be told stays 1.
func (o *Objective) ScaleFromData(x []float64, sets []*data.Set) {
	lay := &o.Prog.Model.Layout
	var probe sizes
	if slices.ContainsFunc(lay.Scales, func(s lower.Scale) bool { return s.Fixed == nil && s.Kind != lower.ScaleObserve }) {
		probe = o.probe(x)
	}
	for _, s := range lay.Scales {
		if s.Fixed != nil {
			continue
		}
		for k := range s.N {
			v := 1.
			switch s.Kind {
			case lower.ScaleObserve:
				v = o.spread(sets, s.Object, k)
			case lower.ScaleConserve:
				v = probe.conserved[s.Object]
			case lower.ScaleNetIn:
				if a := probe.netIn[s.Object]; a != nil {
					v = a[k]
				}
			case lower.ScaleNetOut:
				v = probe.netOut[s.Object]
			}
			if !(v > 0) || math.IsInf(v, 0) {
				v = 1
			}
			o.Space.Scales[s.Off+k] = v
		}
	}
}

// spread is the standard deviation of component k of an observation over the
// training data.
func (o *Objective) spread(sets []*data.Set, ob check.Object, k int) float64 {
	off := problem.ObserveOffset(o.Prog.Program, ob) + k
	var n, sum, sq float64
	for _, set := range sets {
		st := set.Describe(off, data.Train)
		v := float64(st.Values)
		n, sum, sq = n+v, sum+v*st.Mean, sq+v*(st.SD*st.SD+st.Mean*st.Mean)
	}
	if n == 0 {
		return 1
	}
	return math.Sqrt(math.Max(0, sq/n-sum*sum/n/n))
}

// sizes are root mean squares along runs with the start values.
type sizes struct {
	conserved map[check.Object]float64
	netIn     map[check.Object][]float64
	netOut    map[check.Object]float64
}

// probeTrajectories is how many trajectories the sizes are taken from.
const probeTrajectories = 8

func (o *Objective) probe(x []float64) sizes {
	out := sizes{map[check.Object]float64{}, map[check.Object][]float64{}, map[check.Object]float64{}}
	lm := o.Prog.Model
	w := o.Workers[0]
	w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
	n := 0
	var conserved, args, rates []float64
	dy := make([]float64, lm.Layout.NY)
	grow := func(to *[]float64, v []float64, f func(float64) float64) {
		for len(*to) < len(v) {
			*to = append(*to, 0)
		}
		for i, a := range v {
			(*to)[i] += f(a)
		}
	}
	square := func(v float64) float64 { return v * v }
	for _, it := range o.Trajectories[:min(len(o.Trajectories), probeTrajectories)] {
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		var tr sim.Trajectory
		_ = w.Integrator.Run(w.System, &it.Span, &tr) // a run that fails shows its sizes up to there
		for k := range tr.Saved {
			y, d := tr.SaveY[k], tr.SaveD[k]
			w.System.RHS(it.Span.Saves[k], y, d, dy)
			if !engine.Finite(dy) {
				continue
			}
			n++
			grow(&rates, dy, square)
			if w.System.Conserved != nil {
				w.System.Conserved.Run()
				grow(&conserved, w.System.Conserved.Value, math.Abs)
			}
			if w.System.Nets != nil {
				w.System.Nets.Run()
				grow(&args, w.System.NetArgs, square)
			}
		}
	}
	if n == 0 {
		return out
	}
	for i, c := range lm.Checked.Conserves {
		out.conserved[c] = conserved[i] / float64(n)
	}
	k := 0
	for i, b := range lm.Blocks {
		out.netOut[b.Neural] = o.rateSize(b.Neural, rates, n)
		if lm.NetArgs[i] == nil {
			continue
		}
		// One size for all components of an argument: along a run that has
		// not been trained some of them may hardly move.
		in := make([]float64, 0, b.Net.In)
		for _, a := range b.Neural.Args {
			sum, size := 0., a.Shape.Size()
			for j := range size {
				sum += args[k+j]
			}
			k += size
			for range size {
				in = append(in, math.Sqrt(sum/float64(n*size)))
			}
		}
		out.netIn[b.Neural] = in
	}
	return out
}

// rateSize is the root mean square of the rates of the states whose rate has
// the unit of the block's result, where that unit tells anything.
func (o *Objective) rateSize(n *check.Neural, rates []float64, count int) float64 {
	m := o.Prog.Checked.Model
	if n.Unit.Dimensionless() {
		return 1
	}
	sum, k := 0., 0
	for _, s := range o.Prog.Model.Layout.States {
		st := s.Object.(*check.State)
		if !st.Unit.Div(m.Time.Unit).Equal(n.Unit) {
			continue
		}
		for i := range s.N {
			sum += rates[s.Off+i] / float64(count)
			k++
		}
	}
	if k == 0 {
		return 1
	}
	return math.Sqrt(sum / float64(k))
}
