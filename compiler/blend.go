package compiler

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// What reads a discontinuity along whose surface the solution slides reads the
// combination of its values on both sides, with the parts that the fields have in
// the motion. These are functions of time, state and parameters, so that
// derivatives go through them like through anything else.

// reader is a value that reads blends: a program of a name with an output. derived:
// it has derivatives.
type reader struct {
	name, output string
	derived      bool
	nodes        []*ir.Node
}

// read notes which values read blends, and lets what the model has read those of a
// solution that does not slide.
func (p *Program) read() {
	m := p.Model
	if len(m.Blends) == 0 {
		return
	}
	add := func(name, output string, derived bool, nodes ...*ir.Node) {
		if now, before := p.reads(nodes[0]); now || before {
			p.readers = append(p.readers, reader{name, output, derived, nodes})
		}
	}
	if m.Row != nil {
		add("row", "loss", true, m.Row, m.Terms)
	}
	add("obs", "pred", false, m.Pred)
	add("outputs", "v", false, m.Outputs)
	for _, e := range m.Events {
		add("jump."+e.Checked.Name, "v", true, e.Blended.Jump)
		add("rest."+e.Checked.Name, "v", true, e.Blended.Rest)
		add("delay."+e.Checked.Name, "v", true, e.Blended.Delay)
	}
	by := p.blends(0, 0)
	for _, n := range []**ir.Node{&m.Row, &m.Terms, &m.Pred, &m.Outputs} {
		*n = m.Builder.Substitute([]*ir.Node{*n}, by)[0]
	}
	for i := range m.Noise {
		n := &m.Noise[i].Node
		*n = m.Builder.Substitute([]*ir.Node{*n}, by)[0]
	}
}

// reads reports whether a value reads blends, and those of before the instant.
func (p *Program) reads(n *ir.Node) (now, before bool) {
	if n == nil {
		return false, false
	}
	nodes := ir.Reach(n)
	for i := range p.Model.Blends {
		x := &p.Model.Blends[i]
		if !slices.Contains(nodes, x.In) {
			continue
		}
		inNow, inBefore := p.reads(x.Node)
		now, before = now || inNow || !x.Before, before || inBefore || x.Before
	}
	return now, before
}

// sliding visits what the readers read along surfaces.
func (p *Program) sliding(visit func(r *reader, name string, values []*ir.Node)) {
	most := p.mostSurfaces()
	for n := 0; n <= most; n++ {
		for nb := 0; nb <= most; nb++ {
			var by map[*ir.Node]*ir.Node
			for i := range p.readers {
				r := &p.readers[i]
				now, before := p.reads(r.nodes[0])
				if n == 0 && nb == 0 || n > 0 && !now || nb > 0 && !before {
					continue
				}
				if by == nil {
					by = p.blends(n, nb)
				}
				visit(r, r.name+Along(n, nb), p.Model.Builder.Substitute(r.nodes, by))
			}
		}
	}
}

// Along is what the names of programs end on that are for a solution that slides
// along n surfaces, and did along nb before the instant.
func Along(n, nb int) string {
	switch {
	case n == 0 && nb == 0:
		return ""
	case nb == 0:
		return fmt.Sprintf("@%d", n)
	case n == 0:
		return fmt.Sprintf("@b%d", nb)
	}
	return fmt.Sprintf("@%db%d", n, nb)
}

// blends are the blends along n surfaces, and nb before the instant, by their
// inputs. What is of before the instant reads onb1, atb1, … in the place of on1, at1, ….
func (p *Program) blends(n, nb int) map[*ir.Node]*ir.Node {
	m, b := p.Model, p.Model.Builder
	was := map[*ir.Node]*ir.Node{}
	for k := range nb {
		on, at := p.onInput(k), p.atInput(k)
		was[on], was[at] = b.Input(fmt.Sprintf("onb%d", k+1), on.Shape, true), b.Input(fmt.Sprintf("atb%d", k+1), at.Shape, true)
	}
	for _, in := range [][2]*ir.Node{{m.In.Y, m.In.YB}, {m.In.D, m.In.DB}} {
		if in[0] != nil {
			was[in[0]] = in[1]
		}
	}
	by := map[*ir.Node]*ir.Node{}
	for i := range m.Blends {
		x := &m.Blends[i]
		along, v := n, x.Node
		if x.Before {
			along = nb
		}
		if along > 0 {
			v = p.blend(p.corners(along, v), 0, p.parts(p.fields(along)))
		}
		if x.Before {
			v = b.Substitute([]*ir.Node{v}, was)[0]
		}
		by[x.In] = b.Substitute([]*ir.Node{v}, by)[0]
	}
	return by
}
