package data

import (
	"math"
	"slices"
	"sort"
)

// Doses are columns that make more than one firing of a row, as in records of dosing.
type Doses struct {
	// Additional firings follow the first, each an Interval later.
	Additional, Interval Column

	// An infusion fires with a rate, its only argument, and ends a Duration later, where
	// the event fires with the negative of it. Of rate, duration and the Total amount
	// two are given.
	Duration, Total Column
}

const (
	doseAdditional = iota
	doseInterval
	doseDuration
	doseTotal
)

func (d *Doses) columns() []Column {
	return []Column{doseAdditional: d.Additional, doseInterval: d.Interval, doseDuration: d.Duration, doseTotal: d.Total}
}

// expand are the firings of a row that fires an event.
func (d *Doses) expand(r Row, f Firing, cols [][]float64) ([]Firing, error) {
	value := func(k int) float64 {
		if cols[k] == nil {
			return math.NaN()
		}
		return cols[k][r.i]
	}
	wrong := func(k int, format string, args ...any) error {
		e := r.errorf(format, args...)
		e.Column = d.columns()[k].Name
		return e
	}
	list := []Firing{f}
	if d.Duration.Name != "" || d.Total.Name != "" {
		rate, duration, total := f.Args[0], value(doseDuration), value(doseTotal)
		switch {
		case d.Total.Name == "":
		case d.Duration.Name == "":
			duration = total / rate
		default:
			rate = total / duration
		}
		if !(duration > 0) || math.IsInf(duration, 0) {
			k := doseDuration
			if d.Duration.Name == "" {
				k = doseTotal
			}
			return nil, wrong(k, "an infusion takes a time of %g; leave rows without one out by `where`", duration)
		}
		list[0].Args = []float64{rate}
		list = append(list, Firing{T: f.T + duration, Event: f.Event, Args: []float64{-rate}, Above: -1})
	}
	if d.Additional.Name == "" {
		return list, nil
	}
	n, every := value(doseAdditional), value(doseInterval)
	switch {
	case math.IsNaN(n) || n == 0:
		return list, nil
	case n < 0 || n != math.Trunc(n) || n > 1e6:
		return nil, wrong(doseAdditional, "%g additional doses", n)
	case !(every > 0):
		return nil, wrong(doseInterval, "%g additional doses need an interval above 0, not %g", n, every)
	}
	for k, one := 1, slices.Clone(list); k <= int(n); k++ {
		for _, g := range one {
			list = append(list, Firing{T: g.T + float64(k)*every, Event: g.Event, Args: slices.Clone(g.Args), Above: -1})
		}
	}
	return list, nil
}

// order puts firings that rows gave for later in the order of time: before the
// measurements at their time, which stand below the row that gave them.
func (t *Trajectory) order() {
	for i := range t.Firings {
		if f := &t.Firings[i]; f.Above < 0 {
			f.Above = sort.SearchFloat64s(t.Times, f.T)
		}
	}
	slices.SortStableFunc(t.Firings, func(a, b Firing) int {
		switch {
		case a.T < b.T:
			return -1
		case a.T > b.T:
			return 1
		}
		return a.Above - b.Above
	})
}
