package pinode

import (
	"fmt"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
)

// observationNames are the names of the observations, component by component.
func observationNames(p *compiler.Program) []string {
	var out []string
	for _, s := range p.Model.Layout.Observes {
		for e := range s.N {
			out = append(out, lower.ElementName(s.Object.Info(), e))
		}
	}
	return out
}

// labels say what axes show, with its unit: the time ("t"), observations,
// neural blocks, and the arguments of block f ("f(0)", "f(1)", …).
func labels(p *compiler.Program) map[string]string {
	out := map[string]string{}
	label := func(key, name string, o *check.Obj) {
		if out[key] = name; !o.Unit.Dimensionless() {
			out[key] += " [" + p.Checked.Model.Units.Name(o.Unit) + "]"
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

// conservedNames are the names of the conserved quantities.
func conservedNames(p *compiler.Program) []string {
	var out []string
	for _, c := range p.Checked.Model.Conserves {
		out = append(out, c.Name)
	}
	return out
}

// describe says in a line what the model is made of.
func describe(p *compiler.Program) string {
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
