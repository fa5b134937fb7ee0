package problem

import (
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
	var rows []Row
	for i := range it.Rows {
		whole := &it.Rows[i]
		at := map[float64]*Row{}
		row := func(t float64) *Row {
			r := at[t]
			if r == nil {
				c := *whole
				c.at, c.Seen, c.Own, c.Values, c.Counted = t, make([]float64, lay.NObs), make([]float64, lay.NR), 0, 0
				r = &c
				at[t] = r
			}
			return r
		}
		if len(p.Checked.Model.Losses) > 0 {
			first := row(whole.at)
			first.Own[0] = 1
			copy(first.Own[1:], whole.Seen)
		}
		for _, s := range lay.Observes {
			o, t := s.Object.(*check.Observe), whole.at
			if o.At != nil {
				var err error
				if t, err = it.dueTime(p, o); err != nil {
					return fail("%s", err)
				}
			}
			for k := range s.N {
				if whole.Seen[s.Off+k] == 0 {
					continue
				}
				r := row(t)
				r.Seen[s.Off+k] = 1
				if r.Values++; o.Weight > 0 {
					r.Counted++
				}
			}
		}
		for _, r := range at {
			rows = append(rows, *r)
			it.Span.T1 = math.Max(it.Span.T1, r.at)
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	it.Rows = rows
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
