package check

import (
	"math"
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// Guarantees lists the options of a neural block that its arguments, its arrays of weights
// or the model give a meaning to; the others are those of Env.Neural.
var Guarantees = setting.Table{
	{Key: "odd", Kind: setting.Bool, Default: "false", Doc: "f(-x) = -f(x) by construction"},
	{Key: "even", Kind: setting.Bool, Default: "false", Doc: "f(-x) = f(x) by construction"},
	{Key: "positive", Kind: setting.Bool, Default: "false", Doc: "the result is positive by construction; with `zero_at`, of one argument, above that"},
	{Key: "convex", Kind: setting.Bool, Default: "false", Doc: "the result is convex in all arguments together, by construction; the activation is then `softplus` unless another is given"},
	{Key: "skew", Kind: setting.Bool, Default: "false", Doc: "the result is a matrix M with M^T = -M by construction"},
	{Key: "psd", Kind: setting.Bool, Default: "false", Doc: "the result is a symmetric matrix without negative eigenvalues by construction"},
	{Key: "divergence_free", Kind: setting.Bool, Default: "false", Doc: "the result is a vector whose divergence by the first argument, of as many elements, is zero by construction"},
	{Key: "monotone", Kind: setting.Word, Doc: "`increasing` or `decreasing` in every argument, or 1, 0, -1 for each element of the arguments"},
	{Key: "zero_at", Kind: setting.List, Doc: "a point at which the result is zero by construction: one number for all arguments, or one value for each"},
	{Key: "input_scale", Kind: setting.List, Doc: "characteristic magnitude of the arguments: one for all, or one for each; otherwise from data"},
	{Key: "output_scale", Kind: setting.List, Doc: "characteristic magnitude of the result; otherwise from data"},
	{Key: frozenOption, Kind: setting.Words, Doc: "weights that are kept as they are: `true` for all, or a list of layers and arrays, `[0, 1.bias]`"},
	{Key: priorOption, Kind: setting.Word, Doc: "prior of the weights: `normal laplace student cauchy`, as in `normal(0, 1)`, with others for layers or arrays behind it, `normal(0, 1) { 0: normal(0, 3), 1.bias: laplace(0, 1) }`, or for these alone, `{ 0.weight: normal(0, 1) }`"},
}

// neurals elaborates neural blocks.
type neurals struct {
	*objects
	settings *settings
	env      *Env
}

func (e *neurals) resolveNeural(x *entity) {
	d := x.decl.(*dsl.NeuralDecl)
	n := &Neural{Options: setting.New(e.env.Neural)}
	if !e.object(&n.Obj, x, d.Doc, d.Result, nil) {
		return
	}
	seen := map[string]dsl.Ident{}
	for _, a := range d.Args {
		if old, ok := seen[a.Name.Name]; ok {
			e.errDuplicate(a.Name.Span(), a.Name.Name, old.Span())
		}
		seen[a.Name.Name] = a.Name
		o := Obj{Name: a.Name.Name, Span: a.Name.Span()}
		e.declareUnit(&o, a.Type.Unit)
		shape, ok := e.arrays.shape(x.scope, a.Type.Dims)
		if !ok {
			return
		}
		o.Shape = shape
		n.Args = append(n.Args, o)
	}
	if len(n.Args) == 0 {
		e.errNoArguments(n)
		return
	}
	for i := range n.Args {
		e.unnamed = append(e.unnamed, &n.Args[i])
	}
	x.obj = n
	e.later = append(e.later, func() { e.neuralOptions(x.scope, n, d) })
}

// neuralOptions reads the options of a neural block.
func (e *neurals) neuralOptions(s *scope, n *Neural, d *dsl.NeuralDecl) {
	seen := map[string]*dsl.Option{}
	for _, o := range d.Options {
		old := seen[o.Name.Name]
		seen[o.Name.Name] = o
		switch {
		case old != nil:
			e.errDuplicate(o.Name.Span(), o.Name.Name, old.Name.Span())
		case Guarantees.Find(o.Name.Name) != nil:
			if o.Name.Name != priorOption && !plainValue(o.Value) {
				e.errOption(o.Value.Span(), o.Name.Name, "a value")
				continue
			}
			e.guarantee(s, n, o)
		case e.env.Neural.Find(o.Name.Name) == nil:
			e.errUnknown("option", o.Name.Span(), o.Name.Name, append(e.env.Neural.Keys(), Guarantees.Keys()...))
		default:
			e.settings.setting(s, n.Options, e.env.Neural, o)
		}
	}
	with := func(a, b string, both bool) {
		if both {
			e.errContradiction(n, seen[a], seen[b])
		}
	}
	with("odd", "even", n.Odd && n.Even)
	with("odd", "positive", n.Odd && n.Positive)
	// Of one argument a positive block may vanish where that begins.
	if one := len(n.Args) == 1 && n.Args[0].Shape.Size() == 1; n.Positive && n.ZeroAt != nil {
		with("positive", "zero_at", !one)
		for key, on := range map[string]bool{"even": n.Even, "convex": n.Convex, "monotone": n.Monotone != nil} {
			with(key, "zero_at", one && on)
		}
	}
	with("even", "monotone", n.Even && n.Monotone != nil)
	e.cell(n, seen)
	with("odd", "convex", n.Odd && n.Convex)
	with("monotone", "convex", n.Monotone != nil && n.Convex)
	for _, key := range []string{"odd", "even", "positive", "convex", "monotone", "zero_at"} {
		on := map[string]bool{"odd": n.Odd, "even": n.Even, "positive": n.Positive, "convex": n.Convex, "monotone": n.Monotone != nil, "zero_at": n.ZeroAt != nil}
		with(n.Form, key, n.Form != "" && on[key])
	}
	if a := seen["activation"]; a != nil {
		if w, ok := a.Value.Expr.(*dsl.Name); ok && contains(e.env.Rough, w.Name) {
			e.warnRough(w)
		}
	}
}

func (e *neurals) guarantee(s *scope, n *Neural, o *dsl.Option) {
	switch o.Name.Name {
	case "odd":
		n.Odd = e.flag(o)
	case "even":
		n.Even = e.flag(o)
	case "positive":
		n.Positive = e.flag(o)
	case "convex":
		n.Convex = e.flag(o)
	case "skew", "psd", "divergence_free":
		if e.flag(o) {
			e.form(n, o)
		}
	case "monotone":
		n.Monotone = e.monotone(s, n, o)
	case "zero_at":
		n.ZeroAt = e.perArgument(s, o, n.Args, false)
	case "input_scale":
		n.InputScale = e.perArgument(s, o, n.Args, true)
	case "output_scale":
		n.OutputScale = e.perArgument(s, o, []Obj{n.Obj}, true)
	case frozenOption:
		n.Frozen = e.frozen(n, o)
	case priorOption:
		n.Priors = e.weightPriors(s, n, o)
	}
}

// form reads what the elements of the result are to each other.
func (e *neurals) form(n *Neural, o *dsl.Option) {
	shape := n.Shape
	switch name := o.Name.Name; {
	case n.Form != "":
		e.errForms(n, o)
		return
	case name == "divergence_free" && (shape.Rank != 1 || shape.N < 2 || n.Args[0].Shape != shape):
		e.errField(n, o)
		return
	case name != "divergence_free" && (shape.Rank != 2 || shape.M != shape.N):
		e.errMatrixForm(n, o)
		return
	}
	n.Form = o.Name.Name
}

// cell checks the arguments of a recurrent cell.
func (e *neurals) cell(n *Neural, given map[string]*dsl.Option) {
	if e.env.Neural.Find("kind") == nil || n.Options.Word("kind") == "dense" {
		return
	}
	for _, key := range []string{"hidden", "activation", "init", "odd", "even", "positive", "monotone", "zero_at", "convex", "skew", "psd", "divergence_free", "output_scale"} {
		if given[key] != nil {
			e.errContradiction(n, given["kind"], given[key])
		}
	}
	state := n.Args[0]
	if state.Shape != n.Shape || n.Shape.Rank != 1 || len(n.Args) < 2 {
		e.errCell(n, given["kind"])
		return
	}
	for _, o := range []*Obj{&n.Obj, &n.Args[0]} {
		if !e.equate(o.Unit, units.One, o.Span) {
			e.errCellUnit(n, o)
		}
	}
}

func (e *neurals) flag(o *dsl.Option) bool {
	b, ok := o.Value.Expr.(*dsl.BoolLit)
	if !ok {
		e.errOption(o.Value.Span(), o.Name.Name, "true or false")
		return false
	}
	return b.Value
}

// monotone reads a direction for all arguments, or one for each element.
func (e *neurals) monotone(s *scope, n *Neural, o *dsl.Option) []int {
	size := 0
	for _, a := range n.Args {
		size += a.Shape.Size()
	}
	if _, ok := o.Value.Expr.(*dsl.Name); ok {
		switch e.word(o, "direction", []string{"increasing", "decreasing"}, "") {
		case "increasing":
			return slices.Repeat([]int{1}, size)
		case "decreasing":
			return slices.Repeat([]int{-1}, size)
		}
		return nil
	}
	v := e.value(s, o.Value.Expr)
	if v == nil {
		return nil
	}
	c, ok := fold(v)
	if ok = ok && len(c) == size; ok {
		for _, x := range c {
			ok = ok && (x == 1 || x == 0 || x == -1)
		}
	}
	if !ok {
		e.errMonotone(v, size)
		return nil
	}
	out := make([]int, size)
	for i, x := range c {
		out[i] = int(x)
	}
	return out
}

// perArgument reads one value for each of several objects, in its unit, or
// one number for all.
func (e *neurals) perArgument(s *scope, o *dsl.Option, of []Obj, positive bool) []float64 {
	exprs := []dsl.Expr{o.Value.Expr}
	a, list := o.Value.Expr.(*dsl.Array)
	if list && len(of) > 1 {
		exprs = a.Elems
	}
	if len(exprs) != len(of) && len(exprs) != 1 {
		e.errPerArgument(o, len(exprs), of)
		return nil
	}
	var out []float64
	for i := range of {
		v := e.value(s, exprs[min(i, len(exprs)-1)])
		if v == nil {
			return nil
		}
		c, ok := fold(v)
		if !ok || v.Shape.Rank != 0 && v.Shape != of[i].Shape {
			e.errPerArgument(o, len(exprs), of)
			return nil
		}
		for _, x := range c {
			if math.IsNaN(x) || math.IsInf(x, 0) || positive && !(x > 0) {
				e.errOption(v.Span, o.Name.Name, "a positive number for each argument")
				return nil
			}
		}
		if !e.demand(v, of[i].Unit) {
			e.errValueUnit(v, &of[i])
			return nil
		}
		out = append(out, repeat(c, of[i].Shape.Size())...)
	}
	return out
}
