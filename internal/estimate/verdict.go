package estimate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/fit"
)

// Findings are what a fit has found beside its estimates.
type Findings struct {
	Verdict   *fit.Verdict // nil before the fit
	Basins    []fit.Basin  // by loss
	Decisions []string     // of what was done, and why
	Profiles  []Profiled

	starts, here int          // that led to a loss, and to the result
	equal        int          // of these, to other parameters
	exchange     []exchange   // parameters that may change places
	beside       []string     // events whose firings rows of data hold
	ended        string       // why no further start was tried; empty: nothing was sought
	walled       map[int]bool // parameters whose standard errors are those of rows beside firings
	open         []string     // combinations of parameters that the data leave open
	ridge        []float64    // of the weights, as the fit has set it; nil: there is none
	covariance   *covariance  // of the weights; nil: it is not known
	members      [][]float64  // coordinates of an ensemble
}

// The words of a verdict.
const (
	Fits        = "fits"
	Misfit      = "misfit"      // converged, and the data are not met
	Unknown     = "unknown"     // converged; nothing declares what noise there is
	Unconverged = "unconverged" // no optimum was reached
	Stopped     = "stopped"     // by the clock
)

// misfitAt is the probability of runs below which residuals are not independent.
const misfitAt = 1e-4

// judge makes the verdict of a fit that has ended.
func (f *Fit) judge(m *misfit) {
	judgeBounds(f)
	v := &fit.Verdict{Converged: f.State.Status == fit.Converged, Why: f.State.Message, Starts: f.starts, Here: f.here - f.equal, Equal: f.equal}
	v.Open, v.Untold, v.Beside = f.open, len(f.open), f.beside
	for _, e := range f.exchange {
		v.Exchange = append(v.Exchange, e.names(f))
	}
	free := untoldByPriors(f)
	for _, e := range f.Estimates {
		if e.Bound {
			v.Bounds = append(v.Bounds, e.Name)
		}
	}
	if v.Why == "" && f.State.Status == fit.MaxIterations {
		v.Why = "all iterations were made"
	}
	if v.Why == fit.Spent {
		v.Why += " (`fit { optimizer: auto { budget: 300 } }` gives more)"
	}
	v.Word = Unknown
	if m != nil && m.n > 0 {
		chi := m.chi / float64(m.n)
		v.Chi2, v.Values, v.Word = &chi, m.n, Fits
		if m.large(free) {
			v.Word, v.Worst = Misfit, worst(f, m)
		}
	}
	v.Learned = m != nil && m.learned && m.n == 0
	if m != nil && m.sign > 0 && m.sign <= free {
		v.Few, v.Word = true, Unknown
	}
	if m != nil && m.sign > 0 {
		p := m.runs()
		v.Runs = &p
		if p < misfitAt {
			v.Word = Misfit
		}
	}
	switch f.State.Status {
	case fit.MaxTime, fit.Interrupted:
		v.Word = Stopped
	case fit.Converged:
	default:
		v.Word = Unconverged
	}
	if v.Word == Misfit {
		v.Ended = f.ended
	}
	v.Text = verdictText(v)
	f.Verdict = v
}

// untoldByPriors counts the parameters that the data of training alone tell: of others a prior says something.
func untoldByPriors(f *Fit) (n int) {
	for i, p := range f.Objective.Space.Params {
		if p.Slot.Object.(*check.Param).Prior == nil && !f.held.has(i) {
			n++
		}
	}
	return n
}

// verdictText is the verdict in words.
func verdictText(v *fit.Verdict) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch v.Word {
	case Fits:
		say("converged, and meets the data")
	case Misfit:
		say("converged, and does not meet the data: the model is wrong, or the optimum")
	case Unknown:
		if v.Few {
			say("converged; there are no more values than parameters, so that nothing says whether the model is right")
			break
		}
		if v.Learned {
			say("converged; the noise is fitted too, so that nothing says how large it should be")
			break
		}
		say("converged; nothing says what noise the data have")
	case Stopped:
		say("stopped before it converged")
	default:
		say("not converged: %s", v.Why)
	}
	if v.Chi2 != nil {
		size := ""
		if r := math.Sqrt(*v.Chi2); v.Word == Misfit && r > 1.2 {
			size = fmt.Sprintf(": residuals are %.3g × the declared noise", r)
		}
		say("χ² %.3g per value (%d)%s", *v.Chi2, v.Values, size)
	}
	if v.Worst != "" {
		say("worst is %s", v.Worst)
	}
	if v.Runs != nil && *v.Runs < misfitAt {
		say("residuals of one sign follow each other (p %.1g)", *v.Runs)
	}
	if v.Starts > 1 {
		say("%d of %d starts ended here", v.Here, v.Starts)
	}
	if v.Ended != "" {
		say("no further start was tried: %s", v.Ended)
	}
	if v.Equal > 0 {
		say("%d at clearly other values of parameters, with the same loss", v.Equal)
	}
	switch {
	case v.Untold == 1:
		say("the data leave a combination of parameters open: %s", v.Open[0])
	case v.Untold > 1:
		say("the data leave %d combinations of parameters open: %s", v.Untold, strings.Join(v.Open[:min(v.Untold, 3)], ", "))
	}
	if len(v.Exchange) > 0 {
		say("parameters may change places, and nothing says which is which: %s", strings.Join(v.Exchange, "; "))
	}
	if len(v.Beside) > 0 {
		say("rows of data next to %s hold when it fires", strings.Join(v.Beside, ", "))
	}
	if len(v.Bounds) > 0 {
		say("at their bounds: %s", strings.Join(v.Bounds, ", "))
	}
	return strings.Join(parts, "; ")
}

// misfit sums up residuals in declared standard deviations, and their signs along each
// series: one observation of one trajectory.
type misfit struct {
	chi  float64
	n    int
	sign int // residuals in series

	learned bool // there are residuals whose noise is fitted
	last    map[[2]int]series

	of map[int]share // the squares by element of observations
}

// share is a part of a sum of squares.
type share struct {
	chi float64
	n   int
}

// declared takes a residual in declared standard deviations.
func (m *misfit) declared(element int, r float64) {
	if m.of == nil {
		m.of = map[int]share{}
	}
	s := m.of[element]
	m.of[element] = share{s.chi + r*r, s.n + 1}
	m.chi += r * r
	m.n++
}

// large reports whether χ² is too large for values that so many parameters could meet in part. Networks take some of
// the freedom too, but less than they have weights.
func (m *misfit) large(free int) bool {
	left := m.n - free
	return left > 0 && (distuv.ChiSquared{K: float64(left)}).Survival(m.chi) < misfitAt
}

// worst names the element of several that is met worst, with its χ² per value.
func worst(f *Fit, m *misfit) string {
	at, most := -1, 0.
	for k, s := range m.of {
		if chi := s.chi / float64(s.n); chi > most || chi == most && k < at {
			at, most = k, chi
		}
	}
	if len(m.of) < 2 {
		return ""
	}
	return fmt.Sprintf("%s, with %.3g", f.told.ElementName(at), most)
}

type series struct{ plus, minus, runs, last int }

// add takes the next residual of a series.
func (m *misfit) add(trajectory, element int, r float64) {
	if m.last == nil {
		m.last = map[[2]int]series{}
	}
	k := [2]int{trajectory, element}
	s := m.last[k]
	now := 1
	if r < 0 {
		now = -1
		s.minus++
	} else {
		s.plus++
	}
	if now != s.last {
		s.runs++
	}
	s.last = now
	m.last[k] = s
	m.sign++
}

// runs is the probability of so few runs where signs are independent: A. Wald, J.
// Wolfowitz, Annals of Mathematical Statistics 11, 147–162, 1940, by the normal
// approximation of the sum over all series.
func (m *misfit) runs() float64 {
	sum, variance := 0., 0.
	for _, k := range sortedKeys(m.last) {
		s := m.last[k]
		p, q := float64(s.plus), float64(s.minus)
		n := p + q
		if n < 2 || p == 0 || q == 0 {
			continue
		}
		mean := 1 + 2*p*q/n
		sum += float64(s.runs) - mean
		variance += (mean - 1) * (mean - 2) / (n - 1)
	}
	if variance <= 0 {
		return 1
	}
	return math.Erfc(-sum/math.Sqrt(2*variance)) / 2
}

func sortedKeys(m map[[2]int]series) [][2]int {
	var list [][2]int
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b [2]int) int {
		if a[0] != b[0] {
			return a[0] - b[0]
		}
		return a[1] - b[1]
	})
	return list
}
