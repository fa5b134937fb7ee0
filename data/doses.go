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

	// A dose in Steady state has Cycles others before it, an Interval apart: the system has
	// forgotten how it began.
	Steady, Cycles Column
}

const (
	doseAdditional = iota
	doseInterval
	doseDuration
	doseTotal
	doseSteady
	doseCycles
)

func (d *Doses) columns() []Column {
	return []Column{
		doseAdditional: d.Additional, doseInterval: d.Interval, doseDuration: d.Duration, doseTotal: d.Total,
		doseSteady: d.Steady, doseCycles: d.Cycles,
	}
}

// usualCycles is how many doses lead to a steady state where the table does not say: after
// 200 intervals of a seventh of a half-life there is 3e-9 left of how it began.
const usualCycles = 200

// record is a row that fires an event, with its numbers.
type record struct {
	*Doses
	row  Row
	cols [][]float64
}

func (r *record) value(k int) float64 {
	if r.cols[k] == nil {
		return math.NaN()
	}
	return r.cols[k][r.row.i]
}

func (r *record) wrong(k int, format string, args ...any) *Error {
	e := r.row.errorf(format, args...)
	e.Column = r.columns()[k].Name
	return e
}

// expand are the firings of a record.
func (r *record) expand(f Firing) ([]Firing, error) {
	one, err := r.infusion(f)
	if err != nil {
		return nil, err
	}
	more, every := 0, r.value(doseInterval)
	if n := r.value(doseAdditional); r.Additional.Name != "" && n > 0 {
		if n != math.Trunc(n) || n > mostDoses {
			return nil, r.wrong(doseAdditional, "%g additional doses", n)
		}
		more = int(n)
	} else if n < 0 {
		return nil, r.wrong(doseAdditional, "%g additional doses", n)
	}
	before, err := r.cycles()
	if err != nil {
		return nil, err
	}
	if more+before > 0 && !(every > 0 && !math.IsInf(every, 0)) {
		e := r.wrong(doseInterval, "doses that are repeated need an interval above 0, not %g", every)
		if before > 0 {
			e.Help = "the steady state of an infusion without end is a row with its rate at a time that is early enough"
		}
		return nil, e
	}
	list := one
	for k := -before; k <= more; k++ {
		if k == 0 {
			continue
		}
		for _, g := range one {
			g.T += float64(k) * every
			g.Args, g.Above = slices.Clone(g.Args), -1
			if g.Joint, g.Measured = false, false; k < 0 {
				g.Given = nil
			}
			list = append(list, g)
		}
	}
	return list, nil
}

// mostDoses bounds the doses of one record.
const mostDoses = 1e6

// cycles is how many doses of a steady state are before the record; 0: it is none.
func (r *record) cycles() (int, error) {
	switch steady := r.value(doseSteady); {
	case math.IsNaN(steady) || steady == 0:
		return 0, nil
	case steady != 1 && steady != 2:
		e := r.wrong(doseSteady, "a steady state is 1, or 0 for none; here it is %g", steady)
		e.Help = "2, a steady state that adds to what there is, is that of 1 where the trajectory begins"
		return 0, e
	}
	n := r.value(doseCycles)
	switch {
	case math.IsNaN(n):
		return usualCycles, nil
	case n < 1 || n != math.Trunc(n) || n > mostDoses:
		return 0, r.wrong(doseCycles, "%g doses that lead to a steady state", n)
	}
	return int(n), nil
}

// infusion are the firings of one dose: itself and, of an infusion, its end.
func (r *record) infusion(f Firing) ([]Firing, error) {
	d, value := r.Doses, r.value
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
			return nil, r.wrong(k, "an infusion takes a time of %g; leave rows without one out by `where`", duration)
		}
		list[0].Args = []float64{rate}
		list = append(list, Firing{T: f.T + duration, Event: f.Event, Args: []float64{-rate}, Above: -1})
	}
	return list, nil
}

// precede notes how long before its first row a trajectory has to begin, for the doses of a
// steady state; further on in a trajectory there is no place for them.
func (t *Trajectory) precede(r *record, list []Firing) error {
	for _, f := range list {
		early := t.T0 - f.T
		if early <= 0 {
			continue
		}
		if n, _ := r.cycles(); list[0].T > t.T0 {
			e := r.wrong(doseSteady, "the doses of a steady state, %d of them before the record, would come among the rows above it", n)
			e.Help = "a trajectory begins with its steady state: give what follows one a trajectory of its own, by a further key"
			return e
		}
		t.Lead = math.Max(t.Lead, early)
	}
	return nil
}

// order puts firings that rows gave for later in the order of time: before the
// measurements at their time, which stand below the row that gave them. Such a time is a sum
// of decimal numbers: 3 times 0.1 is the time of a row at 0.3, though it is a little more.
func (t *Trajectory) order() {
	var given []float64
	if slices.ContainsFunc(t.Firings, func(f Firing) bool { return f.Above < 0 }) {
		given = slices.Clone(t.Times)
		for i := range t.Firings {
			if f := &t.Firings[i]; f.Above >= 0 {
				given = append(given, f.T)
			}
		}
		slices.Sort(given)
	}
	for i := range t.Firings {
		if f := &t.Firings[i]; f.Above < 0 {
			f.T = nearest(given, f.T)
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

// nearest is the time in an ascending list that differs from t by no more than the round-off of a sum of
// times as large as its first and last, or t.
func nearest(list []float64, t float64) float64 {
	const roundOff = 8 * 0x1p-53
	if len(list) == 0 {
		return t
	}
	least := roundOff * max(math.Abs(t), math.Abs(list[0]), math.Abs(list[len(list)-1]))
	best, latest := t, t+least
	for k := sort.SearchFloat64s(list, t-least); k < len(list) && list[k] <= latest; k++ {
		if off := math.Abs(list[k] - t); off <= least {
			best, least = list[k], off
		}
	}
	return best
}
