package lower

import (
	"maps"

	"github.com/pinode/pinode/compiler/check"
)

// highest are the orders of the highest derivatives of fields along their axes.
func (g *grid) highest() map[axisKey]int {
	s := orderScan{out: map[axisKey]int{}, locals: map[*check.Local]*check.Expr{}}
	for _, f := range g.m0fields() {
		s.visit(f.Deriv, nil)
	}
	for _, c := range g.m.Constraints {
		s.visit(c.Value, nil)
	}
	return s.out
}

type orderScan struct {
	out    map[axisKey]int
	locals map[*check.Local]*check.Expr
}

// visit notes the derivatives in an expression that is differentiated by coordinates as often as
// depth says.
func (s *orderScan) visit(x *check.Expr, depth map[*check.Coordinate]int) {
	if x == nil {
		return
	}
	switch x.Kind {
	case check.Diff:
		if c, ok := x.Args[1].Object.(*check.Coordinate); ok {
			inner := maps.Clone(depth)
			if inner == nil {
				inner = map[*check.Coordinate]int{}
			}
			inner[c]++
			s.visit(x.Args[0], inner)
			return
		}
	case check.Integral, check.Place:
		s.visit(x.Args[0], nil) // the whole of it, or a place
		return
	case check.Apply:
		for i, l := range x.Locals {
			s.locals[l] = x.Args[i]
		}
		s.visit(x.Body, depth)
		return
	case check.Ref:
		switch o := x.Object.(type) {
		case *check.State:
			for _, c := range o.Over {
				k := axisKey{o, c}
				s.out[k] = max(s.out[k], depth[c])
			}
		case *check.Let:
			s.visit(o.Value, depth)
		case *check.Local:
			s.visit(s.locals[o], depth)
		}
		return
	}
	for i, a := range x.Args {
		if i == 0 || a != x.Args[i-1] {
			s.visit(a, depth)
		}
	}
}
