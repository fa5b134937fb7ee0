package problem

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
)

// Problem is a model with the data that its file names.
type Problem struct {
	Prog    *compiler.Program
	Path    string            // of the model file, beside which data are looked for
	Files   map[string]string // of data blocks whose file is another one
	reading sync.Mutex
	Sets    []*data.Set
	begins  [][]float64 // the starts of their trajectories
	doubts  diag.List   // about them
	loaded  bool        // sets were read
}

// Of is the problem of another program of the same file.
func (m *Problem) Of(p *compiler.Program) *Problem {
	m.reading.Lock()
	defer m.reading.Unlock()
	return &Problem{Prog: p, Path: m.Path, Files: m.Files}
}

// Doubts are what reading the data found doubtful.
func (m *Problem) Doubts() *diag.List {
	m.reading.Lock()
	defer m.reading.Unlock()
	return &diag.List{All: slices.Clone(m.doubts.All)}
}

// File is the path of the table of a data block.
func (m *Problem) File(d *check.Data) string {
	if path, ok := m.Files[d.Name]; ok {
		return path
	}
	return m.Beside(d.Path)
}

// Beside is a path as it is found from the folder of the model file.
func (m *Problem) Beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(m.Path), path)
}

// Paths are the paths of all tables.
func (m *Problem) Paths() (list []string) {
	list = append(list, m.Prog.Checked.Files...) // of constants
	for _, d := range m.Prog.Checked.Data {
		list = append(list, m.File(d))
		for _, j := range d.Joins {
			list = append(list, m.Beside(j.Path))
		}
	}
	return list
}

// SetFile lets a data block read another table from now on.
func (m *Problem) SetFile(name, path string) error {
	var names []string
	for _, d := range m.Prog.Checked.Data {
		names = append(names, d.Name)
	}
	if !slices.Contains(names, name) {
		if len(names) == 0 {
			return fmt.Errorf("the file has no data block, and none is named `%s`", name)
		}
		return fmt.Errorf("there is no data block `%s`; there is %s", name, strings.Join(names, ", "))
	}
	m.reading.Lock()
	defer m.reading.Unlock()
	files := maps.Clone(m.Files)
	if files == nil {
		files = map[string]string{}
	}
	files[name] = path
	m.Files, m.loaded = files, false
	return nil
}

// load reads the tables of the data blocks.
func (m *Problem) load() error {
	m.reading.Lock()
	defer m.reading.Unlock()
	if m.loaded {
		return nil
	}
	var sets []*data.Set
	var begins [][]float64
	m.doubts = diag.List{}
	for _, d := range m.Prog.Checked.Data {
		t, err := data.ReadFile(m.File(d))
		if err != nil {
			return err
		}
		for _, j := range d.Joins {
			other, err := data.ReadFile(m.Beside(j.Path))
			if err != nil {
				return err
			}
			if t, err = t.Join(other, j.By); err != nil {
				return err
			}
		}
		spec := columnSpec(m.Prog, d)
		_, spec.Planned = m.Files[d.Name]
		set, err := data.Build(t, spec)
		if err != nil {
			return err
		}
		for _, doubt := range set.Doubts {
			m.doubts.Warnf("data", d.Span, "%s", doubt.Place()).WithHelp("%s", doubt.Help)
		}
		starts, err := m.starts(d, set, &m.doubts)
		if err != nil {
			return err
		}
		sets, begins = append(sets, set), append(begins, starts)
	}
	m.Sets, m.begins, m.loaded = sets, begins, true
	return nil
}

func column(c check.Column) data.Column {
	return data.Column{Name: c.Name, Factor: c.Factor, Offset: c.Offset, Where: rowCondition(c.Where)}
}

// columnSpec says what the columns of a data block mean, in the order of the
// model's layout.
func columnSpec(p *compiler.Program, d *check.Data) *data.Spec {
	lay := &p.Model.Layout
	s := &data.Spec{Time: column(d.Time), Second: p.Checked.Model.Second(), Observes: make([]data.Column, lay.NObs), Inputs: make([]data.Column, lay.NU)}
	for _, k := range d.Trajectory {
		s.Keys = append(s.Keys, k.Name)
	}
	if d.Time.Name == "" {
		s.Keys = keysOf(p)
	}
	offset := func(slots []lower.Slot, o check.Object) int {
		for _, x := range slots {
			if x.Object == o {
				return x.Off
			}
		}
		return -1
	}
	nc := 0
	covAt := map[check.Object]int{}
	for _, t := range lay.Trajectory {
		if t.Kind == lower.FromCovariate {
			covAt[t.Object] = nc
			nc += t.N
		}
	}
	covs := make([]data.Column, nc)
	for _, c := range d.Columns {
		col := column(c.Column)
		switch o := c.Target.(type) {
		case *check.Observe:
			s.Observes[offset(lay.Observes, o)+c.Component] = col
		case *check.Input:
			s.Inputs[offset(lay.Inputs, o)+c.Component] = col
		case *check.Covariate:
			covs[covAt[o]+c.Component] = col
		}
	}
	s.Covariates = covs
	for _, r := range d.Rows {
		e := data.EventSpec{}
		for _, a := range r.Args {
			e.Args = append(e.Args, column(a))
		}
		e.Doses = data.Doses{
			Additional: column(r.Additional), Interval: column(r.Interval), Duration: column(r.Duration), Total: column(r.Total),
			Steady: column(r.Steady), Cycles: column(r.Cycles),
		}
		e.Where = rowCondition(r.Where)
		s.Events = append(s.Events, e)
	}
	if d.From.Kind == check.StartColumn {
		s.Start = column(d.From.Column)
	}
	s.Where, s.Given = rowCondition(d.Where), rowCondition(d.Given)
	s.Train, s.Validate = rowCondition(d.Train), rowCondition(d.Validate)
	return s
}

// Trajectories binds the trajectories of a split; several sets follow each other.
func (m *Problem) Trajectories(split data.Split) ([]*Trajectory, error) {
	if err := m.load(); err != nil {
		return nil, err
	}
	var out []*Trajectory
	for i, set := range m.Sets {
		d := m.Prog.Checked.Data[i]
		for k, tr := range set.Trajectories {
			if tr.Split != split {
				continue
			}
			it, err := m.bindItem(d, set, tr.Since(m.begins[i][k]), m.begins[i][k])
			if err != nil {
				return nil, err
			}
			out = append(out, it)
		}
	}
	return out, nil
}

// keysOf are the keys of which the model has parameters or draws, for tables without times.
func keysOf(p *compiler.Program) (keys []string) {
	add := func(per []string) {
		for _, k := range per {
			if k != "trajectory" && k != "row" && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	for _, s := range p.Model.Layout.Params {
		add(s.Object.(*check.Param).Per)
	}
	for _, d := range p.Checked.Model.Draws {
		add(d.Per)
	}
	return keys
}

func ObserveOffset(p *compiler.Program, o check.Object) int {
	for _, s := range p.Model.Layout.Observes {
		if s.Object == o {
			return s.Off
		}
	}
	return -1
}

// Doubt notes once what is doubtful in the data or a run over them.
func (m *Problem) Doubt(code string, at diag.Span, format string, args ...any) {
	m.reading.Lock()
	defer m.reading.Unlock()
	var l diag.List
	d := l.Warnf(code, at, format, args...)
	if !slices.ContainsFunc(m.doubts.All, func(x *diag.Diagnostic) bool { return x.Error() == d.Error() }) {
		m.doubts.All = append(m.doubts.All, d)
	}
}
