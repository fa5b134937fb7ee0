package start

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// What swings: so much of its variance is that of one sine, over a cycle and a half at least.
const (
	leastSwing  = 0.4
	leastCycles = 1.5
	leastVoice  = 12 // values
)

// voice is an element of observations along a trajectory, or along a series of them.
type voice struct {
	element int
	of      []int // trajectories
	row     []int // of each value: the trajectory it is of, among these, and the row there
	in      []int
	t, v    []float64 // the place and the value on the scale of the curve
	swing
}

// swing is a sine in values.
type swing struct {
	frequency float64
	part      float64 // of the variance
}

// Tempo is a start at which a model swings as fast as the data, by one of its parameters.
type Tempo struct {
	Param int
	X     []float64
}

// Tempi are starts near x at which the model swings as fast as the data, each by one parameter alone;
// none where the data or the model do not swing, or do so alike. What is a little too slow or
// too fast is out of phase after some cycles, and no slope tells the way: so a loss has an optimum
// at nearly every frequency.
func Tempi(ctx context.Context, d *Data, x []float64, opt sim.Options, workers int) ([]Tempo, error) {
	voice := d.loudest()
	if voice == nil {
		return nil, nil
	}
	of := make([]*problem.Trajectory, len(voice.of))
	for i, k := range voice.of {
		of[i] = d.Trajectories[k]
	}
	r, err := d.runner(opt, len(of), workers)
	if err != nil {
		return nil, err
	}
	// off is the logarithm of how many times too fast the model is at x.
	off := func(x []float64) float64 {
		v := make([]float64, len(voice.t))
		preds := make([][][]float64, len(of))
		d.run(ctx, r, x, of, func(w *engine.Worker, i int, tr *sim.Trajectory) {
			preds[i] = predictions(w, of[i], tr)
		})
		for j := range v {
			p := preds[voice.row[j]]
			if p == nil || p[voice.in[j]] == nil || !d.ways[voice.element].scale.has(p[voice.in[j]][voice.element]) {
				return math.NaN()
			}
			v[j] = d.ways[voice.element].scale.to(p[voice.in[j]][voice.element])
		}
		s := loudestSine(voice.t, v)
		if s.part < leastSwing {
			return math.NaN()
		}
		return math.Log(s.frequency / voice.frequency)
	}
	near := 0.1 / (voice.frequency * (slices.Max(voice.t) - slices.Min(voice.t)))
	first := off(x)
	if !(math.Abs(first) > 2*near) {
		return nil, ctx.Err()
	}
	var list []Tempo
	for i, p := range d.space.Params {
		if p.Slot.PerKey {
			continue
		}
		if u, ok := zeroNear(func(u float64) float64 {
			y := slices.Clone(x)
			y[i] = u
			return off(y)
		}, x[i], first, near); ok {
			y := slices.Clone(x)
			y[i] = u
			list = append(list, Tempo{i, y})
		}
	}
	return list, ctx.Err()
}

// predictions are those of the rows of a run; nil behind where it failed.
func predictions(w *engine.Worker, it *problem.Trajectory, tr *sim.Trajectory) [][]float64 {
	list := make([][]float64, len(it.Rows))
	for i := range it.Rows {
		r := it.Rows[i]
		if k := r.Save(); tr.Fail == nil && k < tr.Saved {
			w.System.RowAt(it.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), r.Own())
			list[i] = slices.Clone(w.System.Predict())
		}
	}
	return list
}

// zeroNear is a zero of f near u0, where it is f0, to within a tolerance: by the rule of secants, with steps
// that are halved where f is no number. A slope below a tenth is none.
func zeroNear(f func(float64) float64, u0, f0, within float64) (float64, bool) {
	const most = 5. // from the start
	step := 0.2
	for range 12 {
		u := math.Min(math.Max(u0+step, u0-most), u0+most)
		at := f(u)
		if math.IsNaN(at) {
			if step /= -2; step > 0 { // first to the other side
				continue
			}
			step *= 2
			continue
		}
		if math.Abs(at) < within {
			return u, true
		}
		slope := (at - f0) / (u - u0)
		if !(math.Abs(slope) > 0.1) {
			return 0, false
		}
		u0, f0, step = u, at, math.Min(math.Max(-at/slope, -3), 3)
	}
	return 0, false
}

// loudest is the element and trajectory in which a sine stands out most; nil: in none.
func (d *curves) loudest() (best *voice) {
	loud := 0.
	try := func(v *voice) {
		n := float64(len(v.t))
		if n < leastVoice {
			return
		}
		v.swing = loudestSine(v.t, v.v)
		if v.part < leastSwing {
			return
		}
		if f := v.part / (1 - math.Min(v.part, 0.999999)) * n; f > loud {
			best, loud = v, f
		}
	}
	series := d.Series()
	for k := range d.ways {
		if series != nil {
			v := &voice{element: k, of: series}
			at := d.covariate()
			for j, i := range series {
				d.collect(v, j, i, func(int) float64 { return d.Trajectories[i].Given[at] })
			}
			try(v)
			continue
		}
		for i, it := range d.Trajectories {
			v := &voice{element: k, of: []int{i}}
			d.collect(v, 0, i, func(save int) float64 { return it.Span.Saves[save] })
			try(v)
		}
	}
	return best
}

// collect adds what trajectory i, number j of a voice, has to it.
func (d *curves) collect(v *voice, j, i int, place func(save int) float64) {
	scale := d.ways[v.element].scale
	for row := range d.Trajectories[i].Rows {
		if r := &d.Trajectories[i].Rows[row]; r.Seen()[v.element] != 0 && scale.has(r.Data()[v.element]) {
			v.row, v.in = append(v.row, j), append(v.in, row)
			v.t, v.v = append(v.t, place(r.Save())), append(v.v, scale.to(r.Data()[v.element]))
		}
	}
}

// loudestSine is the sine that takes most from values, beside a parabola: a periodogram by
// least squares at frequencies from that of leastCycles to the mean one of Nyquist, in parts of an eighth
// of a cycle, then between these.
//
// N.R. Lomb, Astrophys. Space Sci. 39, 447–462, 1976; M. Zechmeister, M. Kürster, Astron. Astrophys. 496,
// 577–584, 2009.
func loudestSine(t, v []float64) (best swing) {
	span := slices.Max(t) - slices.Min(t)
	if !(span > 0) {
		return best
	}
	const parts, mostTried = 8, 4000
	tried := min(parts*len(t)/2, mostTried)
	for j := int(leastCycles * parts); j <= tried; j++ {
		f := float64(j) / parts / span
		if p := sinePart(t, v, f); p > best.part {
			best = swing{f, p}
		}
	}
	for width := 0.5 / parts / span; width > 1e-4/span; width /= 2 {
		for _, f := range []float64{best.frequency - width, best.frequency + width} {
			if p := sinePart(t, v, f); p > best.part {
				best = swing{f, p}
			}
		}
	}
	return best
}

// sinePart is the part of the squares about a parabola that a sine takes away.
func sinePart(t, v []float64, frequency float64) float64 {
	mid, half := (slices.Max(t)+slices.Min(t))/2, (slices.Max(t)-slices.Min(t))/2
	var gram [5][5]float64
	var rhs [5]float64
	for i := range t {
		s, c := math.Sincos(2 * math.Pi * frequency * (t[i] - mid))
		x := (t[i] - mid) / half
		basis := [5]float64{1, x, x * x, s, c}
		for j, b := range basis {
			for k := range j + 1 {
				gram[j][k] += b * basis[k]
			}
			rhs[j] += b * v[i]
		}
	}
	explained := func(n int) float64 {
		m := mat.NewSymDense(n, nil)
		for j := range n {
			for k := range j + 1 {
				m.SetSym(j, k, gram[j][k])
			}
		}
		var chol mat.Cholesky
		if !chol.Factorize(m) {
			return math.NaN()
		}
		var x mat.VecDense
		if chol.SolveVecTo(&x, mat.NewVecDense(n, rhs[:n])) != nil {
			return math.NaN()
		}
		return mat.Dot(&x, mat.NewVecDense(n, rhs[:n]))
	}
	all := 0.
	for _, x := range v {
		all += x * x
	}
	still := explained(3)
	if rest := all - still; rest > 1e-12*all {
		return (explained(5) - still) / rest
	}
	return 0
}
