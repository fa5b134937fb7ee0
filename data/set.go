package data

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Column is a column of the table whose numbers are multiplied by Factor.
type Column struct {
	Name   string
	Factor float64
}

// EventSpec says which rows fire an event, with which arguments.
type EventSpec struct {
	Args  []Column
	Where func(Row) (bool, error) // nil: rows in which every argument is present
}

// Spec says what the columns of a table mean.
type Spec struct {
	Time       Column
	Keys       []string // rows with equal keys form one trajectory
	Observes   []Column // an empty name: not in this table
	Inputs     []Column
	Covariates []Column
	Events     []EventSpec
	Train      func(Row) (bool, error) // nil: every row
	Validate   func(Row) (bool, error) // nil: none
}

// Split says what a trajectory is for.
type Split uint8

// The splits.
const (
	Train Split = iota
	Validate
	Unused
)

// Firing is a row that fires an event.
type Firing struct {
	T     float64
	Event int // index into Spec.Events
	Args  []float64
}

// Signal is an input over the times at which it was given.
type Signal struct{ T, V []float64 }

// Trajectory is one trajectory of a set.
type Trajectory struct {
	Key        []string
	Split      Split
	Times      []float64   // of the rows with an observation, ascending; equal times are replicates
	Obs        [][]float64 // row by row; NaN where missing
	Covariates []float64
	Inputs     []Signal
	Firings    []Firing
	Lost       int     // missing values in rows that have none and fire no event
	T0, T1     float64 // first and last time of any row
}

// Name spells the key.
func (t *Trajectory) Name(keys []string) string {
	parts := make([]string, len(t.Key))
	for i, k := range t.Key {
		parts[i] = keys[i] + "=" + k
	}
	return strings.Join(parts, ", ")
}

// Set is a set of trajectories.
type Set struct {
	File         string
	Keys         []string
	Trajectories []*Trajectory
}

// Build forms the trajectories of a table.
func Build(t *Table, spec *Spec) (*Set, error) {
	set := &Set{File: t.Name, Keys: spec.Keys}
	times, err := t.Floats(spec.Time.Name)
	if err != nil {
		return nil, err
	}
	columns := func(list []Column) ([][]float64, error) {
		out := make([][]float64, len(list))
		for i, c := range list {
			if c.Name == "" {
				continue
			}
			v, err := t.Floats(c.Name)
			if err != nil {
				return nil, err
			}
			for k := range v {
				v[k] *= c.Factor
			}
			out[i] = v
		}
		return out, nil
	}
	obs, err := columns(spec.Observes)
	if err != nil {
		return nil, err
	}
	inputs, err := columns(spec.Inputs)
	if err != nil {
		return nil, err
	}
	covs, err := columns(spec.Covariates)
	if err != nil {
		return nil, err
	}
	args := make([][][]float64, len(spec.Events))
	for i, e := range spec.Events {
		if args[i], err = columns(e.Args); err != nil {
			return nil, err
		}
	}
	keys := make([][]string, len(spec.Keys))
	for i, k := range spec.Keys {
		if keys[i], err = t.Strings(k); err != nil {
			return nil, err
		}
	}
	groups := map[string][]int{}
	var order []string
	for i := range times {
		if math.IsNaN(times[i]) {
			return nil, &Error{File: t.Name, Line: t.Line(i), Column: spec.Time.Name, Text: "the time is missing", Help: "every row needs a time; remove the row if it has none"}
		}
		times[i] *= spec.Time.Factor
		k := ""
		for _, col := range keys {
			k += col[i] + "\x00"
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	for _, k := range order {
		rows := groups[k]
		sort.SliceStable(rows, func(a, b int) bool { return times[rows[a]] < times[rows[b]] })
		tr := &Trajectory{T0: times[rows[0]], T1: times[rows[len(rows)-1]], Inputs: make([]Signal, len(inputs))}
		for _, col := range keys {
			tr.Key = append(tr.Key, col[rows[0]])
		}
		if tr.Split, err = split(t, spec, rows); err != nil {
			return nil, err
		}
		for _, i := range rows {
			if err := tr.add(t, spec, i, times[i], obs, inputs, args); err != nil {
				return nil, err
			}
		}
		if tr.Covariates, err = constants(t, spec.Covariates, covs, rows); err != nil {
			return nil, err
		}
		set.Trajectories = append(set.Trajectories, tr)
	}
	return set, nil
}

// add takes a row over.
func (tr *Trajectory) add(t *Table, spec *Spec, i int, time float64, obs, inputs [][]float64, args [][][]float64) error {
	row, any := make([]float64, len(obs)), false
	for k, c := range obs {
		row[k] = math.NaN()
		if c != nil {
			row[k] = c[i]
		}
		any = any || !math.IsNaN(row[k])
	}
	if any {
		tr.Times, tr.Obs = append(tr.Times, time), append(tr.Obs, row)
	}
	fired := len(tr.Firings)
	for k, c := range inputs {
		if c != nil && !math.IsNaN(c[i]) {
			tr.Inputs[k].T, tr.Inputs[k].V = append(tr.Inputs[k].T, time), append(tr.Inputs[k].V, c[i])
		}
	}
	for k, e := range spec.Events {
		vals, present := make([]float64, len(args[k])), true
		for j, c := range args[k] {
			vals[j] = c[i]
			present = present && !math.IsNaN(c[i])
		}
		fires := present
		if e.Where != nil {
			var err error
			if fires, err = e.Where(Row{t, i}); err != nil {
				return err
			}
			if fires && !present {
				return &Error{File: t.Name, Line: t.Line(i), Text: "the row fires an event and an argument of it is missing"}
			}
		}
		if fires {
			tr.Firings = append(tr.Firings, Firing{time, k, vals})
		}
	}
	if !any && len(tr.Firings) == fired {
		tr.Lost += len(obs)
	}
	return nil
}

// split decides what a trajectory is for; all its rows must agree.
func split(t *Table, spec *Spec, rows []int) (Split, error) {
	var first Split
	for n, i := range rows {
		train, validate := spec.Train == nil, false
		var err error
		if spec.Train != nil {
			if train, err = spec.Train(Row{t, i}); err != nil {
				return 0, err
			}
		}
		if spec.Validate != nil {
			if validate, err = spec.Validate(Row{t, i}); err != nil {
				return 0, err
			}
		}
		s := Unused
		switch {
		case validate && train && spec.Train != nil:
			return 0, &Error{File: t.Name, Line: t.Line(i), Text: "the row is both for training and for validation"}
		case validate:
			s = Validate
		case train:
			s = Train
		}
		if n == 0 {
			first = s
		} else if s != first {
			return 0, &Error{File: t.Name, Line: t.Line(i), Text: "rows of one trajectory fall on both sides of `train` and `validate`", Help: "split by the keys that make a trajectory"}
		}
	}
	return first, nil
}

// constants reads the covariates of a trajectory, which do not change in it.
func constants(t *Table, cols []Column, values [][]float64, rows []int) ([]float64, error) {
	out := make([]float64, len(cols))
	for k, c := range values {
		out[k] = math.NaN()
		for _, i := range rows {
			v := c[i]
			switch {
			case math.IsNaN(v):
			case math.IsNaN(out[k]):
				out[k] = v
			case v != out[k]:
				return nil, &Error{File: t.Name, Line: t.Line(i), Column: cols[k].Name, Text: fmt.Sprintf("a covariate is one number in a trajectory; this is %g after %g", v, out[k]), Help: "a number that changes in time is an `input`"}
			}
		}
		if math.IsNaN(out[k]) {
			return nil, &Error{File: t.Name, Line: t.Line(rows[0]), Column: cols[k].Name, Text: "the covariate is missing in the whole trajectory"}
		}
	}
	return out, nil
}

// First is the first value of an observation that is present, and its time.
func (tr *Trajectory) First(obs int) (v, t float64, ok bool) {
	for i, r := range tr.Obs {
		if !math.IsNaN(r[obs]) {
			return r[obs], tr.Times[i], true
		}
	}
	return math.NaN(), math.NaN(), false
}

// slopePoints is how many values the initial slope is fitted to.
const slopePoints = 4

// Slope is the initial slope of an observation: that of the least-squares
// line through its first four values (fewer if there are fewer).
func (tr *Trajectory) Slope(obs int) (float64, bool) {
	var n, st, sy, stt, sty float64
	for i, r := range tr.Obs {
		if y := r[obs]; !math.IsNaN(y) && n < slopePoints {
			t := tr.Times[i] - tr.T0
			n, st, sy, stt, sty = n+1, st+t, sy+y, stt+t*t, sty+t*y
		}
	}
	d := n*stt - st*st
	if n < 2 || d == 0 {
		return math.NaN(), false
	}
	return (n*sty - st*sy) / d, true
}

// Stats describes an observation over the trajectories of a split.
type Stats struct {
	Values, Missing int
	Mean, SD        float64
}

// Describe counts and averages observation obs over the trajectories of a
// split.
func (s *Set) Describe(obs int, split Split) Stats {
	var out Stats
	var sum, sq float64
	for _, tr := range s.Trajectories {
		if tr.Split != split {
			continue
		}
		for _, r := range tr.Obs {
			if v := r[obs]; math.IsNaN(v) {
				out.Missing++
			} else {
				out.Values++
				sum += v
				sq += v * v
			}
		}
	}
	if n := float64(out.Values); n > 0 {
		out.Mean = sum / n
		out.SD = math.Sqrt(math.Max(0, sq/n-out.Mean*out.Mean))
	}
	return out
}
