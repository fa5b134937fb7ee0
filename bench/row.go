package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Row is one piece of work to measure, with what it is compared to.
type Row struct {
	Name string
	Doc  string // what is done
	Unit string // of the value
	Bar  Bar

	// Waits says what the row needs that does not exist yet; such a row is
	// listed and not measured.
	Waits string

	// Why says, on the page, where the time goes and what bounds it.
	Why string

	// Work is what is timed. Own is a piece of work of our own that it is
	// compared with; without it the first of Baselines is what the ratio is
	// taken to. Other baselines are reported beside it.
	Work      Timer
	Own       *Own
	Baselines []Baseline

	// Count gives the value in the place of Work, for what is not a time.
	Count func(ctx context.Context, l *Lab) (float64, error)
}

// Own is a baseline that is work of our own.
type Own struct {
	Name string
	Work Timer
}

// Bar is what a row is to meet. The zero value asks for nothing.
type Bar struct {
	Most float64
	Of   Of
}

// Of is which number of a row its bar is about.
type Of string

// What a bar may be about.
const (
	Ratio Of = "ratio" // of the value to the baseline
	Value Of = "value"
)

// Result is what a row measured. Numbers that there are not are NaN.
type Result struct {
	Row      *Row
	Value    float64 // in the unit of the row
	Against  string  // name of the baseline
	Baseline float64 // in the unit of the row
	Ratio    float64
	Others   []Other
	Note     string // why something is missing
	Skipped  bool   // nothing was measured
}

// Other is a further baseline.
type Other struct {
	Name  string
	Value float64
}

// Holds reports whether the bar is met; known is false where what it is about
// was not measured, or there is no bar.
func (r *Result) Holds() (holds, known bool) {
	v := r.Value
	if r.Row.Bar.Of == Ratio {
		v = r.Ratio
	}
	if r.Row.Bar.Of == "" || math.IsNaN(v) {
		return false, false
	}
	return v <= r.Row.Bar.Most, true
}

// Unavailable says why a baseline or a row cannot be measured here. It is no
// failure.
type Unavailable struct{ Why string }

func (e *Unavailable) Error() string { return e.Why }

func unavailable(format string, args ...any) error {
	return &Unavailable{fmt.Sprintf(format, args...)}
}

// perNs is how many nanoseconds a unit of time has.
var perNs = map[string]float64{"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}

// Run measures the row.
func (r *Row) Run(ctx context.Context, l *Lab) (Result, error) {
	res := Result{Row: r, Value: math.NaN(), Baseline: math.NaN(), Ratio: math.NaN()}
	if r.Waits != "" {
		res.Skipped, res.Note = true, "waits for "+r.Waits
		return res, nil
	}
	var why *Unavailable
	if r.Count != nil {
		v, err := r.Count(ctx, l)
		if errors.As(err, &why) {
			res.Skipped, res.Note = true, why.Why
			return res, nil
		}
		res.Value = v
		return res, err
	}
	work, err := r.Work(l)
	if errors.As(err, &why) {
		res.Skipped, res.Note = true, why.Why
		return res, nil
	}
	if err != nil {
		return res, err
	}
	samplers := []sampler{work}
	names := []string{""}
	if r.Own != nil {
		s, err := r.Own.Work(l)
		if err != nil {
			return res, err
		}
		samplers, names = append(samplers, s), append(names, r.Own.Name)
		res.Against = r.Own.Name
	}
	for i, b := range r.Baselines {
		if i == 0 && r.Own == nil {
			res.Against = b.name()
		}
		s, err := b.sampler(ctx, l)
		if errors.As(err, &why) {
			if i == 0 && r.Own == nil {
				res.Note = why.Why
			}
			continue
		}
		if err != nil {
			return res, fmt.Errorf("%s: %w", b.name(), err)
		}
		samplers, names = append(samplers, s), append(names, b.name())
	}
	best, err := least(ctx, l, samplers)
	l.python.rest()
	if err != nil {
		return res, err
	}
	unit := perNs[r.Unit]
	res.Value = best[0] / unit
	for i, name := range names[1:] {
		v := best[i+1] / unit
		if name == res.Against {
			res.Baseline, res.Ratio = v, res.Value/v
		} else {
			res.Others = append(res.Others, Other{name, v})
		}
	}
	return res, nil
}
