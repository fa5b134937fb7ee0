package compiler

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl/diag"
)

// Compile compiles the text of a model file, which is named name in messages. The error
// is a *diag.List with every mistake of the file and its place.
func Compile(name, text string) (*Program, error) {
	p, diags := CompileSource(diag.NewSource(name, text), nil)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Quantity is a variable of a model: its elements, row-major, stand from At on in the
// vector that it is part of.
type Quantity struct {
	Name  string
	Doc   string
	Unit  string // "1" for numbers
	Shape []int  // empty: one number
	At    int
	Start []float64 // of a parameter, its start value; nil where data decide
}

// Size is how many numbers it has.
func (q *Quantity) Size() int {
	n := 1
	for _, k := range q.Shape {
		n *= k
	}
	return n
}

func quantity(m *check.Model, o *check.Obj, at int) Quantity {
	q := Quantity{Name: o.Name, Doc: o.Doc, Unit: o.UnitName(m.Units), At: at}
	switch o.Shape.Rank {
	case 1:
		q.Shape = []int{o.Shape.N}
	case 2:
		q.Shape = []int{o.Shape.M, o.Shape.N}
	}
	return q
}

func quantities(m *check.Model, slots []lower.Slot) (list []Quantity) {
	at := 0
	for _, s := range slots {
		list = append(list, quantity(m, s.Object.Info(), at))
		at += s.N
	}
	return list
}

// States are the states of the model.
func (p *Program) States() []Quantity { return quantities(p.Checked.Model, p.Model.Layout.States) }

// Discretes are its discrete variables.
func (p *Program) Discretes() []Quantity {
	return quantities(p.Checked.Model, p.Model.Layout.Discretes)
}

// Inputs are the inputs that data drive.
func (p *Program) Inputs() []Quantity { return quantities(p.Checked.Model, p.Model.Layout.Inputs) }

// Parameters are the parameters, and behind them the tensors of weights of neural
// blocks: the vector params of RHS.
func (p *Program) Parameters() []Quantity {
	list := quantities(p.Checked.Model, p.Model.Layout.Params)
	at := 0
	for i, s := range p.Model.Layout.Params {
		prm := s.Object.(*check.Param)
		if v, ok := check.Evaluate(prm.Init, func(*check.Expr) ([]float64, bool) { return nil, false }); ok {
			for len(v) < s.N {
				v = append(v[:len(v):len(v)], v[0])
			}
			list[i].Start = v
		}
		at += s.N
	}
	for _, t := range p.Model.Layout.Weights {
		q := Quantity{Name: t.Name, Unit: "1", At: at}
		switch t.Shape.Rank {
		case 1:
			q.Shape = []int{t.Shape.N}
		case 2:
			q.Shape = []int{t.Shape.M, t.Shape.N}
		}
		list = append(list, q)
		at += t.Shape.Size()
	}
	return list
}

// Event is an event of a model.
type Event struct {
	Name    string
	Doc     string
	Trigger string   // "when", "at", "every", "on data", "on observation" or "with rate"
	Sets    []string // the states and discrete variables that it assigns or adds to
}

// Events are the events of the model.
func (p *Program) Events() (list []Event) {
	for _, e := range p.Checked.Model.Events {
		ev := Event{Name: e.Name, Doc: e.Doc, Trigger: e.Kind.String()}
		for _, a := range e.Assigns {
			ev.Sets = append(ev.Sets, a.Target.Info().Name)
		}
		list = append(list, ev)
	}
	return list
}
