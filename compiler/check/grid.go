package check

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// Grid is a checked grid block, or what stands for one that is missing.
type Grid struct {
	Span   diag.Span
	Cells  []int  // of each coordinate of the model, by its Axis
	Scheme string // one of Schemes
	Order  int
}

// Schemes are the ways in which derivatives are taken on a grid.
var Schemes = []string{"central", "upwind", "weno5", "spectral"}

// defaultCells are those of each coordinate, by how many there are.
var defaultCells = [...]int{0, 100, 50, 20}

const (
	maxCells = 100_000 // along one axis
	maxNodes = 500_000 // of one field
)

// grid checks the grid block; nil for a model without fields.
func (e *settings) grid(d *dsl.SettingsDecl) *Grid {
	axes := e.m.Coordinates
	if len(e.m.Fields()) == 0 {
		if d != nil {
			e.errIdleGrid(d)
		}
		return nil
	}
	g := &Grid{Span: e.m.Span, Scheme: "central", Order: 2, Cells: make([]int, len(axes))}
	for i := range g.Cells {
		g.Cells[i] = defaultCells[min(len(axes), maxAxes)]
	}
	if d == nil {
		return g
	}
	g.Span = d.Keyword.Span()
	seen := map[string]*dsl.Option{}
	for _, o := range d.Options {
		if old := seen[o.Name.Name]; old != nil {
			e.errDuplicate(o.Name.Span(), o.Name.Name, old.Name.Span())
			continue
		}
		seen[o.Name.Name] = o
		e.gridOption(g, o)
	}
	if o := seen["order"]; o != nil && g.Scheme != "central" && g.Scheme != "upwind" {
		e.errGrid(o.Name.Span(), "the order of `"+g.Scheme+"` is its own", "leave out `order`")
	}
	if o := seen["order"]; o != nil && g.Scheme == "upwind" && g.Order > 2 {
		e.errGrid(o.Name.Span(), "`upwind` has the order 1 or 2", "`weno5` has a higher one, and `central` 2, 4 or 6")
	}
	if o := seen["order"]; o != nil && g.Scheme == "central" && g.Order == 1 {
		e.errGrid(o.Name.Span(), "`central` has the order 2, 4 or 6", "`upwind` has 1 or 2")
	}
	return g
}

func (e *settings) gridOption(g *Grid, o *dsl.Option) {
	key := o.Name.Name
	axis := slices.IndexFunc(e.m.Coordinates, func(c *Coordinate) bool { return c.Name == key })
	suffix := ""
	if axis >= 0 {
		suffix = "cells"
	}
	plain := *o.Value
	if plain.Suffix == suffix {
		plain.Suffix = ""
	}
	if !plainValue(&plain) {
		e.errOption(o.Value.Span(), key, "a value")
		return
	}
	switch {
	case axis >= 0:
		if n, ok := e.constInt(e.root(), o.Value.Expr); ok {
			if n < 4 || n > maxCells {
				e.errGrid(o.Value.Span(), fmt.Sprintf("`%s` cannot have %d cells", key, n), fmt.Sprintf("there are 4 to %d", maxCells))
				return
			}
			g.Cells[axis] = n
		}
	case key == "scheme":
		g.Scheme = e.word(o, "scheme", Schemes, g.Scheme)
	case key == "order":
		n, ok := e.constInt(e.root(), o.Value.Expr)
		if ok && !slices.Contains([]int{1, 2, 4, 6}, n) {
			e.errGrid(o.Value.Span(), fmt.Sprintf("there is no order %d", n), "orders are 2, 4 and 6, of `upwind` 1 and 2")
			return
		}
		if ok {
			g.Order = n
		}
	default:
		known := []string{"scheme", "order"}
		for _, c := range e.m.Coordinates {
			known = append(known, c.Name)
		}
		e.errUnknown("setting", o.Name.Span(), key, known)
	}
}

// CellsAs says what the values of an expression in cells are.
type CellsAs string

// The values of Cells, its Name.
const (
	CellsRate  CellsAs = "rate"  // mean values over cells; derivatives look to where the field comes from
	CellsMean  CellsAs = "mean"  // mean values over cells, from the values at their centres
	CellsStart CellsAs = "start" // mean values over cells, of what reads no field
	CellsPoint CellsAs = "point" // at the centres of cells
)

// Gridded is what a model on a grid has besides.
type Gridded struct {
	Grid    *Grid
	Vectors map[*State]*State // of each field, its values in cells as a vector
	Fields  map[*State]*State // the other way round
	Shown   map[*Let]*Let     // what is shown in cells, to the quantity at a point, or nil
	Over    map[Object][]*Coordinate
}

// Nodes is how many cells there are over coordinates.
func (g *Grid) Nodes(over []*Coordinate) int {
	n := 1
	for _, c := range over {
		n *= g.Cells[c.Axis]
	}
	return n
}

// OnGrid is the model with its fields on a grid: each is a vector of mean values over cells,
// component by component. What a grid needs and the model does not say is an error.
func (m *Model) OnGrid(g *Grid) (*Model, *diag.List) {
	o := &onGrid{Gridded: &Gridded{Grid: g, Vectors: map[*State]*State{}, Fields: map[*State]*State{}, Shown: map[*Let]*Let{}, Over: map[Object][]*Coordinate{}}, diags: &diag.List{}}
	out := *m
	out.Gridded = o.Gridded
	out.States = nil
	for _, s := range m.States {
		out.States = append(out.States, o.state(s))
	}
	for _, f := range m.Fields() {
		v := o.Vectors[f]
		if f.Init != nil {
			v.Init = o.cells(f.Init, f.Over, CellsStart, v.Shape)
		}
		if f.Deriv != nil {
			v.Deriv = o.cells(f.Deriv, f.Over, CellsRate, v.Shape)
		}
	}
	out.Constraints = nil
	for _, c := range m.Constraints {
		k := *c
		if over := CoordinatesOf(c.Value); len(over) > 0 {
			k.Value = o.cells(c.Value, over, CellsRate, vec(c.Value.Shape.Size()*g.Nodes(over)))
		}
		out.Constraints = append(out.Constraints, &k)
	}
	out.Events = nil
	events := map[*Event]*Event{}
	for _, v := range m.Events {
		k := *v
		k.Assigns, k.Rest = o.assigns(v.Assigns), o.assigns(v.Rest)
		events[v] = &k
		out.Events = append(out.Events, &k)
	}
	out.Conserves = nil
	for _, c := range m.Conserves {
		k := *c
		k.Across = nil
		for _, v := range c.Across {
			k.Across = append(k.Across, events[v])
		}
		out.Conserves = append(out.Conserves, &k)
	}
	out.Lets = nil
	for _, l := range m.Lets {
		out.Lets = append(out.Lets, o.shown(l.Obj, l.Value, l))
	}
	for _, s := range m.Observes {
		if s.Value.Kind == Place && !s.Unpredicted && len(CoordinatesOf(s.Value.Args[0])) > 0 && s.Value.Args[1].Kind == DataOf {
			l := o.shown(s.Obj, s.Value.Args[0], nil)
			out.Lets = append(out.Lets, l)
		}
	}
	return &out, o.diags
}

type onGrid struct {
	*Gridded
	diags *diag.List
}

// state is a state on the grid: itself, or the vector of a field.
func (o *onGrid) state(s *State) *State {
	if len(s.Over) == 0 {
		return s
	}
	nodes := o.Grid.Nodes(s.Over)
	if nodes > maxNodes {
		o.diags.Errorf(badGrid, o.Grid.Span, "`%s` would have %d cells; at most %d are taken", s.Name, nodes, maxNodes)
		nodes = 1
	}
	if s.Init == nil {
		o.diags.Errorf(missingInitial, s.Span, "the field `%s` has no initial value", s.Name).
			WithHelp("write `state %s = …`, an expression of its coordinates; a grid needs it", s.Name)
	}
	v := *s
	v.Over = nil
	v.Shape = vec(s.Shape.Size() * nodes)
	o.Vectors[s], o.Fields[&v] = &v, s
	o.Over[&v] = s.Over
	return &v
}

func (o *onGrid) cells(x *Expr, over []*Coordinate, as CellsAs, shape Shape) *Expr {
	return &Expr{Kind: Cells, Name: string(as), Args: []*Expr{x}, Over: over, Shape: shape, Unit: x.Unit, Span: x.Span}
}

// assigns are those of an event, fields in their cells.
func (o *onGrid) assigns(list []*Assign) (out []*Assign) {
	for _, a := range list {
		s, ok := a.Target.(*State)
		if !ok || len(s.Over) == 0 {
			out = append(out, a)
			continue
		}
		k, n := *a, o.Grid.Nodes(s.Over)
		k.Target, k.Offset = o.Vectors[s], a.Offset*n
		k.Value = o.cells(a.Value, s.Over, CellsMean, vec(a.Value.Shape.Size()*n))
		out = append(out, &k)
	}
	return out
}

// shown is a quantity as it is written: at the centres of cells, if it varies over
// coordinates.
func (o *onGrid) shown(at Obj, x *Expr, l *Let) *Let {
	over := CoordinatesOf(x)
	if len(over) == 0 && l != nil {
		return l
	}
	out := &Let{Obj: at}
	out.Shape = vec(at.Shape.Size() * o.Grid.Nodes(over))
	out.Value = o.cells(x, over, CellsPoint, out.Shape)
	o.Shown[out], o.Over[out] = l, over
	return out
}

func (e *settings) errIdleGrid(d *dsl.SettingsDecl) {
	e.diags.Errorf(badGrid, d.Keyword.Span(), "the model has no field, so there is nothing to put on a grid").
		WithHelp("a field is a state over coordinates: `coordinate x in [0, 1]`, `state u(x) = 0`")
}

func (e *settings) errGrid(at diag.Span, what, help string) {
	e.diags.Errorf(badGrid, at, "%s", what).WithHelp("%s", help)
}
