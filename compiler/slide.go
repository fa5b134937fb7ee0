package compiler

import (
	"slices"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// Sliding: where the fields on both sides of a discontinuity push onto its
// surface, the solution stays there and moves by the convex combination of the
// two that keeps the guard at zero (A.F. Filippov, Differential Equations with
// Discontinuous Righthand Sides, 1988, §4). With guard rates r₁ above and r₀
// below the part of the upper field is α = r₀/(r₀ − r₁), and sliding ends where
// α leaves [0, 1]. On two surfaces at once the parts α and β solve two bilinear
// equations in the rates of both guards in the four corners. On more they add up: see addends.

// MaxSlides is along how many surfaces at once there are programs of the fields in their
// corners. Several is the number of surfaces that names those along more.
const (
	MaxSlides = 2
	Several   = MaxSlides + 1
)

// sliders build what moves and what acts along surfaces.
type sliders struct {
	motion
	several *addends // nil: along no more than MaxSlides surfaces at once
}

// slide is motion along some surfaces.
type slide struct {
	flow  *ir.Node // the derivative of Y
	exits *ir.Node // two of each surface, α and 1 − α: positive inside
	rate  *ir.Node // of exits, by time
}

// onInput are 1 at the modes of surface k in D and 0 elsewhere, atInput are so at
// its guard: inputs of what moves along surfaces.
func (p *sliders) onInput(k int) *ir.Node {
	return place.ModesOn(k).Node(p.Model.Builder, p.Model.In.D.Shape)
}

func (p *sliders) atInput(k int) *ir.Node {
	return place.GuardAt(k).Node(p.Model.Builder, ir.Vec(len(p.Model.Guards)))
}

// mostSurfaces is along how many surfaces at once there are corners.
func (p *sliders) mostSurfaces() int { return min(MaxSlides, p.surfaces) }

// corners are values in the fields around n surfaces: in each corner the modes are
// those below, and more by the bits of its number.
func (p *sliders) corners(n int, values ...*ir.Node) [][]*ir.Node {
	m, b := p.Model, p.Model.Builder
	list := make([][]*ir.Node, 1<<n)
	for c := range list {
		d := m.In.D
		for k := range n {
			below := b.Apply(ir.OpFloor, m.In.D)
			d = b.Select(p.onInput(k), b.Add(below, b.Const(float64(c>>k&1))), d)
		}
		list[c] = b.Substitute(values, map[*ir.Node]*ir.Node{m.In.D: d})
	}
	return list
}

// fields are the right-hand side and the rates of the guards of n surfaces in their
// corners.
func (p *sliders) fields(n int) [][]*ir.Node {
	m, b := p.Model, p.Model.Builder
	g := b.Slice(b.Concat(p.guards[:len(m.Guards)]...), 0, ir.Vec(len(m.Guards)))
	rates := p.rate(g)
	values := []*ir.Node{m.RHS}
	for k := range n {
		values = append(values, b.Dot(p.atInput(k), rates))
	}
	return p.corners(n, values...)
}

// slides builds motion along one surface, along two, and along several.
func (p *sliders) slides() []slide {
	b := p.Model.Builder
	var list []slide
	for n := 1; n <= p.mostSurfaces(); n++ {
		corners := p.fields(n)
		parts := p.parts(corners)
		s := slide{flow: p.integrals(n, p.blend(corners, 0, parts))}
		if p.flow != p.rates {
			s.flow = b.Mul(p.free(), s.flow)
		}
		s.exits = p.exits(parts)
		s.rate = p.rateAlong(s.flow, s.exits)
		list = append(list, s)
	}
	if p.several != nil {
		list = append(list, p.several.slide())
	}
	return list
}

// exits are the guards that say when a motion with these parts ends.
func (p *sliders) exits(parts []*ir.Node) *ir.Node {
	b := p.Model.Builder
	var list []*ir.Node
	for _, a := range parts {
		list = append(list, a, b.Sub(b.Const(1), a))
	}
	return b.Slice(b.Concat(list...), 0, ir.Vec(len(list)))
}

// mostTogether is the largest number of surfaces that the solution may slide along at once, and
// mostKinds how many kinds of such motion have programs of their own.
func (p *sliders) mostTogether() int {
	if p.several != nil {
		return len(p.several.guards)
	}
	return p.mostSurfaces()
}

func (p *sliders) mostKinds() int {
	if p.several != nil {
		return Several
	}
	return p.mostSurfaces()
}

// blend is the multilinear combination of value i of the corners.
func (p *sliders) blend(corners [][]*ir.Node, i int, parts []*ir.Node) *ir.Node {
	v := make([]*ir.Node, len(corners))
	for c := range v {
		v[c] = corners[c][i]
	}
	return p.mix(v, parts)
}

// mix combines the values in the corners, part by part, since most of a field has
// nothing to do with a surface.
func (p *sliders) mix(v, parts []*ir.Node) *ir.Node {
	b, first := p.Model.Builder, v[0]
	same, assembled := true, first.Op == ir.OpAssemble
	for _, n := range v {
		same = same && n == first
		assembled = assembled && n.Op == ir.OpAssemble && slices.Equal(n.Offs, first.Offs)
	}
	if same {
		return first
	}
	if assembled {
		args := make([]*ir.Node, len(first.Args))
		for k := range args {
			at := make([]*ir.Node, len(v))
			for c, n := range v {
				at[c] = n.Args[k]
			}
			args[k] = p.mix(at, parts)
		}
		return b.Assemble(first.Shape, first.Offs, args)
	}
	v = slices.Clone(v)
	for k := len(parts) - 1; k >= 0; k-- {
		half := len(v) / 2
		for c := range half {
			v[c] = b.Add(v[c], b.Mul(parts[k], b.Sub(v[c+half], v[c])))
		}
		v = v[:half]
	}
	return v[0]
}

// newtonSteps are those for the parts on two surfaces, from one half each. Where
// the two discontinuities are in different terms one is enough.
const newtonSteps = 6

// parts are those of the upper fields that keep all guards at zero.
func (p *sliders) parts(corners [][]*ir.Node) []*ir.Node {
	b := p.Model.Builder
	if len(corners) == 2 {
		r0, r1 := corners[0][1], corners[1][1]
		return []*ir.Node{b.Div(r0, b.Sub(r0, r1))}
	}
	x, y := b.Const(0.5), b.Const(0.5)
	for range newtonSteps {
		var f, fx, fy [2]*ir.Node
		for i := range 2 {
			at := func(x, y *ir.Node) *ir.Node { return p.blend(corners, i+1, []*ir.Node{x, y}) }
			zero, one := b.Const(0), b.Const(1)
			f[i] = at(x, y)
			fx[i], fy[i] = b.Sub(at(one, y), at(zero, y)), b.Sub(at(x, one), at(x, zero))
		}
		det := b.Sub(b.Mul(fx[0], fy[1]), b.Mul(fx[1], fy[0]))
		dx := b.Div(b.Sub(b.Mul(f[0], fy[1]), b.Mul(f[1], fy[0])), det)
		dy := b.Div(b.Sub(b.Mul(fx[0], f[1]), b.Mul(fx[1], f[0])), det)
		x, y = b.Sub(x, dx), b.Sub(y, dy)
	}
	return []*ir.Node{x, y}
}
