package check

import (
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

func (e *neurals) errNoArguments(n *Neural) {
	e.diags.Errorf(wrongArguments, n.Span, "a neural block has at least one argument").
		WithHelp("a number to be learned is a `param`")
}

func (e *neurals) errContradiction(n *Neural, a, b *dsl.Option) {
	e.diags.Errorf(badOption, b.Name.Span(), "block `%s` cannot be %s and %s at once", n.Name, a.Name.Name, b.Name.Name).
		WithNote(a.Name.Span(), "asked for here")
}

func (e *neurals) errForms(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "block `%s` cannot be %s and %s at once", n.Name, n.Form, o.Name.Name)
}

func (e *neurals) errField(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "a divergence-free block gives a vector of at least two elements, and its first argument is the place, of as many").
		WithNote(n.Span, "`%s` gives %s of `%s`, %s", n.Name, n.Shape, n.Args[0].Name, n.Args[0].Shape)
}

func (e *neurals) errMatrixForm(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "`%s` is of blocks that give a square matrix", o.Name.Name).
		WithNote(n.Span, "`%s` gives %s", n.Name, n.Shape).
		WithHelp("declare it as `neural %s(…) -> [2, 2]`", n.Name)
}

func (e *neurals) errCell(n *Neural, o *dsl.Option) {
	e.diags.Errorf(badOption, o.Name.Span(), "the first argument of a recurrent cell is its state, a vector of as many elements as its result, and it needs an input besides").
		WithNote(n.Span, "`%s` gives %s", n.Name, n.Shape).
		WithHelp("as in `neural cell(h[20], x) -> [20] { kind: gru }`")
}

func (e *neurals) errCellUnit(n *Neural, o *Obj) {
	e.diags.Errorf(unitMismatch, o.Span, "the state of a recurrent cell has no unit; `%s` is in %s", o.Name, e.name(o.Unit)).
		WithNote(n.Span, "`%s` is a cell", n.Name)
}

func (e *neurals) warnRough(w *dsl.Name) {
	e.diags.Warnf(roughActivation, w.Span(), "`%s` is not smooth: solvers lose their order at its kinks, and the location of events its accuracy", w.Name).
		WithHelp("`softplus` and `swish` have its form without the kink")
}

func (e *neurals) errMonotone(v *Expr, size int) {
	e.diags.Errorf(badOption, v.Span, "`monotone` is increasing, decreasing, or a list with 1, 0 or -1 for each of the %s", plural(size, "input"))
}

func (e *neurals) errPerArgument(o *dsl.Option, got int, of []Obj) {
	list := make([]string, len(of))
	for i := range of {
		list[i] = of[i].Name
		if of[i].Shape.Rank > 0 {
			list[i] += of[i].Shape.String()
		}
	}
	e.diags.Errorf(badOption, o.Value.Span(), "`%s` has a number for each of %s, or one for all", o.Name.Name, strings.Join(list, ", ")).
		WithNote(o.Value.Span(), "%s given", plural(got, "value"))
}

func (e *neurals) errWeightPrior(at diag.Span) {
	e.diags.Errorf(badOption, at, "a prior of weights is a distribution, perhaps with others for layers and arrays behind it").
		WithHelp("as in `prior: normal(0, 1)`, `prior: normal(0, 1) { 0: normal(0, 3) }` or `prior: { 0.weight: normal(0, 1), 1.bias: laplace(0, 1) }`")
}

func (e *neurals) errWeightSupport(c *dsl.Call, n *Neural) {
	e.diags.Errorf(badDistribution, c.Span(), "the weights of `%s` are any numbers, and `%s` does not have all of them", n.Name, c.Fun.Name).
		WithHelp("there are: %s", oneOf(ofAnyNumber))
}
