package explain

import (
	"fmt"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/sim"
)

// RecordName is what a record of the event log is called: the event, or for a
// motion along a surface where it starts or ends, with the term that the surface
// belongs to.
func RecordName(p *compiler.Program, r *sim.Record) (name, surface string) {
	switch r.Kind {
	case sim.SlideStart:
		name = "slide"
	case sim.SlideEnd:
		name = "slide end"
	default:
		return p.Model.Events[r.Event].Checked.Name, ""
	}
	return name, p.Model.Guards[switchGuard(p, r.Switch)].Text
}

// ObservationNames are the names of the observations, component by component.
func ObservationNames(p *compiler.Program) []string {
	var out []string
	for _, s := range p.Model.Layout.Observes {
		for e := range s.N {
			out = append(out, lower.ElementName(s.Object.Info(), e))
		}
	}
	return out
}

// Predicted says which components of observations the model predicts.
func Predicted(p *compiler.Program) []bool {
	var out []bool
	for _, s := range p.Model.Layout.Observes {
		for range s.N {
			out = append(out, !s.Object.(*check.Observe).Unpredicted)
		}
	}
	return out
}

// PredictedNames are the names of those.
func PredictedNames(p *compiler.Program) (list []string) {
	is := Predicted(p)
	for i, name := range ObservationNames(p) {
		if is[i] {
			list = append(list, name)
		}
	}
	return list
}

// Labels say what axes show, with its unit: the time ("t"), observations,
// neural blocks, and the arguments of block f ("f(0)", "f(1)", …).
func Labels(p *compiler.Program) map[string]string {
	out := map[string]string{}
	label := func(key, name string, o *check.Obj) {
		if out[key] = name; !o.Unit.Dimensionless() {
			out[key] += " [" + o.UnitName(p.Checked.Model.Units) + "]"
		}
	}
	if t := p.Checked.Model.Time; t != nil {
		label("t", t.Name, &t.Obj)
	}
	for _, s := range p.Model.Layout.Observes {
		for e := range s.N {
			name := lower.ElementName(s.Object.Info(), e)
			label(name, name, s.Object.Info())
		}
	}
	for _, b := range p.Model.Blocks {
		n := b.Neural
		label(n.Name, n.Name, &n.Obj)
		k := 0
		for i := range n.Args {
			for e := range n.Args[i].Shape.Size() {
				label(fmt.Sprintf("%s(%d)", n.Name, k), lower.ElementName(&n.Args[i], e), &n.Args[i])
				k++
			}
		}
	}
	return out
}

// ConservedNames are the names of the conserved quantities.
func ConservedNames(p *compiler.Program) []string {
	var out []string
	for _, c := range p.Checked.Model.Conserves {
		out = append(out, c.Name)
	}
	return out
}

// Describe says in a line what the model is made of.
func Describe(p *compiler.Program) string {
	lm := p.Model
	cm := p.Checked.Model
	parts := ""
	add := func(n int, what string) {
		if n == 0 {
			return
		}
		if parts != "" {
			parts += " · "
		}
		if n > 1 {
			what += "s"
			if what == "conserved quantitys" {
				what = "conserved quantities"
			}
		}
		parts += fmt.Sprintf("%d %s", n, what)
	}
	add(lm.Layout.NUser, "state")
	np := 0
	for _, p := range cm.Params {
		np += p.Shape.Size()
	}
	add(np, "parameter")
	for _, b := range lm.Blocks {
		add(1, fmt.Sprintf("neural block (%s: %d weights)", b.Neural.Name, b.Net.NumWeights()))
	}
	add(len(cm.Events), "event")
	add(len(cm.Conserves), "conserved quantity")
	return parts
}

func unitText(m *check.Model, o *check.Obj) string {
	if o.Unit.Dimensionless() {
		return ""
	}
	return o.UnitName(m.Units)
}

// StateNames are the names of what Event.Before and After hold.
func StateNames(p *compiler.Program) []string {
	var out []string
	lay := &p.Model.Layout
	for _, list := range [][]lower.Slot{lay.States, lay.Discretes} {
		for _, s := range list {
			for e := range s.N {
				out = append(out, lower.ElementName(s.Object.Info(), e))
			}
		}
	}
	return out
}

// ColumnNames are the names and units of a simulation's columns.
func ColumnNames(p *compiler.Program) (names, units []string) {
	cm := p.Checked.Model
	lay := &p.Model.Layout
	names, units = []string{cm.Time.Name}, []string{unitText(cm, &cm.Time.Obj)}
	seen := map[string]bool{cm.Time.Name: true}
	var last *check.Obj // elements of one object follow each other
	unit := ""
	add := func(name string, o *check.Obj) {
		if o != last {
			last, unit = o, unitText(cm, o)
		}
		for seen[name] {
			name += "_obs" // an observation may have the name of a state
		}
		seen[name] = true
		names, units = append(names, name), append(units, unit)
	}
	for _, list := range [][]lower.Slot{lay.States, lay.Discretes} {
		for _, s := range list {
			for e := range s.N {
				add(lower.ElementName(s.Object.Info(), e), s.Object.Info())
			}
		}
	}
	for _, o := range lay.Outputs {
		add(o.Name, o.Object.Info())
	}
	return names, units
}

// UnitOf is the unit of an object, for people; empty for none.
func UnitOf(p *compiler.Program, o *check.Obj) string { return unitText(p.Checked.Model, o) }

// InferredUnits are the quantities whose unit was not declared, with it.
func InferredUnits(p *compiler.Program) (list []string) {
	m := p.Checked.Model
	for _, o := range m.Objects() {
		info := o.Info()
		if _, c := o.(*check.Conserve); c || !info.Inferred || info.Unit.Dimensionless() {
			continue
		}
		list = append(list, info.Name+": "+m.Units.Name(info.Unit))
	}
	return list
}
