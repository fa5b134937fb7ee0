package gradcheck

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/pinode/pinode/internal/engine"
)

// difference are derivatives of the targets along a line, with their errors.
type difference struct {
	d, unsure []float64
	slope     []float64 // the larger of the slopes to both sides, over the first step
	why       string    // there are none, and why; d and unsure are NaN and infinite
	err       error
}

// line is a line through the start values: along coordinate i or, with a
// direction, along that.
type line struct {
	i   int
	dir []float64
}

// move sets x to the point of the line at h.
func (l *line) move(x, start []float64, h float64) {
	copy(x, start)
	if l.dir == nil {
		x[l.i] += h
		return
	}
	for i, d := range l.dir {
		x[i] += h * d
	}
}

// differences are those along some lines, computed on all cores.
func (c *certifier) differences(lines []line, scale []float64) ([]difference, error) {
	found := make([]difference, len(lines))
	var next atomic.Int64
	work := func(p *probe) {
		for n := int(next.Add(1) - 1); n < len(lines); n = int(next.Add(1) - 1) {
			found[n] = c.difference(p, lines[n], scale)
		}
	}
	if c.item == all { // a probe of all trajectories has all cores
		work(c.probe)
	} else {
		probes, err := c.probes(len(lines))
		if err != nil {
			return nil, err
		}
		workers, of := make([]*engine.Worker, len(probes)), map[*engine.Worker]*probe{}
		for i, p := range probes {
			workers[i], of[p.Workers[0]] = p.Workers[0], p
		}
		pool := engine.NewPool(len(workers) - 1)
		defer pool.Close()
		pool.Do(func(w *engine.Worker) { work(of[w]) }, workers)
	}
	for i := range found {
		if err := found[i].err; err != nil {
			return nil, err
		}
	}
	return found, nil
}

// difference is the derivative of the targets along a line from central
// differences whose steps are halved and that are extrapolated to none, with
// the estimated errors; there is none where runs fail or the events follow in
// another order however small the step. (C.J.F. Ridders, Adv. Eng. Softw. 4,
// 75–76, 1982.)
func (c *certifier) difference(p *probe, l line, scale []float64) difference {
	const levels = 10
	n := len(c.base)
	f := difference{d: slices.Repeat([]float64{math.NaN()}, n), unsure: slices.Repeat([]float64{math.Inf(1)}, n), slope: make([]float64, n)}
	// By how much the targets may be off beside their terms: steps depend on values.
	noise := 0x1p-52
	if c.opt.Method.Adaptive() {
		noise = math.Max(noise, c.opt.RTol)
	}
	h := c.step
	if l.dir == nil {
		h *= math.Max(1, math.Abs(c.x[l.i]))
	}
	at := func(h float64) (v []float64) {
		if f.err == nil {
			l.move(p.x, c.x, h)
			v, f.why, f.err = c.values(p, p.x)
		}
		return v
	}
	var last [][]float64 // the extrapolations at the step before, by order
	for range levels {
		hi, lo := at(h), []float64(nil)
		if hi != nil {
			lo = at(-h)
		}
		if f.err != nil {
			return f
		}
		if hi == nil || lo == nil {
			last = nil
			h /= 4
			continue
		}
		row := [][]float64{make([]float64, n)}
		for k := range n {
			row[0][k] = (hi[k] - lo[k]) / (2 * h)
			if last == nil && f.slope[k] == 0 {
				f.slope[k] = math.Max(math.Abs(hi[k]-c.base[k]), math.Abs(c.base[k]-lo[k])) / h
			}
		}
		four := 1.
		for m := range last {
			four *= 4
			next := make([]float64, n)
			for k := range n {
				next[k] = row[m][k] + (row[m][k]-last[m][k])/(four-1)
				e := math.Max(math.Abs(next[k]-row[m][k]), math.Abs(next[k]-last[m][k])) + noise*c.size[k]/h
				if e < f.unsure[k] {
					f.d[k], f.unsure[k] = next[k], e
				}
			}
			row = append(row, next)
		}
		sure := last != nil
		for k := range n {
			sure = sure && f.unsure[k] <= c.want.Enough*math.Max(f.slope[k], 1e-3*scale[k])
		}
		if sure {
			break
		}
		last = row
		h /= 2
	}
	if !math.IsInf(slices.Max(f.unsure), 1) {
		f.why = ""
	}
	return f
}
