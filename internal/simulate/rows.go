package simulate

import (
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// Rows are the saves of a run with the instants of its events between them,
// before and after; saves says which save a row is, -1 for an instant. What is before the time
// shown is left out.
func Rows(p *compiler.Program, sys *engine.System, span *sim.Span, shown float64, tr *sim.Trajectory) (rows [][]float64, saves []int, evs []Event) {
	lay := &p.Model.Layout
	defer func(from float64) { sys.From = from }(sys.From)
	// y and d, before the instant yb and db; inputs are those behind it, or, at
	// its start, before it.
	add := func(t float64, y, d, yb, db []float64, side int) {
		row := append(make([]float64, 0, 1+len(y)+len(d)+len(lay.Outputs)), t)
		row = appendVisible(row, lay, y, d)
		if sys.Outputs != nil {
			sys.From = math.Inf(side)
			sys.At(t, y, d)
			sys.Before(t, yb, db)
			sys.Choose(d, db)
			if sys.NextRow != nil {
				sys.NextRow()
			}
			sys.Outputs.Run()
			row = append(row, sys.Outputs.Value[:len(lay.Outputs)]...)
		}
		rows = append(rows, row)
	}
	// An instant that is later than a save by round-off is at its time.
	resolution := sim.Resolution(span.T1, span.T1-span.T0)
	k := 0 // record of the log
	for k < len(tr.Log) && tr.Log[k].T < shown {
		k++
	}
	first := k // of its instant
	instants := func(until float64) {
		for ; k < len(tr.Log) && tr.Log[k].T <= until+resolution; k++ {
			r := &tr.Log[k]
			if r.T != tr.Log[first].T {
				first = k
			}
			b, left := &tr.Log[first], 1
			if k == first && r.T > span.T0 {
				left = -1
			}
			t := min(r.T, until) // so that times do not go back
			// Outputs that jump where a slide starts have rows on both sides: none for
			// what is found out within an instant, or before the start.
			slide := r.Event < 0
			jumps := slide && sys.Outs[0][0].Run != sys.Outs[1][0].Run
			last := k+1 == len(tr.Log) || tr.Log[k+1].T != r.T
			if !jumps || k == first && r.T > span.T0 {
				add(t, r.YBefore, r.DBefore, b.YBefore, b.DBefore, left)
			}
			if !slide || jumps && last && r.T > span.T0 {
				add(t, r.YAfter, r.DAfter, b.YBefore, b.DBefore, 1)
			}
			name, surface := explain.RecordName(p, r)
			evs = append(evs, Event{
				Name: name, Surface: surface, Time: r.T, K: r.K, Rate: r.Rate, Transversality: r.Transversality, Rest: r.Kind == sim.Rested,
				Before: visible(lay, r.YBefore, r.DBefore), After: visible(lay, r.YAfter, r.DAfter),
			})
		}
	}
	for i := range tr.Saved {
		instants(span.Saves[i])
		for len(saves) < len(rows) {
			saves = append(saves, -1)
		}
		saves = append(saves, i)
		add(span.Saves[i], tr.SaveY.At(i), tr.SaveD.At(i), tr.BeforeY.At(i), tr.BeforeD.At(i), 1)
	}
	instants(math.Inf(1))
	for len(saves) < len(rows) {
		saves = append(saves, -1)
	}
	return rows, saves, evs
}

// visible is the part of a state that a simulation shows: the model's own states,
// then its discrete variables.
func visible(lay *lower.Layout, y, d []float64) []float64 {
	return appendVisible(make([]float64, 0, len(y)+len(d)), lay, y, d)
}

func appendVisible(to []float64, lay *lower.Layout, y, d []float64) []float64 {
	nd := 0
	for _, s := range lay.Discretes {
		nd += s.N
	}
	return append(append(to, y[:lay.NUser]...), d[:nd]...)
}
