package data

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// dateForms are the forms of ISO 8601 that times are read in, and of clocks.
var (
	dateForms = []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
		"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	}
	clockForms = []string{"15:04:05", "15:04"}
)

// instant reads a date or a clock time.
func instant(cell string, forms []string) (time.Time, bool) {
	for _, f := range forms {
		if at, err := time.Parse(f, cell); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// timeForm is how a column writes times.
type timeForm uint8

const (
	numbers timeForm = iota
	clocks           // since midnight: see overMidnight
	dates            // from the first of each trajectory: see sinceFirst
	spans            // days and a clock time
)

// readerOf is what reads a form, as what has passed since a time of its own; nil: they are
// numbers, or no times.
func readerOf(first string) (timeForm, func(cell string) (time.Duration, bool)) {
	if _, is := number(first); is {
		return numbers, nil
	}
	if _, is := span(first); is {
		return spans, span
	}
	form, forms := clocks, clockForms
	from, ok := instant(first, clockForms)
	if from = from.Truncate(day); !ok {
		form, forms = dates, dateForms
		if from, ok = instant(first, dateForms); !ok {
			return numbers, nil
		}
	}
	return form, func(cell string) (time.Duration, bool) {
		at, ok := instant(cell, forms)
		return at.Sub(from), ok
	}
}

// times are those of the rows, and how they are written.
func (t *Table) times(spec *Spec) ([]float64, timeForm, error) {
	k, err := t.column(spec.Time.Name)
	if err != nil {
		return nil, numbers, err
	}
	first := t.at(0, k)
	form, read := readerOf(first)
	if read == nil {
		out, err := t.inUnit(spec.Time) // says what is wrong if they are no numbers
		return out, numbers, err
	}
	out := make([]float64, t.Len())
	for i := range out {
		passed, ok := read(t.at(i, k))
		if !ok {
			e := Row{t, i}.errorf("`%s` is not a time like `%s` in line %d", clipped(t.at(i, k)), clipped(first), t.Line(0))
			e.Column, e.Help = spec.Time.Name, "all times of a column have one form: numbers, ISO dates (2026-05-01T12:30:00), clock times (12:30) or days with a clock time (1 days 12:30:00)"
			return nil, form, e
		}
		out[i] = passed.Seconds() * spec.Second
	}
	if spec.Second == 0 {
		e := Row{t, 0}.errorf("dates and clock times need a unit of the time in the model")
		e.Column, e.Help = spec.Time.Name, "declare it: `time t: h`"
		return nil, form, e
	}
	return out, form, nil
}

const day = 24 * time.Hour

// span reads what has passed, as pandas writes it: `1 days 12:30:00`, of which the days
// may be negative, and the clock time is added to them.
func span(cell string) (time.Duration, bool) {
	n, clock, ok := strings.Cut(cell, " days")
	days, err := strconv.Atoi(n)
	if !ok || err != nil || days < -100_000 || days > 100_000 {
		return 0, false
	}
	passed := time.Duration(days) * day
	if clock == "" {
		return passed, true
	}
	at, ok := instant(strings.TrimPrefix(strings.TrimPrefix(clock, " "), "+"), clockForms)
	return passed + at.Sub(at.Truncate(day)), ok
}

// Span writes what has passed as a cell of a table.
func Span(passed time.Duration) string {
	days := passed / day
	if passed %= day; passed < 0 {
		days, passed = days-1, passed+day
	}
	return fmt.Sprintf("%d days %s", days, time.Time{}.Add(passed).Format("15:04:05.999999999"))
}

// overMidnight lets clock times of a trajectory go on in the next day where they fall by more than half a
// day, in the order of the file. What it did, or may have been meant, is a doubt.
func (t *Table) overMidnight(spec *Spec, times []float64, rows *picked, name string) *Error {
	whole := day.Seconds() * spec.Second
	nights, falls, line := 0, 0, -1
	for k := range rows.n {
		i := rows.at(k)
		times[i] += float64(nights) * whole
		if k == 0 {
			continue
		}
		fall := times[rows.at(k-1)] - times[i]
		if fall <= 0 {
			continue
		}
		if line < 0 {
			line = i
		}
		if fall > whole/2 {
			nights++
			times[i] += whole
		} else {
			falls++
		}
	}
	if line < 0 {
		return nil
	}
	var does []string
	if nights > 0 {
		does = append(does, fmt.Sprintf("%d times by more than half a day, where the next day begins", nights))
	}
	if falls > 0 {
		does = append(does, fmt.Sprintf("%d times by less, where the rows are sorted by their times", falls))
	}
	if name != "" {
		name = " of " + name
	}
	e := Row{t, line}.errorf("the clock%s goes back: %s", name, strings.Join(does, ", and "))
	e.Column, e.Help = spec.Time.Name, "write dates with the times, 2026-05-01T23:30, if that is not what is meant"
	return e
}

// sinceFirst lets the times of some rows count from the first of them.
func sinceFirst(times []float64, rows *picked) {
	first := math.Inf(1)
	for i := range rows.n {
		first = min(first, times[rows.at(i)])
	}
	for i := range rows.n {
		times[rows.at(i)] -= first
	}
}
