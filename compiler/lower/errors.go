package lower

import (
	"slices"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/dsl/diag"
)

// The codes of the diagnostics: of what can be told only when graphs are built.
const (
	badBlock      = "bad-block"
	badDerivative = "bad-derivative" // one of the checker, which explains it
	higherIndex   = "higher-index"
	tooLarge      = "too-large-model" // one of the checker, which explains it
	noSteady      = "no-steady"
)

// Codes documents the diagnostics of this package that the checker does not have.
var Codes = []diag.Code{
	{
		Name: badBlock, Title: "a neural block that cannot be built",
		Explanation: "The widths of hidden layers are whole numbers of at least 1, and what a block guarantees must be possible with its activation and its initialisation: a monotone block needs a monotone activation, and weights that do not start at zero.",
		Example:     "model M {\n  neural f(x) -> 1 { hidden: [1.5] }\n  state x = 0\n  x' = f(x)\n}",
	}, {
		Name: missingCondition, Title: "a field without a condition at a side",
		Explanation: "On a grid a field has as many conditions along each of its axes as the order of its highest derivative there: of an even order half of them on each side, of an odd one the last on the side where the field enters; none where the coordinate is periodic. The message names the side.",
		Example:     "model M {\n  coordinate x in [0, 1]\n  state u(x) = 0\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0\n}",
	}, {
		Name: noSteady, Title: "a model that cannot come to rest",
		Explanation: "`start steady` starts a run where the motion comes to rest. That there is such a state, the rates must not depend on the time, and every state must be determined by the condition that its rate, or another's, is zero, or by a total that is conserved: a state that only integrates others has no steady value.",
		Example:     "model M {\n  state x = 1\n  start steady\n  x' = 1 - x + t\n}",
	}, {
		Name: higherIndex, Title: "equations that do not determine the algebraic unknowns",
		Explanation: "Each line `0 = E` must determine an algebraic unknown of its own, which it contains: problems of index 1. Where a line has states alone, like the length of a pendulum's rod, its derivative by time is the equation to write, or the one after that.",
		Example:     "model M {\n  state x = 1\n  algebraic z = 0\n  x' = z\n  0 = x - 1\n}",
	},
}

func (l *base) errWidth(n *check.Neural, width float64) {
	l.diags.Errorf(badBlock, n.Span, "block `%s` has a hidden layer of %g units", n.Name, width).
		WithHelp("`hidden` lists whole numbers, like [16, 16]")
}

func (l *base) errManyWeights(n *check.Neural, net *nn.Block) {
	size := float64(net.In)
	total := 0.
	for _, h := range append(slices.Clone(net.Hidden), net.Out) {
		total += (size + 1) * float64(h)
		size = float64(h)
	}
	l.diags.Errorf(badBlock, n.Span, "with block `%s`, of some %.3g weights, the model has more than the %d that it may have", n.Name, total, mostWeights).
		WithHelp("make the layers narrower: two of widths m and n have m·n weights between them")
}

func (l *base) errBlock(n *check.Neural, err error) {
	l.diags.Errorf(badBlock, n.Span, "block `%s`: %s", n.Name, err)
}

func (l *base) errNoWeights(n *check.Neural, net *nn.Block, w check.Weights) {
	var have []string
	for _, t := range net.Tensors() {
		have = append(have, "`"+t.Name+"`")
	}
	l.diags.Errorf(badBlock, w.Span, "block `%s` has no weights `%s`", n.Name, w.Name).
		WithHelp("it has %s; the number alone is a layer", strings.Join(have, ", "))
}

func (l *base) errByExpression(by *check.Expr, o *check.Input) {
	l.diags.Errorf(badDerivative, by.Span, "input `%s` is an expression of time; differentiate by the time", o.Name)
}

func (l *base) errMomentum(x *check.Expr, state int) {
	d := l.diags.Errorf(badDerivative, x.Args[0].Span, "∂L/∂%s depends on a state besides `%s`, whose rate is not known here", x.Args[2].Object.Info().Name, x.Args[1].Object.Info().Name)
	for _, s := range l.out.Layout.States {
		if o := s.Object.Info(); state >= s.Off && state < s.Off+s.N {
			d.WithNote(o.Span, "`%s` is declared here", o.Name)
		}
	}
	d.WithHelp("coordinates that move each other make one vector: `state q[2] = …, q' = …`")
}

func (l *base) errNoMass(x *check.Expr) {
	l.diags.Errorf(badDerivative, x.Args[0].Span, "the Lagrangian has no kinetic energy: it is at most linear in `%s`", x.Args[2].Object.Info().Name)
}

func (l *base) errHigherIndex(c *check.Constraint) {
	l.diags.Errorf(higherIndex, c.Span, "this equation leaves no algebraic unknown to determine: `0 = %s`", check.Text(c.Value)).
		WithHelp("each line `0 = …` needs an unknown of its own in it; in the place of a condition on states write its derivative by time")
}

func (l *base) errTimedSteady(s *check.State) {
	law, at := s.Law()
	l.diags.Errorf(noSteady, at, "`%s` depends on the time, and never comes to rest", law).
		WithNote(l.m.Steady.Span, "the run is to start at rest").
		WithHelp("give the input that changes a value of its own: `start steady { u: 0 }`")
}

func (l *base) errNoSteady(s *check.State) {
	law, at := s.Law()
	l.diags.Errorf(noSteady, at, "nothing determines a steady value: `%s`", law).
		WithNote(l.m.Steady.Span, "the run is to start at rest").
		WithHelp("each state's value must follow from rates that are zero or from a conserved total; a state that only integrates others can be left out, and integrated by an event that resets it")
}

// never panics where there is what the checker refuses.
func (l *base) errByNetwork(x *check.Expr, what string) {
	l.diags.Errorf("not-supported", x.Span, "%s is not supported where the fields are a network", what).
		WithHelp("write `fields: grid` in the block `fit`")
}

func never(found bool, what string) {
	if found {
		panic("lower: " + what)
	}
}

// errDerived says once that derivatives nest too deeply.
func (l *expressions) errDerived(x *check.Expr) {
	for _, d := range l.diags.All {
		if d.Code == tooLarge {
			return
		}
	}
	l.diags.Errorf(tooLarge, x.Span, "with this derivative the model has more than %d operations", mostDerived).
		WithHelp("each derivative of a derivative takes about twice as many: nest fewer, or write the result by hand")
}
