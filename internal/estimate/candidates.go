package estimate

import (
	"math"
	"slices"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
)

// found are the candidates so far.
type found struct {
	list []*candidate
	best *candidate

	fitted  float64 // the work until the first candidate that meets the data; 0: there is none
	cleared float64 // the work until the first that meets the data beyond doubt; 0: there is none
}

// candidate is a point that a start has led to.
type candidate struct {
	*fit.Outcome
	origin
	alpha    []float64
	chi      float64 // sum of squares in standard deviations, declared or estimated
	n        int
	missed   bool // what a verdict calls a misfit: by χ², or by signs that follow each other
	evidence float64
}

// clear reports whether a candidate with a kind of networks meets the data beyond doubt.
func (c *found) clear(spread bool) bool {
	return slices.ContainsFunc(c.list, func(k *candidate) bool { return k.spread == spread && k.clear() })
}

// origin is a point where descents begin.
type origin struct {
	name   string
	x      []float64
	user   bool // it is that of the file
	spread bool // its networks are spread over the data

	redrawn bool // it begins at parameters that a candidate has found
}

// agreed reports whether so many starts have led to so few optima that a better one is not
// to be expected. Where nothing tells that the data are not met four at the best are enough. Else, of
// n starts that led to w optima, w(n − 1)/(n − w − 2) is the number of optima to be expected, and
// w(w + 1)/(n(n − 1)) the share of starts that lead to others than these (C.G.E. Boender, A.H.G. Rinnooy
// Kan, Mathematical Programming 37, 59–80, 1987): less than half an optimum is left or, where data are
// clearly not met, so that there is a better optimum or none at all, so small a share of starts that some forty
// descents, from ever farther away, have led to one optimum.
func (c *found) agreed() bool {
	if c.best == nil {
		return false
	}
	here := 0
	for _, k := range c.list {
		if k.same(c.best) {
			here++
		}
	}
	descents, optima := c.optima()
	n, w := float64(descents), float64(optima)
	switch {
	case c.best.fits() || c.best.n == 0 && !c.best.missed:
		return here >= 4
	case c.best.wrong():
		return w*(w+1) < unseenShare*n*(n-1)
	}
	return n > w+2 && w*(n-1) <= (w+0.5)*(n-w-2)
}

// optima is how many descents have led to how many optima.
func (c *found) optima() (descents, optima int) {
	for i, k := range c.list {
		if !slices.ContainsFunc(c.list[:i], k.same) {
			optima++
		}
	}
	return len(c.list), optima
}

// unseenShare is the share of starts that lead to other optima, below which a search ends that meets no data.
const unseenShare = 0.0015

// wrong reports whether the data are beyond doubt not met: χ²/n > 1 + 4√(2/n).
func (k *candidate) wrong() bool {
	return k.n > 0 && k.chi/float64(k.n) > 1+4*math.Sqrt(2/float64(k.n))
}

// same reports whether two candidates are one optimum: their losses are less than half a
// nat apart.
func (k *candidate) same(o *candidate) bool { return math.Abs(k.Total()-o.Total()) < 0.5 }

// fits reports whether the data are met: χ²/n ≤ 1 + 2√(2/n), and signs of residuals do not follow each other.
func (k *candidate) fits() bool {
	return k.n > 0 && !k.missed && k.chi/float64(k.n) <= 1+2*math.Sqrt(2/float64(k.n))
}

// clear reports whether that leaves no doubt: another optimum that meets the data by
// chance, with a χ² beyond one standard deviation, may be a wrong one.
func (k *candidate) clear() bool {
	return k.n > 0 && !k.missed && k.chi/float64(k.n) <= 1+math.Sqrt(2/float64(k.n))
}

// basins lists the optima that starts have led to.
func basins(f *Fit, list []*candidate) {
	list = slices.DeleteFunc(slices.Clone(list), func(k *candidate) bool { return k.redrawn })
	slices.SortStableFunc(list, func(a, b *candidate) int {
		switch {
		case a.Total() < b.Total():
			return -1
		case a.Total() > b.Total():
			return 1
		}
		return 0
	})
	f.Basins = nil
	var first *candidate
	for _, k := range list {
		if first == nil || !k.same(first) {
			first = k
			b := fit.Basin{Loss: k.Value, Start: k.name}
			if k.n > 0 {
				b.Chi2 = k.chi / float64(k.n)
			}
			f.Basins = append(f.Basins, b)
		}
		b := &f.Basins[len(f.Basins)-1]
		b.Starts++
		b.User = b.User || k.user
	}
	f.starts, f.here, f.equal = len(list), f.Basins[0].Starts, 0
	for _, k := range list[:f.here] {
		if apart(f.Objective.Space, k.X, list[0].X) {
			f.equal++
		}
	}
}

// apart reports whether two points differ clearly in some parameter: by a factor of two,
// where it is positive.
func apart(sp *problem.Space, a, b []float64) bool {
	params := sp.Dim
	if len(sp.Weights) > 0 {
		params = sp.Weights[0].At
	}
	for i := range params {
		if math.Abs(a[i]-b[i]) > math.Ln2 {
			return true
		}
	}
	return false
}
