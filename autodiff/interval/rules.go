package interval

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
)

// rule bounds a node of which some argument moves.
type rule func(m *maker, n *ir.Node, a []Bounds) Bounds

var rules [ir.NumOps]rule

func init() {
	rules = [ir.NumOps]rule{
		ir.OpNeg: func(m *maker, n *ir.Node, a []Bounds) Bounds { return Bounds{m.Neg(a[0].Hi), m.Neg(a[0].Lo)} },
		ir.OpAbs: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.size(a[0]) },

		ir.OpSign: step, ir.OpFloor: step, ir.OpCeil: step,
		ir.OpExp: rising, ir.OpExpm1: rising, ir.OpAtan: rising, ir.OpSinh: rising, ir.OpTanh: rising, ir.OpAsinh: rising,
		ir.OpErf: rising, ir.OpLogPhi: rising, ir.OpSigmoid: rising, ir.OpSoftplus: rising,
		ir.OpSqrt: risingIn(0, math.Inf(1)), ir.OpLog: risingIn(0, math.Inf(1)), ir.OpLog1p: risingIn(-1, math.Inf(1)),
		ir.OpAsin: risingIn(-1, 1), ir.OpAcosh: risingIn(1, math.Inf(1)), ir.OpAtanh: risingIn(-1, 1),
		ir.OpAcos: func(m *maker, n *ir.Node, a []Bounds) Bounds { // falls
			return risingIn(-1, 1)(m, n, []Bounds{{a[0].Hi, a[0].Lo}})
		},
		ir.OpCosh: func(m *maker, n *ir.Node, a []Bounds) Bounds { return rising(m, n, []Bounds{m.size(a[0])}) },

		ir.OpSin: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.wave(n, a[0], math.Pi/2) },
		ir.OpCos: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.wave(n, a[0], 0) },
		ir.OpTan: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			return m.or(m.meets(a[0], math.Pi/2, math.Pi), rising(m, n, a))
		},

		ir.OpGamma:     func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.bowl(n, a[0], 0.885603194410888) },
		ir.OpLgamma:    func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.bowl(n, a[0], -0.121486290535850) },
		ir.OpPolygamma: polygamma,

		ir.OpAdd: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.add(a[0], a[1]) },
		ir.OpSub: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.sub(a[0], a[1]) },
		ir.OpMul: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.mul(a[0], a[1]) },
		ir.OpDiv: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.div(a[0], a[1]) },
		ir.OpFma: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.add(m.mul(a[0], a[1]), a[2]) },
		ir.OpPow: power,
		ir.OpMin: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			return Bounds{m.min(a[0].Lo, a[1].Lo), m.min(a[0].Hi, a[1].Hi)}
		},
		ir.OpMax: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			return Bounds{m.max(a[0].Lo, a[1].Lo), m.max(a[0].Hi, a[1].Hi)}
		},
		ir.OpAtan2: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			// The angle of a box without the origin is extreme at its corners.
			x := m.corners(func(y, x *ir.Node) *ir.Node { return m.Apply(ir.OpAtan2, y, x) }, a[0], a[1])
			cut, x := m.cut(a), m.wide(x.Lo, x.Hi, ulps)
			return Bounds{m.Select(cut, m.Const(-4), x.Lo), m.Select(cut, m.Const(4), x.Hi)}
		},

		ir.OpLt: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			return Bounds{m.Lt(a[0].Hi, a[1].Lo), m.not(m.Le(a[1].Hi, a[0].Lo))}
		},
		ir.OpLe: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			return Bounds{m.Le(a[0].Hi, a[1].Lo), m.not(m.Lt(a[1].Hi, a[0].Lo))}
		},
		ir.OpEq: func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.equal(a[0], a[1]) },
		ir.OpNe: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			x := m.equal(a[0], a[1])
			return Bounds{m.not(x.Hi), m.not(x.Lo)}
		},
		ir.OpSelect: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			c, x, y := a[0], a[1], a[2]
			always := m.max(m.Lt(m.zero, c.Lo), m.Lt(c.Hi, m.zero))
			never := m.and(m.Apply(ir.OpEq, c.Lo, m.zero), m.Apply(ir.OpEq, c.Hi, m.zero))
			return Bounds{
				m.Select(always, x.Lo, m.Select(never, y.Lo, m.min(x.Lo, y.Lo))),
				m.Select(always, x.Hi, m.Select(never, y.Hi, m.max(x.Hi, y.Hi))),
			}
		},

		ir.OpFill: each, ir.OpSlice: each, ir.OpTranspose: each,
		ir.OpAssemble: assemble,
		ir.OpSum:      func(m *maker, n *ir.Node, a []Bounds) Bounds { return m.sum(a[0], n.Args[0].Shape.Size()) },
		ir.OpDot: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			return m.sum(m.mul(a[0], a[1]), n.Args[0].Shape.Size())
		},
		ir.OpNorm: func(m *maker, n *ir.Node, a []Bounds) Bounds {
			x := m.size(a[0])
			return m.wide(m.Norm(x.Lo), m.Norm(x.Hi), float64(n.Args[0].Shape.Size()+4))
		},
		ir.OpMatVec: bilinear, ir.OpTMatVec: bilinear, ir.OpMatMul: bilinear, ir.OpOuter: bilinear,
		ir.OpDense:  dense,
		ir.OpFactor: unknown, // nothing reads bounds of factors
		ir.OpSolve:  solution,
		ir.OpDet:    unknown,
	}
}

// step is the rule of monotone functions that are exact.
func step(m *maker, n *ir.Node, a []Bounds) Bounds {
	return Bounds{m.Apply(n.Op, a[0].Lo), m.Apply(n.Op, a[0].Hi)}
}

// rising is that of increasing functions.
func rising(m *maker, n *ir.Node, a []Bounds) Bounds {
	return m.wide(m.Apply(n.Op, a[0].Lo), m.Apply(n.Op, a[0].Hi), ulps)
}

// risingIn is that of increasing functions that are defined from lo to hi.
func risingIn(lo, hi float64) rule {
	return func(m *maker, n *ir.Node, a []Bounds) Bounds {
		least, most := m.Const(lo), m.Const(hi)
		clip := func(x *ir.Node) *ir.Node { return m.min(m.max(x, least), most) }
		out := m.max(m.Lt(m.max(a[0].Lo, a[0].Hi), least), m.Lt(most, m.min(a[0].Lo, a[0].Hi)))
		return m.or(out, rising(m, n, []Bounds{{clip(a[0].Lo), clip(a[0].Hi)}}))
	}
}

// meets is 1 where x may hold at + k·period for a whole k.
func (m *maker) meets(x Bounds, at, period float64) *ir.Node {
	turns := func(v *ir.Node) *ir.Node { return m.Mul(m.Sub(v, m.Const(at)), m.Const(1/period)) }
	lo, hi := turns(x.Lo), turns(x.Hi)
	slack := m.Mul(m.Const(8*double), m.Add(m.one, m.Add(m.abs(lo), m.abs(hi))))
	return m.Le(m.Apply(ir.OpCeil, m.Sub(lo, slack)), m.Apply(ir.OpFloor, m.Add(hi, slack)))
}

// wave bounds sine and cosine, which are 1 at top and repeat.
func (m *maker) wave(n *ir.Node, x Bounds, top float64) Bounds {
	p, q := m.Apply(n.Op, x.Lo), m.Apply(n.Op, x.Hi)
	ends := m.wide(m.min(p, q), m.max(p, q), ulps)
	return Bounds{
		m.Select(m.meets(x, top+math.Pi, 2*math.Pi), m.Const(-1), ends.Lo),
		m.Select(m.meets(x, top, 2*math.Pi), m.one, ends.Hi),
	}
}

// bowl bounds Γ and log Γ for positive arguments, where they are convex and least
// at 1.4616…. The errors of both are relative to what is added up in them.
func (m *maker) bowl(n *ir.Node, x Bounds, least float64) Bounds {
	p, q := m.Apply(n.Op, x.Lo), m.Apply(n.Op, x.Hi)
	pad := m.Mul(m.Const(64*m.eps), m.Add(m.one, m.max(m.abs(p), m.abs(q))))
	low := m.Select(m.and(m.Le(x.Lo, m.Const(1.4617)), m.Le(m.Const(1.4616), x.Hi)), m.Const(least), m.min(p, q))
	return m.or(m.Le(x.Lo, m.zero), Bounds{m.Sub(low, pad), m.Add(m.max(p, q), pad)})
}

// polygamma bounds ψ⁽ᵏ⁾ for positive arguments, where it is monotone.
func polygamma(m *maker, n *ir.Node, a []Bounds) Bounds {
	p, q := m.Polygamma(n.Off, a[0].Lo), m.Polygamma(n.Off, a[0].Hi)
	pad := m.Mul(m.Const(64*m.eps), m.Add(m.one, m.max(m.abs(p), m.abs(q))))
	return m.or(m.Le(a[0].Lo, m.zero), Bounds{m.Sub(m.min(p, q), pad), m.Add(m.max(p, q), pad)})
}

// power bounds xʸ.
func power(m *maker, n *ir.Node, a []Bounds) Bounds {
	x, y := a[0], a[1]
	pow := func(x, y *ir.Node) *ir.Node { return m.Pow(x, y) }
	e, known := y.Lo.Const()
	known = known && y.point()
	if known && e == math.Trunc(e) {
		even := math.Mod(e, 2) == 0
		if even {
			x = m.size(x)
		}
		p := m.corners(pow, x, y)
		p = m.wide(p.Lo, p.Hi, ulps)
		if e < 0 && !even { // a pole where the sign changes
			return m.or(m.holds(x, m.zero), p)
		}
		return p
	}
	// For x ≥ 0 it is monotone in each argument. Below zero it is defined for
	// whole exponents alone, which a number that is not whole cannot meet.
	out := m.Lt(x.Hi, m.zero)
	if !known {
		out = m.Lt(x.Lo, m.zero)
	}
	x = Bounds{m.max(x.Lo, m.zero), m.max(x.Hi, m.zero)}
	p := m.corners(pow, x, y)
	return m.or(out, m.wide(p.Lo, p.Hi, ulps))
}

// equal bounds x = y.
func (m *maker) equal(x, y Bounds) Bounds {
	same := m.and(m.and(m.Le(x.Hi, y.Lo), m.Le(y.Hi, x.Lo)), m.and(m.Le(x.Lo, x.Hi), m.Le(y.Lo, y.Hi)))
	return Bounds{same, m.not(m.max(m.Lt(x.Hi, y.Lo), m.Lt(y.Hi, x.Lo)))}
}

// cut is 1 where the box of atan2's arguments y and x may meet its branch cut, the
// ray of x ≤ 0 at y = 0.
func (m *maker) cut(a []Bounds) *ir.Node {
	return m.and(m.Le(a[1].Lo, m.zero), m.holds(a[0], m.zero))
}
