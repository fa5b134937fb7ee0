package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Column is a column of the table whose numbers are multiplied by Factor to be
// in the model's unit, and raised by Offset; the factor zero stands for one.
type Column struct {
	Name   string
	Factor float64
	Offset float64
	Where  func(Row) (bool, error) // the rows in which it counts, in others it is missing; nil: all
}

// EventSpec says which rows fire an event, with which arguments.
type EventSpec struct {
	Args  []Column
	Where func(Row) (bool, error) // nil: rows in which every argument is present; all if there are none
	Doses
}

// Spec says what the columns of a table mean.
type Spec struct {
	Time       Column                  // an empty name: the table has no times, and each row is a trajectory
	Second     float64                 // in the unit of the time; 0: it has none, and dates are refused
	Where      func(Row) (bool, error) // the rows that are kept; nil: all
	Given      func(Row) (bool, error) // those that are known when predicting; nil: none
	Keys       []string                // rows with equal keys, as text, form one trajectory
	Observes   []Column                // of these and the next two, an empty name: not in this table
	Planned    bool                    // the table may be one of doses and inputs, without any column of Observes
	Inputs     []Column
	Covariates []Column
	Events     []EventSpec
	Start      Column                  // where trajectories start; an empty name: not in this table
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
	Above int // rows with an observation that stand above this one

	// Joint: it is of the same row as the firing before. Measured: its row has an
	// observation too.
	Joint, Measured bool

	Given []float64 // the inputs given at its time, in its row or above it; NaN for none; nil: it is of no row
}

// Signal is an input over the times at which it was given.
type Signal struct{ T, V []float64 }

// Trajectory is one trajectory of a set.
type Trajectory struct {
	Key        []string
	Split      Split
	Times      []float64 // of the rows with an observation, ascending; equal times are replicates
	Obs        Numbers   // row by row; NaN where missing
	Given      Numbers   // row by row: the inputs given at its time, in it or above it; NaN for none
	Known      []bool    // row by row: known when predicting; nil: none
	Lines      Lines     // row by row: the line of the file
	Start      float64   // as the table says; NaN where it does not
	Covariates []float64 // NaN for one that is not in this table
	Inputs     []Signal
	Firings    []Firing
	Lost       int     // missing values in rows that have none and fire no event
	T0, T1     float64 // first and last time of any row
	Lead       float64 // how long before T0 the doses of a steady state begin
}

// Name spells the key.
func (t *Trajectory) Name(keys []string) string {
	parts := make([]string, len(t.Key))
	for i, k := range t.Key {
		parts[i] = keys[i] + "=" + k
	}
	return strings.Join(parts, ", ")
}

// Before counts the rows before a time that measure or fire something.
func (t *Trajectory) Before(time float64) int {
	if time <= t.T0 {
		return 0
	}
	c := t.Since(time)
	return len(t.Times) - len(c.Times) + len(t.Firings) - len(c.Firings)
}

// Since is the trajectory without its rows before a time; inputs keep theirs,
// which say how they start.
func (t *Trajectory) Since(time float64) *Trajectory {
	n := sort.SearchFloat64s(t.Times, time)
	if n == 0 && (len(t.Firings) == 0 || t.Firings[0].T >= time) {
		return t
	}
	c := *t
	c.Times, c.Obs, c.Given, c.Lines = t.Times[n:], t.Obs.from(n), t.Given.from(n), t.Lines.from(n)
	if t.Known != nil {
		c.Known = t.Known[n:]
	}
	k := sort.Search(len(t.Firings), func(i int) bool { return t.Firings[i].T >= time })
	c.Firings = slices.Clone(t.Firings[k:])
	for i := range c.Firings {
		c.Firings[i].Above -= n
	}
	return &c
}

// Set is a set of trajectories.
type Set struct {
	File         string
	Keys         []string
	Trajectories []*Trajectory
	Doubts       []*Error // what may have been meant in another way
}

// Build forms the trajectories of a table, in the order in which their keys
// appear.
func Build(t *Table, spec *Spec) (*Set, error) {
	keep, err := t.kept(spec.Where)
	if err != nil {
		return nil, err
	}
	t = t.only(keep)
	spec, doubts := t.planned(spec)
	var times []float64
	form := numbers
	if spec.Time.Name == "" {
		times = make([]float64, t.Len()) // until it is known where they start: see Begin
	} else if times, form, err = t.times(spec); err != nil {
		return nil, err
	}
	var cols columns
	if cols.obs, err = t.matrix(spec.Observes); err != nil {
		return nil, err
	}
	if cols.inputs, err = t.scaled(spec.Inputs); err != nil {
		return nil, err
	}
	if cols.covariates, err = t.scaled(spec.Covariates); err != nil {
		return nil, err
	}
	if spec.Start.Name != "" {
		if cols.starts, err = t.inUnit(spec.Start); err != nil {
			return nil, err
		}
	}
	cols.args, cols.doses = make([][][]float64, len(spec.Events)), make([][][]float64, len(spec.Events))
	for i, e := range spec.Events {
		if cols.args[i], err = t.scaled(e.Args); err != nil {
			return nil, err
		}
		if cols.doses[i], err = t.scaled(e.columns()); err != nil {
			return nil, err
		}
	}
	groups, err := t.groups(spec, times)
	if err != nil {
		return nil, err
	}
	set := &Set{File: t.Name, Keys: spec.Keys, Doubts: doubts}
	if spec.Time.Name == "" {
		groups = t.alone(set)
	}
	all := make([]Trajectory, len(groups))
	for g := range groups {
		rows := &groups[g]
		for _, k := range spec.Keys {
			all[g].Key = append(all[g].Key, strings.Clone(t.cell(rows.at(0), k))) // which keeps no file in memory
		}
		if len(set.Keys) > len(spec.Keys) {
			row := rows.at(0)
			if keep != nil {
				row = keep[row]
			}
			all[g].Key = append(all[g].Key, strconv.Itoa(row+1))
		}
		switch form {
		case dates:
			sinceFirst(times, rows)
		case clocks:
			if doubt := t.overMidnight(spec, times, rows, all[g].Name(set.Keys)); doubt != nil {
				set.Doubts = append(set.Doubts, doubt)
			}
		}
		if err := all[g].build(t, spec, rows, times, &cols); err != nil {
			return nil, err
		}
		set.Trajectories = append(set.Trajectories, &all[g])
	}
	return set, nil
}

// planned is a spec for a table in which nothing is measured, if it is one, and that there is such a table.
func (t *Table) planned(spec *Spec) (*Spec, []*Error) {
	if !spec.Planned || len(spec.Events) == 0 && len(spec.Inputs) == 0 {
		return spec, nil
	}
	var names []string
	for _, c := range spec.Observes {
		if _, err := t.column(c.Name); c.Name != "" && err == nil {
			return spec, nil
		} else if c.Name != "" {
			names = append(names, "`"+c.Name+"`")
		}
	}
	if len(names) == 0 {
		return spec, nil
	}
	s := *spec
	s.Observes = make([]Column, len(spec.Observes))
	return &s, []*Error{{
		File: t.Name, Text: "nothing is measured in this table: it has no column " + strings.Join(names, ", "),
		Help: "its doses and inputs are read all the same; a column with empty cells says so without this warning",
	}}
}

// build forms a trajectory of some rows. Where they follow each other in the table, its numbers
// stay where they are.
func (tr *Trajectory) build(t *Table, spec *Spec, rows *picked, times []float64, cols *columns) (err error) {
	inOrder := true
	for i := 1; i < rows.n; i++ {
		inOrder = inOrder && times[rows.at(i)] >= times[rows.at(i-1)]
	}
	if !inOrder {
		if rows.list == nil {
			rows.scatter()
		}
		slices.SortStableFunc(rows.list, func(a, b int32) int { return cmp.Compare(times[a], times[b]) })
	}
	tr.T0, tr.T1, tr.Inputs = times[rows.at(0)], times[rows.at(rows.n-1)], make([]Signal, len(spec.Inputs))
	if tr.Split, err = split(t, spec, rows); err != nil {
		return err
	}
	n := len(spec.Observes)
	tr.Given.of = make([]float64, 0, rows.n*len(spec.Inputs))
	if a, b := rows.from, rows.from+rows.n; rows.list == nil {
		tr.Times, tr.Obs.of = times[a:a:b], cols.obs[a*n:a*n:b*n]
	} else {
		tr.Times, tr.Obs.of = make([]float64, 0, rows.n), make([]float64, 0, rows.n*n)
	}
	for i := range rows.n {
		row := rows.at(i)
		if err := tr.add(Row{t, row}, spec, times[row], cols); err != nil {
			return err
		}
	}
	tr.order()
	tr.Start = math.NaN()
	if cols.starts != nil {
		start, err := constants(t, []Column{spec.Start}, [][]float64{cols.starts}, rows, "the start")
		if err != nil {
			return err
		}
		tr.Start = start[0]
	}
	tr.Covariates, err = constants(t, spec.Covariates, cols.covariates, rows, "a covariate")
	return err
}

// alone makes each row a group of its own, with its number in the table as a further key.
func (t *Table) alone(set *Set) []picked {
	name := "row"
	for slices.Contains(set.Keys, name) {
		name = "table " + name
	}
	set.Keys = append(slices.Clone(set.Keys), name)
	groups := make([]picked, t.Len())
	for i := range groups {
		groups[i].add(i)
	}
	return groups
}

// Begin says when the only row of a trajectory without times is.
func (t *Trajectory) Begin(start float64) {
	t.T0, t.T1 = start, start
	for i := range t.Times {
		t.Times[i] = start
	}
	for k := range t.Inputs {
		for i := range t.Inputs[k].T {
			t.Inputs[k].T[i] = start
		}
	}
	for i := range t.Firings {
		t.Firings[i].T += start // doses that follow are later
	}
}

// columns are the numbers of a table in the model's units; nil where a column
// is not in it.
type columns struct {
	obs         []float64 // row by row
	inputs      [][]float64
	covariates  [][]float64
	starts      []float64
	args, doses [][][]float64 // of each event
}

// inUnit returns a column in the model's unit.
func (t *Table) inUnit(c Column) ([]float64, error) {
	v := make([]float64, t.Len())
	to := target{c, v}
	if c.Where != nil {
		return v, t.chosen(to, 1)
	}
	return v, t.fill([]target{to}, 1)
}

// matrix returns columns in the model's units, row by row; those without a name are missing.
func (t *Table) matrix(list []Column) ([]float64, error) {
	n := len(list)
	out := make([]float64, n*t.Len())
	var plain []target
	for k, c := range list {
		to := target{c, out[min(k, len(out)):]}
		switch {
		case c.Name == "":
			for i := range t.Len() {
				to.to[i*n] = math.NaN()
			}
		case c.Where != nil:
			if err := t.chosen(to, n); err != nil {
				return nil, err
			}
		default:
			plain = append(plain, to)
		}
	}
	return out, t.fill(plain, n)
}

// scaled returns those of the columns that have a name.
func (t *Table) scaled(list []Column) (out [][]float64, err error) {
	out = make([][]float64, len(list))
	for i, c := range list {
		if c.Name != "" {
			if out[i], err = t.inUnit(c); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// groups collects the rows of each trajectory.
func (t *Table) groups(spec *Spec, times []float64) (groups []picked, err error) {
	columns := make([]int, len(spec.Keys))
	for i, k := range spec.Keys {
		if columns[i], err = t.column(k); err != nil {
			return nil, err
		}
	}
	of := map[string]int{}
	last := make([]string, len(columns))
	var key []byte
	g := 0
	for i := range times {
		if math.IsNaN(times[i]) {
			e := Row{t, i}.errorf("the time is missing")
			e.Column, e.Help = spec.Time.Name, "every row needs a time; remove the row if it has none"
			return nil, e
		}
		same := i > 0
		for c, k := range columns {
			cell := t.at(i, k)
			if cell == "" {
				e := Row{t, i}.errorf("the key is missing")
				e.Column, e.Help = spec.Keys[c], "every row says which trajectory it belongs to"
				return nil, e
			}
			same = same && cell == last[c]
			last[c] = cell
		}
		if !same { // mostly it is that of the row above
			key = key[:0]
			for _, cell := range last {
				key = append(append(key, cell...), 0)
			}
			var known bool
			if g, known = of[string(key)]; !known {
				g = len(groups)
				of[string(key)] = g
				groups = append(groups, picked{})
			}
		}
		groups[g].add(i)
	}
	return groups, nil
}

// add takes a row over.
func (tr *Trajectory) add(r Row, spec *Spec, time float64, cols *columns) error {
	n := len(spec.Observes)
	row := cols.obs[r.i*n : (r.i+1)*n]
	any := slices.ContainsFunc(row, func(v float64) bool { return !math.IsNaN(v) })
	above := len(tr.Times)
	given := tr.inputs(r, time, cols)
	if any || spec.Time.Name == "" {
		known, err := r.satisfies(spec.Given)
		if err != nil {
			return err
		}
		if spec.Given != nil {
			tr.Known = append(tr.Known, known)
		}
		tr.Times = append(tr.Times, time)
		tr.Obs.Append(row...)
		tr.Given.Append(given...)
		tr.Lines.Add(r.t.Line(r.i))
	}
	fired := len(tr.Firings)
	for k, e := range spec.Events {
		vals, lacking := make([]float64, len(e.Args)), ""
		for j, c := range cols.args[k] {
			if c == nil && e.Total.Name != "" {
				continue // from the amount and the duration
			}
			if c == nil {
				return fmt.Errorf("argument %d of event %d has no column", j, k)
			}
			if vals[j] = c[r.i]; math.IsNaN(vals[j]) && lacking == "" {
				lacking = e.Args[j].Name
			}
		}
		fires := lacking == ""
		if e.Where != nil {
			var err error
			if fires, err = e.Where(r); err != nil {
				return err
			}
		}
		if !fires {
			continue
		}
		if lacking != "" {
			e := r.errorf("the row fires an event and an argument of it is missing")
			e.Column, e.Help = lacking, "give the value, or exclude the row by `where`"
			return e
		}
		rec := record{&spec.Events[k].Doses, r, cols.doses[k]}
		list, err := rec.expand(Firing{time, k, vals, above, len(tr.Firings) > fired, any, append([]float64(nil), given...)})
		if err == nil {
			err = tr.precede(&rec, list)
		}
		if err != nil {
			return err
		}
		tr.Firings = append(tr.Firings, list...)
	}
	if !any && len(tr.Firings) == fired && spec.Time.Name != "" {
		tr.Lost += n
	}
	return nil
}

// inputs takes those of a row over, and returns those that are given at its time.
func (tr *Trajectory) inputs(r Row, time float64, cols *columns) (given []float64) {
	if len(cols.inputs) == 0 {
		return nil
	}
	given = make([]float64, len(cols.inputs))
	for k, c := range cols.inputs {
		in := &tr.Inputs[k]
		if c != nil && !math.IsNaN(c[r.i]) {
			in.T, in.V = append(in.T, time), append(in.V, c[r.i])
		}
		given[k] = math.NaN()
		if n := len(in.T); n > 0 && in.T[n-1] == time {
			given[k] = in.V[n-1]
		}
	}
	return given
}

// split decides what a trajectory is for; all its rows must agree.
func split(t *Table, spec *Spec, rows *picked) (Split, error) {
	var first Split
	if spec.Train == nil && spec.Validate == nil {
		return Train, nil
	}
	for n := range rows.n {
		r := Row{t, rows.at(n)}
		train, validate := spec.Train == nil, false
		var err error
		if spec.Train != nil {
			if train, err = spec.Train(r); err != nil {
				return 0, err
			}
		}
		if spec.Validate != nil {
			if validate, err = spec.Validate(r); err != nil {
				return 0, err
			}
		}
		s := Unused
		switch {
		case validate && train && spec.Train != nil:
			e := r.errorf("the row is both for training and for validation")
			e.Help = "the conditions `train` and `validate` exclude each other; without `train`, all the rest is for training"
			return 0, e
		case validate:
			s = Validate
		case train:
			s = Train
		}
		if n == 0 {
			first = s
		} else if s != first {
			e := r.errorf("rows of one trajectory fall on both sides of `train` and `validate`")
			e.Help = "split by the keys that make a trajectory"
			return 0, e
		}
	}
	return first, nil
}

// constants reads numbers of a trajectory that do not change in it.
func constants(t *Table, cols []Column, values [][]float64, rows *picked, what string) ([]float64, error) {
	out := make([]float64, len(cols))
	for k, c := range values {
		out[k] = math.NaN()
		if c == nil {
			continue
		}
		given := 0
		for j := range rows.n {
			i := rows.at(j)
			switch v := c[i]; {
			case math.IsNaN(v):
			case math.IsNaN(out[k]):
				out[k], given = v, i
			case v != out[k]:
				e := Row{t, i}.errorf("%s is one number in a trajectory; here it is `%s`, and `%s` in line %d", what, clipped(t.cell(i, cols[k].Name)), clipped(t.cell(given, cols[k].Name)), t.Line(given))
				e.Column, e.Help = cols[k].Name, "a number that changes in time is an `input`"
				return nil, e
			}
		}
		if math.IsNaN(out[k]) {
			e := Row{t, rows.at(0)}.errorf("%s is missing in the whole trajectory that starts here", what)
			e.Column, e.Help = cols[k].Name, "give it in one row of the trajectory at least; nothing is guessed"
			return nil, e
		}
	}
	return out, nil
}
