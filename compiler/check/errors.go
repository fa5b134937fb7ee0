package check

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/diag"
	"github.com/pinode/pinode/physics/units"
)

// Codes documents the diagnostics of this package.
var Codes = []diag.Code{
	{Name: "bad-assignment", Title: "something is assigned that cannot be", Explanation: "Events assign states and discrete variables only; everything else follows from them.", Example: "model M {\n  param p = 1\n  state x = 0\n  x' = p\n  event e at t = 1 { p := 2 }\n}"},
	{Name: "bad-derivative", Title: "a derivative by something that is not a variable", Explanation: "diff(E, x) takes a state, a parameter, an argument of a function, or the time as x.", Example: "model M {\n  state x = 0\n  let y = x^2\n  x' = diff(y, y)\n}"},
	{Name: "bad-expression", Title: "an expression that has no value", Explanation: "Texts stand for paths only.", Example: "model M {\n  state x = 0\n  x' = \"a\"\n}"},
	{Name: "bad-index", Title: "an index outside of its array", Explanation: "Indices start at 0 and are known when the model is compiled.", Example: "model M {\n  state x[2] = 0\n  x' = -x\n  let y = x[2]\n}"},
	{Name: "bad-mapping", Title: "a data block does not fit the model", Explanation: "A data block gives each component of an observation, input or covariate one column, and each argument of an event on data one.", Example: "model M {\n  state x[2] = 0\n  x' = -x\n  observe y[2] = x\n}\ndata d from \"d.csv\" {\n  time: t\n  y: a\n}"},
	{Name: "bad-option", Title: "an option has a value that it cannot have", Explanation: "The message says what the option takes.", Example: "model M {\n  state x = 0\n  x' = -x\n  observe y = x { weight: -1 }\n}"},
	{Name: "bad-period", Title: "a period that is not positive", Explanation: "`every` needs a positive time.", Example: "model M {\n  state x = 0\n  x' = -x\n  event e every 0 { x := 1 }\n}"},
	{Name: "bad-require", Title: "`require` without a comparison", Explanation: "require g >= 0 and require g == 0 penalise violations along the trajectory.", Example: "model M {\n  state x = 0\n  x' = -x\n  require x\n}"},
	{Name: "bad-setting", Title: "a setting has a value that it cannot have", Explanation: "The message says what the setting takes.", Example: "model M {\n  state x = 0\n  x' = -x\n}\nfit { seed: 1.5 }"},
	{Name: "bad-shape", Title: "a shape that is not possible", Explanation: "Arrays have one or two dimensions of at least one element.", Example: "model M {\n  state x[0] = 0\n  x' = -x\n}"},
	{Name: "bad-unit", Title: "a unit declaration that is none", Explanation: "A unit is new (`unit mouse`) or a positive number of another (`unit mmHg = 133.322 [Pa]`).", Example: "unit u = 3\nmodel M {\n  state x = 0\n  x' = -x\n}"},
	{Name: "bad-zeno", Title: "a `zeno` line that does not fit its rule", Explanation: "zeno error, zeno stop, or zeno rest { assignments }.", Example: "model M {\n  state x = 1\n  x' = -1\n  event e when x <= 0 { x := 1; zeno rest }\n}"},
	{Name: "cycle", Title: "a definition that refers to itself", Explanation: "Quantities, constants, functions and components must not be defined in a circle.", Example: "model M {\n  let a = b\n  let b = a\n  state x = 0\n  x' = a\n}"},
	{Name: "dead-event", Title: "a condition that nothing can change", Explanation: "The event never fires.", Example: "model M {\n  state x = 0\n  x' = 1\n  event e when 1 > 2 { x := 0 }\n}"},
	{Name: "duplicate", Title: "a name is declared twice", Explanation: "Every name of a model is declared once; observations have a namespace of their own.", Example: "model M {\n  param x = 1\n  state x = 0\n  x' = -x\n}"},
	{Name: "empty-event", Title: "an event that does nothing", Explanation: "Its body is empty.", Example: "model M {\n  state x = 0\n  x' = 1\n  event e when x > 1 { }\n}"},
	{Name: "empty-interval", Title: "an interval without a number in it", Explanation: "The lower bound must be below the upper one.", Example: "model M {\n  param p in (1, 0) = 0\n  state x = 0\n  x' = p\n}"},
	{Name: "idle-assignment", Title: "an assignment of a variable to itself", Explanation: "It changes nothing.", Example: "model M {\n  state x = 0\n  x' = 1\n  event e when x > 1 { x := x }\n}"},
	{Name: "loop-too-long", Title: "a loop with too many rounds", Explanation: "Loops are unrolled when the model is compiled; use arrays for long ones.", Example: "model M {\n  for i in 0..10000000 {\n    let y = i\n  }\n  state x = 0\n  x' = 1\n}"},
	{Name: "misplaced", Title: "a construct where it has no meaning", Explanation: "before, data and observed belong to losses and to events on observations; arguments to events on data.", Example: "model M {\n  state x = 0\n  x' = before(x)\n}"},
	{Name: "missing-equation", Title: "a state without an equation of motion", Explanation: "Every state has exactly one equation of motion, as x' = … or x'' = ….", Example: "model M {\n  state x = 0\n}"},
	{Name: "missing-time", Title: "a data block without a time column", Explanation: "Every row of data has a time.", Example: "model M {\n  state x = 0\n  x' = -x\n  observe y = x\n}\ndata d from \"d.csv\" { y: a }"},
	{Name: "no-model", Title: "a file without a model", Explanation: "A model file declares at least one model.", Example: "fit { seed: 1 }"},
	{Name: "not-a-condition", Title: "a condition that is not a comparison", Explanation: "Conditions compare; only comparisons give a guard function whose root can be located.", Example: "model M {\n  state x = 0\n  x' = 1\n  event e when x { x := 0 }\n}"},
	{Name: "not-a-function", Title: "a call of something that is not a function", Explanation: "Functions are declared with fn, blocks with neural.", Example: "model M {\n  param k = 1\n  state x = 0\n  x' = k(x)\n}"},
	{Name: "not-a-state", Title: "an equation for something that is not a state", Explanation: "Only states have equations of motion.", Example: "model M {\n  param k = 1\n  state x = 0\n  x' = k\n  k' = 1\n}"},
	{Name: "not-a-value", Title: "a name that stands for no value", Explanation: "Functions and blocks are called; events have no value.", Example: "model M {\n  fn f(x) = x\n  state x = 0\n  x' = f\n}"},
	{Name: "not-constant", Title: "a number is needed before the run", Explanation: "Shapes, indices, constants, settings and bounds are known when the model is compiled.", Example: "model M {\n  state x = 0\n  x' = 1\n  const c = x\n}"},
	{Name: "not-supported", Title: "not supported yet", Explanation: "The language has this, the program does not do it yet; nothing is ignored silently.", Example: "model M {\n  state x = 1\n  x' = -x\n  conserve q = x { mode: project }\n}"},
	{Name: "outside-interval", Title: "a start value outside of its interval", Explanation: "A parameter starts inside its interval.", Example: "model M {\n  param p in (0, 1) = 2\n  state x = 0\n  x' = p\n}"},
	{Name: "rough-activation", Title: "an activation that is not smooth", Explanation: "It breaks the order of adaptive solvers and of the location of events.", Example: "model M {\n  neural f(x) -> 1 { activation: relu }\n  state x = 0\n  x' = f(x)\n}"},
	{Name: "shadows-function", Title: "a name that is a function of the language", Explanation: "Choose another name.", Example: "model M {\n  param exp = 1\n  state x = 0\n  x' = exp\n}"},
	{Name: "shape-mismatch", Title: "shapes that do not fit", Explanation: "Operators work element by element on equal shapes; only single numbers are repeated. The matrix product is @.", Example: "model M {\n  state x[2] = 0\n  state y[3] = 0\n  x' = x + y\n  y' = -y\n}"},
	{Name: "two-equations", Title: "two equations for one state", Explanation: "Every state has exactly one equation of motion.", Example: "model M {\n  state x = 0\n  x' = 1\n  x' = 2\n}"},
	{Name: "unit-mismatch", Title: "units that do not fit", Explanation: "Units are part of the type: what is added, compared or assigned has equal units, scale included. No conversion happens behind your back; the message names both units, where each comes from, and, where only the scale differs, the factor to write.", Example: "model M {\n  time t: s\n  state x: m = 0\n  x' = 1 [m/s^2]\n}"},
	{Name: "unknown-name", Title: "a name that is not declared", Explanation: "Names are declared in the model, in the physics library, or belong to the language.", Example: "model M {\n  state x = 0\n  x' = -kk*x\n}"},
	{Name: "unread-discrete", Title: "a discrete variable that nothing reads", Explanation: "It is assigned at events and has no effect.", Example: "model M {\n  state x = 0\n  discrete n = 0\n  x' = 1\n  event e when x > 1 { n := 1 }\n}"},
	{Name: "vector-condition", Title: "a condition with more than one truth value", Explanation: "Compare single elements, or reduce with min, max or norm.", Example: "model M {\n  state x[2] = 0\n  x' = if x > x then 1 else 2\n}"},
	{Name: "write-conflict", Title: "two events may assign one variable at one instant", Explanation: "When both fire at once the result would depend on the order of declaration. Give them different priorities, or conditions that exclude each other.", Example: "model M {\n  state x = 0\n  x' = 1\n  event a when x > 1 { x := 0 }\n  event b when t > 1 { x := 2 }\n}"},
	{Name: "wrong-arguments", Title: "a call with the wrong number of arguments", Explanation: "The message says how many it takes.", Example: "model M {\n  state x = 0\n  x' = sin(x, x)\n}"},
	{Name: "wrong-order", Title: "equations of different order for one state", Explanation: "x' and x'' cannot both be given.", Example: "model M {\n  state x = 0, x' = 0\n  x' = 1\n}"},
}

func (s Shape) String() string {
	switch s.Rank {
	case 0:
		return "scalar"
	case 1:
		return fmt.Sprintf("[%d]", s.N)
	}
	return fmt.Sprintf("[%d,%d]", s.M, s.N)
}

func where(at diag.Span) string {
	p := at.Pos()
	return fmt.Sprintf("%d:%d", p.Line, p.Col)
}

func (c *checker) errDuplicate(id dsl.Ident, first diag.Span) {
	c.diags.Errorf("duplicate", id.Span(), "`%s` is declared twice", id.Name).WithNote(first, "first here")
}

func (c *checker) errUnknown(what string, at diag.Span, name string, have []string) {
	d := c.diags.Errorf("unknown-name", at, "there is no %s `%s`", what, name)
	if near, ok := diag.Nearest(name, have); ok {
		d.WithHelp("did you mean `%s`?", near)
		return
	}
	sort.Strings(have)
	if len(have) > 0 && len(have) <= 30 {
		d.WithHelp("there are: %s", strings.Join(have, ", "))
	}
}

func (c *checker) errChoice(at diag.Span, what, got string, have []string) {
	d := c.diags.Errorf("bad-setting", at, "`%s` is not a %s", got, what)
	if near, ok := diag.Nearest(got, have); ok {
		d.WithHelp("did you mean `%s`?", near)
		return
	}
	d.WithHelp("one of: %s", strings.Join(have, ", "))
}

func (c *checker) errUnknownUnit(f dsl.UnitFactor) {
	d := c.diags.Errorf("unknown-name", f.Span(), "there is no unit `%s`", f.Name)
	switch f.Name {
	case "degC", "°C", "degF", "Celsius":
		d.WithHelp("temperatures with an offset are not units that multiply; use K")
		return
	case "ohm":
		d.WithHelp("did you mean `Ohm`?")
		return
	}
	if near, ok := diag.Nearest(f.Name, c.table.Names()); ok {
		d.WithHelp("did you mean `%s`? A new unit is declared with `unit %s`", near, f.Name)
	} else {
		d.WithHelp("declare it with `unit %s` or `unit %s = 1 [m]`", f.Name, f.Name)
	}
}

func (c *checker) errUnsupported(at diag.Span, what string) {
	c.diags.Errorf("not-supported", at, "%s is not supported yet", what)
}

// errUnknownName reports a name that nothing declares, with the nearest of
// those that are, found by their spelling or by a word of their comments.
func (e *elaborator) errUnknownName(s *scope, x *dsl.Name) {
	name := dslName(x)
	d := e.diags.Errorf("unknown-name", x.Span(), "`%s` is not declared", name)
	var have []string
	for n, ent := range e.names {
		if strings.HasPrefix(n, "rate ") {
			continue
		}
		if t, ok := strings.CutPrefix(n, s.prefix); ok && !ent.library {
			have = append(have, t)
			if doc := docOf(ent); doc != "" && strings.Contains(strings.ToLower(doc), strings.ToLower(name)) && len(name) > 2 {
				d.WithNote(x.Span(), "did you mean `%s` (%q, %s)?", t, firstLine(doc), where(ent.at))
				return
			}
		}
	}
	have = append(have, names(constants)...)
	for sc := s; sc != nil; sc = sc.outer {
		have = append(have, names(sc.vars)...)
	}
	near, ok := diag.Nearest(name, have)
	switch {
	case ok:
		note := fmt.Sprintf("did you mean `%s`?", near)
		if ent := e.names[s.prefix+near]; ent != nil {
			note = fmt.Sprintf("did you mean `%s` (%s)?", near, where(ent.at))
			if doc := docOf(ent); doc != "" {
				note = fmt.Sprintf("did you mean `%s` (%q, %s)?", near, firstLine(doc), where(ent.at))
			}
		}
		d.WithNote(x.Span(), "%s", note)
	case x.Primes > 0:
		d.WithHelp("`%s` would be a derivative of the state `%s`", name, x.Name)
	default:
		d.WithHelp("declare it: `param %s = …` if it is to be learned, `const %s = …` if it is known", name, name)
	}
}

func docOf(x *entity) string {
	if x.obj != nil {
		return x.obj.Info().Doc
	}
	switch d := x.decl.(type) {
	case *dsl.ParamDecl:
		return d.Doc
	case *dsl.ConstDecl:
		return d.Doc
	case *dsl.LetDecl:
		return d.Doc
	case *dsl.StateDecl:
		return d.Doc
	}
	return ""
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (e *elaborator) errUnknownFunction(s *scope, x *dsl.Call) {
	name := x.Fun.Name
	d := e.diags.Errorf("unknown-name", x.Fun.Span(), "there is no function `%s`", name)
	have := append(names(functionByName), names(special)...)
	for n, ent := range e.names {
		switch ent.decl.(type) {
		case *dsl.FnDecl, *dsl.NeuralDecl:
			have = append(have, strings.TrimPrefix(n, s.prefix))
		}
	}
	if near, ok := diag.Nearest(name, have); ok {
		d.WithNote(x.Fun.Span(), "did you mean `%s`?", near)
	} else {
		d.WithHelp("declare it: `fn %s(…) = …`, or `neural %s(…) -> 1` if it is to be learned", name, name)
	}
}

func (e *elaborator) errUnknownState(q *equation) {
	d := e.diags.Errorf("unknown-name", q.decl.Target.Span(), "`%s` has an equation and is not declared", q.decl.Target.Name)
	var have []string
	for _, st := range e.m.States {
		have = append(have, st.Name)
	}
	if near, ok := diag.Nearest(q.decl.Target.Name, have); ok {
		d.WithHelp("did you mean `%s`?", near)
	} else {
		d.WithHelp("declare it: `state %s = 0`", q.decl.Target.Name)
	}
}

func (e *elaborator) errMissing(st *State, order int) {
	name := strings.TrimRight(st.Name, "'")
	primes := strings.Repeat("'", order)
	at := st.Span
	d := e.diags.Errorf("missing-equation", at, "state `%s` has no equation of motion", name)
	if st.Shape.Rank > 0 {
		d.WithHelp("write `%s%s = …`, or one equation for each element", name, primes)
	} else {
		d.WithHelp("write `%s%s = …`; a quantity that changes at events only is `discrete`", name, primes)
	}
}

func (e *elaborator) errTwoEquations(name string, q, first *equation) {
	e.diags.Errorf("two-equations", q.decl.Target.Span(), "`%s` has two equations of motion", name).
		WithNote(first.decl.Target.Span(), "first here")
}

// origins says for each name in an expression that bears on its unit where
// that unit comes from.
func (e *elaborator) origins(d *diag.Diagnostic, x *Expr) {
	seen := map[Object]bool{}
	var walk func(x *Expr)
	walk = func(x *Expr) {
		if x == nil || len(seen) > 3 {
			return
		}
		if o := x.Object; o != nil && !seen[o] {
			seen[o] = true
			info := o.Info()
			if u := e.solver.Resolve(info.Unit); info.Span.Src != nil && info.Span.Src == d.Span.Src && len(units.Variables(u)) == 0 {
				if info.Inferred {
					d.WithNote(info.Span, "`%s` is declared without a unit; it was inferred as %s", info.Name, e.table.Name(u))
				} else if !u.Dimensionless() {
					d.WithNote(info.Span, "`%s` is in %s", info.Name, e.table.Name(u))
				}
			}
		}
		for _, a := range x.Args {
			walk(a)
		}
	}
	walk(x)
}

// scaleHelp says which factor to write where only the scale differs.
func (e *checker) scaleHelp(from, to units.Unit) string {
	from, to = e.solver.Ground(from), e.solver.Ground(to)
	if !from.SameDimension(to) {
		return ""
	}
	f := from.Factor(to)
	a, b := e.table.Name(from), e.table.Name(to)
	if inverse := math.Round(1 / f); f < 1 && math.Abs(1/f-inverse) < 1e-9*inverse {
		return fmt.Sprintf("only the scale differs: divide by %g [%s], or multiply by %g [%s]", inverse, per(a, b), f, per(b, a))
	}
	return fmt.Sprintf("only the scale differs: multiply by %g [%s]", f, per(b, a))
}

// per writes a quotient of two units.
func per(a, b string) string {
	if strings.ContainsAny(b, "*/") {
		b = "(" + b + ")"
	}
	return a + "/" + b
}

// errUnits reports two operands whose units differ.
func (e *elaborator) errUnits(at diag.Span, verb string, a, b *Expr) {
	ua, ub := e.name(a.Unit), e.name(b.Unit)
	join := map[string]string{"add": "to", "subtract": "from", "compare": "with"}[verb]
	msg := fmt.Sprintf("cannot %s %s %s %s", verb, ub, join, ua)
	if join == "" {
		msg = fmt.Sprintf("cannot %s %s and %s", verb, ua, ub)
	}
	d := e.diags.Errorf("unit-mismatch", at, "%s", msg).
		WithNote(a.Span, "this has unit %s", ua).
		WithNote(b.Span, "this has unit %s", ub)
	e.origins(d, a)
	e.origins(d, b)
	help := e.scaleHelp(b.Unit, a.Unit)
	if help == "" {
		help = e.repair(a, b)
	}
	if help != "" {
		d.WithHelp("%s", help)
	}
}

// repair suggests a unit for a factor of b that has none, so that b gets the
// unit of a.
func (e *elaborator) repair(a, b *Expr) string {
	for _, pair := range [2][2]*Expr{{a, b}, {b, a}} {
		missing := e.solver.Ground(pair[0].Unit).Div(e.solver.Ground(pair[1].Unit))
		for _, x := range factors(pair[1]) {
			switch {
			case x.Object != nil:
				if p, ok := x.Object.(*Param); ok && e.solver.Ground(p.Unit).Dimensionless() {
					return fmt.Sprintf("give `%s` a unit: `param %s: %s`", p.Name, p.Name, e.table.Name(missing))
				}
				if k, ok := x.Object.(*Const); ok && e.solver.Ground(k.Unit).Dimensionless() {
					return fmt.Sprintf("give `%s` a unit: `const %s: %s = …`", k.Name, k.Name, e.table.Name(missing))
				}
			case x.Kind == Number:
				return fmt.Sprintf("a number in a product has no unit; if it is a quantity, write `%g [%s]`", x.Value, e.table.Name(missing))
			}
		}
	}
	return ""
}

// factors are the factors of a product.
func factors(x *Expr) []*Expr {
	if x.Kind == Op && (x.Name == "mul" || x.Name == "neg") {
		var out []*Expr
		for _, a := range x.Args {
			out = append(out, factors(a)...)
		}
		return out
	}
	return []*Expr{x}
}

func (e *elaborator) errDimensionless(name string, x *Expr) {
	d := e.diags.Errorf("unit-mismatch", x.Span, "`%s` takes a number without a unit, this is in %s", name, e.name(x.Unit)).
		WithHelp("divide by a reference quantity first: `%s(x/x0)`", name)
	e.origins(d, x)
	if f := e.scaleHelp(x.Unit, units.One); f != "" {
		d.WithHelp("%s", f)
	}
}

func (e *elaborator) errInit(v *Expr, o *Obj) {
	d := e.diags.Errorf("unit-mismatch", v.Span, "`%s` is in %s, this is in %s", o.Name, e.name(o.Unit), e.name(v.Unit))
	if o.Span.Src == v.Span.Src {
		d.WithNote(o.Span, "`%s` is declared here", o.Name)
	}
	e.origins(d, v)
	if h := e.scaleHelp(v.Unit, o.Unit); h != "" {
		d.WithHelp("%s", h)
	}
}

func (e *elaborator) errAssign(v *Expr, o *Obj) {
	d := e.diags.Errorf("unit-mismatch", v.Span, "cannot assign %s to `%s`, which is in %s", e.name(v.Unit), o.Name, e.name(o.Unit)).
		WithNote(o.Span, "`%s` is declared here", o.Name)
	e.origins(d, v)
	if h := e.scaleHelp(v.Unit, o.Unit); h != "" {
		d.WithHelp("%s", h)
	}
}

func (e *elaborator) errEquation(q *equation, v *Expr, want units.Unit) {
	d := e.diags.Errorf("unit-mismatch", q.decl.Span(), "`%s` is in %s, its right-hand side in %s", dslName(q.decl.Target), e.name(want), e.name(v.Unit)).
		WithNote(q.decl.Target.Span(), "this has unit %s", e.name(want)).
		WithNote(v.Span, "this has unit %s", e.name(v.Unit))
	if x := e.names[q.state]; x != nil && x.obj != nil {
		d.WithNote(x.at, "`%s` is in %s, the time in %s", q.state, e.name(x.obj.Info().Unit), e.name(e.m.Time.Unit))
	}
	e.origins(d, v)
	if h := e.scaleHelp(v.Unit, want); h != "" {
		d.WithHelp("%s", h)
	}
}

func (e *elaborator) errArgument(x *Expr, a dsl.Arg, ent *entity, want units.Unit) {
	d := e.diags.Errorf("unit-mismatch", x.Span, "argument `%s` of `%s` is in %s, this is in %s", a.Name.Name, ent.name, e.table.Name(want), e.name(x.Unit))
	if a.Span().Src == x.Span.Src {
		d.WithNote(a.Span(), "declared here")
	}
	if h := e.scaleHelp(x.Unit, want); h != "" {
		d.WithHelp("%s", h)
	}
	e.origins(d, x)
}

func (e *elaborator) errNetArgument(x *Expr, n *Neural, i int) {
	d := e.diags.Errorf("unit-mismatch", x.Span, "argument `%s` of block `%s` is in %s, this is in %s", n.Args[i].Name, n.Name, e.name(n.Args[i].Unit), e.name(x.Unit)).
		WithNote(n.Args[i].Span, "declared here")
	if h := e.scaleHelp(x.Unit, n.Args[i].Unit); h != "" {
		d.WithHelp("%s", h)
	}
	e.origins(d, x)
}

func (e *elaborator) errShape(at diag.Span, got, want Shape, from diag.Span) {
	d := e.diags.Errorf("shape-mismatch", at, "this has shape %s, %s is needed", got, want)
	if from.Src == at.Src && from != at {
		d.WithNote(from, "shape %s comes from here", want)
	}
}

func (e *elaborator) errShapes(at diag.Span, args []*Expr) {
	var parts []string
	for _, a := range args {
		parts = append(parts, a.Shape.String())
	}
	d := e.diags.Errorf("shape-mismatch", at, "shapes %s do not fit", strings.Join(parts, " and "))
	for _, a := range args {
		if a.Span != at {
			d.WithNote(a.Span, "this has shape %s", a.Shape)
		}
	}
}

func (e *elaborator) errConflict(a, b *Event, x, y *Assign) {
	e.diags.Errorf("write-conflict", x.Span, "events `%s` and `%s` may assign `%s` at the same instant", b.Name, a.Name, x.Target.Info().Name).
		WithNote(y.Span, "`%s` assigns it here", b.Name).
		WithHelp("say which comes first: give one of them a `priority`, higher first\n(conditions on the same guard in opposite directions, or on different values of a discrete variable, exclude each other)")
}
