package check

import (
	"fmt"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// The options of a neural block that speak of its weights.
const (
	frozenOption = "frozen"
	priorOption  = "prior"
)

// Weights is a part of the weights of a neural block as a model names it: an array,
// `0.weight`, or a layer with all of its arrays, `0`; empty: all weights. The arrays
// themselves are known when the block is laid out.
type Weights struct {
	Name string
	Span diag.Span
}

// How closely a part names an array of weights.
const (
	notNamed = iota
	byBlock
	byLayer
	byArray
)

// names is how closely the part names an array.
func (w Weights) names(array string) int {
	layer, _, _ := strings.Cut(array, ".")
	switch {
	case w.Name == "":
		return byBlock
	case w.Name == array:
		return byArray
	case w.Name == layer && strings.Trim(layer, "0123456789") == "":
		return byLayer
	}
	return notNamed
}

// Names reports whether the part has an array in it.
func (w Weights) Names(array string) bool { return w.names(array) != notNamed }

// WeightPrior is the prior of each weight of a part of a neural block.
type WeightPrior struct {
	Weights
	Dist *Dist
}

// PriorOf is the prior of an array of weights, that which names it most closely; nil: none.
func (n *Neural) PriorOf(array string) *Dist {
	var out *Dist
	best := notNamed
	for _, p := range n.Priors {
		if how := p.names(array); how > best {
			out, best = p.Dist, how
		}
	}
	return out
}

// FrozenAt reports whether an array of weights is kept as it is.
func (n *Neural) FrozenAt(array string) bool {
	for _, w := range n.Frozen {
		if w.Names(array) {
			return true
		}
	}
	return false
}

// frozen reads which weights are kept as they are.
func (e *neurals) frozen(n *Neural, o *dsl.Option) []Weights {
	if b, ok := o.Value.Expr.(*dsl.BoolLit); ok {
		if !b.Value {
			return nil
		}
		return []Weights{{Span: o.Value.Span()}}
	}
	elems := []dsl.Expr{o.Value.Expr}
	if a, ok := o.Value.Expr.(*dsl.Array); ok {
		elems = a.Elems
	}
	var list []Weights
	for _, x := range elems {
		w := Weights{Span: x.Span()}
		switch x := x.(type) {
		case *dsl.Name:
			w.Name = x.Name
		case *dsl.NumberLit:
			w.Name = x.Text
		default:
			e.errOption(x.Span(), o.Name.Name, "true, false, or a list of layers and arrays of weights, like [0, 1.bias]")
			return nil
		}
		for _, old := range list {
			if old.Name == w.Name {
				e.errDuplicate(w.Span, w.Name, old.Span)
			}
		}
		list = append(list, w)
	}
	return list
}

// weightPriors reads the priors of weights: one for the block, and others for layers and
// arrays.
func (e *neurals) weightPriors(s *scope, n *Neural, o *dsl.Option) []WeightPrior {
	v := o.Value
	if v.Expr == nil && v.Block == nil || v.Suffix != "" || v.Then != nil || len(v.Clauses) > 0 {
		e.errWeightPrior(v.Span())
		return nil
	}
	var list []WeightPrior
	add := func(w Weights, x dsl.Expr) {
		if d := e.weightPrior(s, n, w, x); d != nil {
			list = append(list, WeightPrior{w, d})
		}
	}
	if v.Expr != nil {
		add(Weights{Span: v.Expr.Span()}, v.Expr)
	}
	seen := map[string]*dsl.Option{}
	for _, part := range v.Block {
		name := part.Name.Name
		if old := seen[name]; old != nil {
			e.errDuplicate(part.Name.Span(), name, old.Name.Span())
			continue
		}
		seen[name] = part
		if !plainValue(part.Value) {
			e.errWeightPrior(part.Value.Span())
			continue
		}
		add(Weights{name, part.Name.Span()}, part.Value.Expr)
	}
	return list
}

// weightPrior reads one prior of weights, which are any numbers; nil after an error.
func (e *neurals) weightPrior(s *scope, n *Neural, w Weights, x dsl.Expr) *Dist {
	c, ok := x.(*dsl.Call)
	if !ok {
		e.errWeightPrior(x.Span())
		return nil
	}
	of := Obj{Name: fmt.Sprintf("a weight of %s", n.Name), Unit: units.One, Span: w.Span}
	d := e.settings.dists.dist(s, c, &of, asPrior)
	if d == nil {
		return nil
	}
	for _, a := range d.Args {
		if !e.only(a, "a prior of weights", readsParam) {
			return nil
		}
	}
	if !contains(ofAnyNumber, d.Name) {
		e.errWeightSupport(c, n)
		return nil
	}
	return d
}
