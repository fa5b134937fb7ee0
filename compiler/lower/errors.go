package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl/diag"
)

// The codes of the diagnostics: of what can be told only when graphs are built.
const (
	badBlock      = "bad-block"
	badDerivative = "bad-derivative" // one of the checker, which explains it
)

// Codes documents the diagnostics of this package that the checker does not have.
var Codes = []diag.Code{
	{
		Name: badBlock, Title: "a neural block that cannot be built",
		Explanation: "The widths of hidden layers are whole numbers of at least 1, and what a block guarantees must be possible with its activation and its initialisation: a monotone block needs a monotone activation, and weights that do not start at zero.",
		Example:     "model M {\n  neural f(x) -> 1 { hidden: [1.5] }\n  state x = 0\n  x' = f(x)\n}",
	},
}

func (l *lowerer) errWidth(n *check.Neural, width float64) {
	l.diags.Errorf(badBlock, n.Span, "block `%s` has a hidden layer of %g units", n.Name, width).
		WithHelp("`hidden` lists whole numbers, like [16, 16]")
}

func (l *lowerer) errBlock(n *check.Neural, err error) {
	l.diags.Errorf(badBlock, n.Span, "block `%s`: %s", n.Name, err)
}

func (l *lowerer) errByExpression(by *check.Expr, o *check.Input) {
	l.diags.Errorf(badDerivative, by.Span, "input `%s` is an expression of time; differentiate by the time", o.Name)
}

// never panics where there is what the checker refuses.
func never(found bool, what string) {
	if found {
		panic("lower: " + what)
	}
}
