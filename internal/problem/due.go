package problem

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
)

// Observations that have times of their own, in tables without times.

// due makes of each row several, one for each time at which something of it is predicted:
// the start, with the loss terms, and the times of observations.
func (it *Trajectory) due(p *compiler.Program, fail func(string, ...any) error) error {
	lay := &p.Model.Layout
	terms := len(p.Checked.Model.Losses) > 0
	var rows []Row       // those of the table, once for each of their times
	var times []float64  // of these
	var seen [][]float64 // and what is seen then
	for _, whole := range it.Rows {
		first := len(times)
		row := func(t float64) int {
			for i := first; i < len(times); i++ {
				if times[i] == t {
					return i
				}
			}
			rows, times, seen = append(rows, whole), append(times, t), append(seen, make([]float64, lay.NObs))
			return len(times) - 1
		}
		if terms {
			row(whole.Time())
		}
		for _, s := range lay.Observes {
			o, t := s.Object.(*check.Observe), whole.Time()
			if o.At != nil {
				var err error
				if t, err = it.dueTime(p, o); err != nil {
					return fail("%s", err)
				}
			}
			for k := range s.N {
				if whole.Seen()[s.Off+k] != 0 {
					seen[row(t)][s.Off+k] = 1
				}
			}
		}
	}
	due := Apart(rows)
	for i, r := range due {
		r.of.ownRoom(lay.NR)
		if terms && (i == 0 || rows[i] != rows[i-1]) {
			r.Own()[0] = 1
			copy(r.Own()[1:], r.Seen())
		}
		r.of.time[r.at] = times[i]
		copy(r.Seen(), seen[i])
		values, counted := 0, 0
		for _, s := range lay.Observes {
			for k := range s.N {
				if seen[i][s.Off+k] == 0 {
					continue
				}
				if values++; s.Object.(*check.Observe).Weight > 0 {
					counted++
				}
			}
		}
		r.Recount(values, counted)
		it.Span.T1 = math.Max(it.Span.T1, times[i])
	}
	slices.SortStableFunc(due, func(a, b Row) int { return cmp.Compare(a.Time(), b.Time()) })
	it.Rows = due
	return nil
}

// dueTime is when an observation is predicted in this trajectory.
func (it *Trajectory) dueTime(p *compiler.Program, o *check.Observe) (float64, error) {
	v, ok := check.Evaluate(o.At, func(x *check.Expr) ([]float64, bool) {
		for _, s := range p.Model.Layout.Trajectory {
			if s.Kind == lower.FromCovariate && x.Kind == check.Ref && s.Object == x.Object {
				return it.Given[s.Off : s.Off+s.N], true
			}
		}
		return nil, false
	})
	switch {
	case !ok:
		return 0, fmt.Errorf("the time of `%s` cannot be computed before the run", o.Name)
	case math.IsNaN(v[0]) || math.IsInf(v[0], 0):
		return 0, fmt.Errorf("the time of `%s` is %g", o.Name, v[0])
	case v[0] < it.Span.T0:
		return 0, fmt.Errorf("`%s` is observed at %g, before the start at %g", o.Name, v[0], it.Span.T0)
	}
	return v[0], nil
}
