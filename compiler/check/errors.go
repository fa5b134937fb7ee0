package check

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// This file has the wording of mistakes in names and declarations; the files errors_… have
// that of the other parts. codes.go explains the codes.

// reporter is where mistakes go.
type reporter struct {
	file  *dsl.File
	diags *diag.List
}

// at spells a place, "4:9"; in another file with its name.
func (c *reporter) at(s diag.Span) string {
	p := s.Pos()
	if s.Src != c.file.Source {
		return p.String()
	}
	return fmt.Sprintf("%d:%d", p.Line, p.Col)
}

// oneOf lists choices for a message.
func oneOf(have []string) string {
	have = slices.Clone(have)
	sort.Strings(have)
	if len(have) > 20 {
		return strings.Join(have[:20], ", ") + ", …"
	}
	return strings.Join(have, ", ")
}

func plural(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (c *checker) errNoModel() {
	c.diags.Errorf(noModel, diag.Span{Src: c.file.Source}, "the file declares no model").
		WithHelp("write `model Name { … }`")
}

func (c *reporter) errDuplicate(at diag.Span, name string, first diag.Span) {
	c.diags.Errorf(duplicate, at, "`%s` is declared twice", name).WithNote(first, "first here")
}

func (c *unitReader) errBuiltinUnit(d *dsl.UnitDecl) {
	c.diags.Errorf(duplicate, d.Name.Span(), "the unit `%s` is known already", d.Name.Name).
		WithHelp("choose another name")
}

func (c *unitReader) errBadUnit(d *dsl.UnitDecl) {
	c.diags.Errorf(badUnit, d.Value.Span(), "a unit is a positive number of another").
		WithHelp("as in `unit mmHg = 133.322 [Pa]`; a new one of its own is `unit %s`", d.Name.Name)
}

func (c *unitReader) errUnitExponent(f dsl.UnitFactor) {
	c.diags.Errorf(badUnit, f.Span(), "exponents of units go up to %d", maxExponent)
}

func (c *unitReader) errUnitCycle(list []*dsl.UnitDecl) {
	d := c.diags.Errorf(cycle, list[0].Name.Span(), "the unit `%s` is defined by itself", list[0].Name.Name)
	for _, u := range list[1:] {
		d.WithNote(u.Name.Span(), "by way of `%s`", u.Name.Name)
	}
}

// errUnknown reports a name that is none of those that there are.
func (c *reporter) errUnknown(what string, at diag.Span, name string, have []string) {
	suggest(c.diags.Errorf(unknownName, at, "there is no %s `%s`", what, name), name, have)
}

// suggest names what is nearest to a name, or all that there is.
func suggest(d *diag.Diagnostic, name string, have []string) {
	if near, ok := diag.Nearest(name, have); ok {
		d.WithHelp("did you mean `%s`?", near)
	} else if len(have) > 0 {
		d.WithHelp("there are: %s", oneOf(have))
	}
}

func (c *reporter) errChoice(at diag.Span, what, got string, have []string) {
	if like := otherDistributions[got]; got == "huber" || got == "cauchy" || like == "huber" || like == "cauchy" {
		c.diags.Errorf(badSetting, at, "`%s` is no %s", got, what).
			WithHelp("there are: %s; losses that forgive outliers are distributions: `observe y = x ~ huber(1.345, 0.1)`", oneOf(have))
		return
	}
	suggest(c.diags.Errorf(badSetting, at, "`%s` is no %s", got, what), got, have)
}

func (c *unitReader) errUnknownUnit(f dsl.UnitFactor) {
	d := c.diags.Errorf(unknownName, f.Span(), "there is no unit `%s`", f.Name)
	switch name, spelled := spellings[f.Name]; {
	case f.Name == "Celsius" || f.Name == "celsius" || offsetUnits[f.Name] != (offsetUnit{}):
		d.WithHelp("temperatures with an offset do not multiply; use K. A column of data may be in degC or degF: `T: temp [degC]`")
	case spelled:
		d.WithHelp("did you mean `%s`?", name)
	case foreign[f.Name] != "":
		d.WithHelp("say which is meant, for instance `unit %s = %s`", f.Name, foreign[f.Name])
	default:
		if near, ok := diag.Nearest(f.Name, c.table.Names()); ok {
			d.WithHelp("did you mean `%s`? A new one is declared with `unit %s`", near, f.Name)
		} else {
			d.WithHelp("declare it: `unit %s`, or `unit %s = 1 [m]`", f.Name, f.Name)
		}
	}
}

func (e *scopes) errTooLarge() {
	e.diags.Errorf(tooLarge, e.m.Span, "the model unrolls to more than %d expressions", maxExpansion).
		WithHelp("use arrays instead of loops, components in components or functions of functions")
}

func (e *elaborator) errLoop(d *dsl.ForDecl, n int) {
	e.diags.Errorf(tooLarge, d.Var.Span(), "the loop has %d rounds; at most %d are unrolled", n, maxRounds).
		WithHelp("use arrays")
}

func (e *elaborator) errUsesItself(d *dsl.UseDecl, models []*dsl.ModelDecl) {
	if len(models) > maxDepth {
		e.diags.Errorf(tooLarge, d.Model.Span(), "components nest deeper than %d", maxDepth)
		return
	}
	m := e.diags.Errorf(cycle, d.Model.Span(), "model `%s` uses itself", d.Model.Name)
	for _, x := range models {
		m.WithNote(x.Name.Span(), "`%s` is declared here", x.Name.Name)
	}
}

func (e *elaborator) errNotGiven(o *dsl.Option, d *dsl.UseDecl, x *entity) {
	e.diags.Errorf(badOption, o.Name.Span(), "`%s` of the component `%s` cannot be given", o.Name.Name, d.As.Name).
		WithNote(x.at, "it is declared here").
		WithHelp("`use` gives values to constants, parameters, covariates and inputs, and initial values to states and discrete variables")
}

func (e *elaborator) errNoSuchPart(o *dsl.Option, d *dsl.UseDecl, have []string) {
	suggest(e.diags.Errorf(unknownName, o.Name.Span(), "the component `%s` has no `%s`", d.As.Name, o.Name.Name), o.Name.Name, have)
}

// errCycle names the circle in order.
func (e *scopes) errCycle(x *entity) {
	i := slices.Index(e.active, x)
	if i < 0 { // functions nest too deeply without calling themselves
		e.diags.Errorf(tooLarge, x.at, "functions nest deeper than %d", len(e.active))
		return
	}
	var path []string
	for _, y := range e.active[i:] {
		path = append(path, "`"+y.name+"`")
	}
	if len(path) == 1 {
		e.diags.Errorf(cycle, x.at, "%s is defined by itself", path[0]).
			WithHelp("a quantity with a memory is a `state`; a function cannot call itself")
		return
	}
	d := e.diags.Errorf(cycle, x.at, "%s is defined by itself: %s → %s", path[0], strings.Join(path, " → "), path[0])
	for _, y := range e.active[i+1:] {
		if y.at != x.at {
			d.WithNote(y.at, "by way of `%s`", y.name)
		}
	}
	d.WithHelp("break the circle; a quantity with a memory is a `state`")
}

// mostSuggestions is how many unknown names are compared with all that there are.
const mostSuggestions = 100

// errUnknownName reports a name that nothing declares, once, with the nearest
// of those that are: by their spelling, or by a word of their comments.
func (e *scopes) errUnknownName(s *scope, x *dsl.Name) {
	name := dsl.FormatExpr(x)
	if e.unknown[s.prefix+name] {
		return
	}
	e.unknown[s.prefix+name] = true
	d := e.diags.Errorf(unknownName, x.Span(), "`%s` is not declared", name)
	if x, _ := s.find(inObserves, x.Name, 0); x != nil {
		d.WithNote(x.at, "`%s` is an observation", name).
			WithHelp("expressions read the quantities that are observed; an observation stands in `data(%s)`, `first(%s)` and data blocks", name, name)
		return
	}
	if len(e.unknown) > mostSuggestions {
		return
	}
	have := names(constants)
	var said *entity
	for _, y := range e.order {
		short, ok := strings.CutPrefix(y.name, s.prefix)
		if !ok || y.space != inValues {
			continue
		}
		have = append(have, short)
		if said == nil && len([]rune(name)) > 2 && says(e.comment(y), name) {
			said = y
		}
	}
	for sc := s; sc != nil; sc = sc.outer {
		have = append(have, names(sc.vars)...)
	}
	for n, y := range e.library {
		if _, ok := y.decl.(*dsl.ConstDecl); ok {
			have = append(have, n)
		}
	}
	near, close := diag.Nearest(name, have)
	switch y, _ := s.find(inValues, near, 0); {
	case close && y != nil:
		d.WithNote(x.Span(), "did you mean `%s` (%s)?", near, e.described(y, ""))
	case close:
		d.WithNote(x.Span(), "did you mean `%s`?", near)
	case said != nil:
		d.WithNote(x.Span(), "did you mean `%s` (%s)?", strings.TrimPrefix(said.name, s.prefix), e.described(said, name))
	case x.Primes > 0:
		d.WithHelp("`%s` would be a derivative of a state `%s`", name, x.Name)
	default:
		d.WithHelp("declare it: `param %s = …` if it is to be learned, `const %s = …` if it is known", name, name)
	}
}

// described is an entity's comment and place, `"restitution", 6:9`.
func (e *scopes) described(x *entity, word string) string {
	text := e.comment(x)
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",;.\n", r) }) {
		if word == "" || says(part, word) {
			text = strings.TrimSpace(part)
			break
		}
	}
	if text == "" {
		return e.at(x.at)
	}
	return fmt.Sprintf("%q, %s", text, e.at(x.at))
}

// says reports whether a text has a word.
func says(text, word string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(word))
}

// comment is what the source says of a declaration: its documentation, or the
// comment behind it on the line of its name.
func (e *scopes) comment(x *entity) string {
	if x.obj != nil && x.obj.Info().Doc != "" {
		return x.obj.Info().Doc
	}
	if x.at.Src != e.file.Source {
		return ""
	}
	line := x.at.Pos().Line
	for _, c := range e.file.Comments {
		if p := c.Span.Pos(); p.Line == line && c.Span.Start > x.at.End {
			return strings.TrimSpace(strings.TrimLeft(c.Text, "#"))
		}
	}
	return ""
}

func (e *scopes) errUnknownFunction(s *scope, x *dsl.Call) {
	name := dsl.FormatExpr(x.Fun)
	d := e.diags.Errorf(unknownName, x.Fun.Span(), "there is no function `%s`", name)
	have := names(functionByName)
	for _, m := range []map[string]*entity{e.names[inValues], e.library} {
		for n, y := range m {
			switch y.decl.(type) {
			case *dsl.FnDecl, *dsl.NeuralDecl:
				have = append(have, strings.TrimPrefix(n, s.prefix))
			}
		}
	}
	if near, ok := diag.Nearest(name, have); ok {
		d.WithNote(x.Fun.Span(), "did you mean `%s`?", near)
	} else {
		d.WithHelp("declare it: `fn %s(…) = …`, or `neural %s(…) -> 1` if it is to be learned", name, name)
	}
}

// elementName is how an element of an array is written.
func elementName(name string, s Shape, i int) string {
	if s.Rank == 2 {
		return fmt.Sprintf("%s[%d,%d]", name, i/s.N, i%s.N)
	}
	return fmt.Sprintf("%s[%d]", name, i)
}

func (e *objects) errNaN(v *Expr, x *entity) {
	e.diags.Errorf(missingInitial, v.Span, "the initial value of `%s` is not a number", x.name).
		WithHelp("every variable starts somewhere; the time of what has not happened yet may be `-inf` or `inf`")
}

func (e *objects) errNoInitial(x *entity, word string) {
	e.diags.Errorf(missingInitial, x.at, "`%s` has no initial value", x.name).
		WithHelp("write `%s %s = …`: a number, a parameter, or `first(y)` of an observation", word, strings.TrimPrefix(x.name, x.scope.prefix))
}

func (e exprMistakes) errEmptyInterval(iv *dsl.Interval, lo, hi float64) {
	e.diags.Errorf(emptyInterval, iv.Span(), "the interval from %g to %g is empty", lo, hi)
}

func (e *elaborator) errTimeInterval(iv *dsl.Interval) {
	e.diags.Errorf(badOption, iv.Span(), "the interval of the time says where trajectories start and, if it is finite, end").
		WithHelp("both ends are taken in: write `[0, 600]`, or `[0, inf)` for a start alone")
}

func (e *values) errPriorOutside(p *Param) {
	e.diags.Errorf(emptyInterval, p.Prior.Span, "the prior of `%s` has no density in its interval", p.Name)
}

func (e *values) errCutPrior(p *Param) {
	e.diags.Errorf(badDistribution, p.Prior.Span, "how much of this prior lies in the interval of `%s` is known for constant arguments only", p.Name).
		WithHelp("write numbers, leave out the interval, or take another prior, like `normal`")
}

func (e *values) errBound(d *dsl.StateDecl) {
	e.diags.Errorf("not-supported", d.Least.Span(), "the bound of a state is not 0").
		WithHelp("`state %s >= 0` keeps solvers from leading a state below zero that its equation keeps above; write other bounds as a distance from them", d.Name.Name)
}

func (e *values) errStartsNegative(s *State, v float64, bound dsl.Expr) {
	e.diags.Errorf(outsideInterval, s.Init.Span, "%g is not a value that `%s` can have", v, s.Name).WithNote(bound.Span(), "its bound")
}

func (e *values) errOutsideInterval(p *Param, v *Expr, c float64, iv *dsl.Interval) {
	d := e.diags.Errorf(outsideInterval, v.Span, "%g is not a value that `%s` can have", c, p.Name)
	if p.Prior != nil {
		d.WithNote(p.Prior.Span, "its prior")
	}
	if iv != nil {
		d.WithNote(iv.Span(), "its interval")
		if c == p.Lo || c == p.Hi {
			d.WithHelp("a round bracket leaves out the bound, a square one takes it in")
		}
	}
}

func (e *values) errInterpolation(d *dsl.InputDecl) {
	e.diags.Errorf(badOption, d.Interp.Span(), "an input that is an expression is not interpolated").
		WithHelp("leave out `%s`, or the expression", d.Interp.Name)
}

// errNotFixed reports a quantity where one that is known before is needed.
func (e *objects) errNotFixed(x, y *Expr, what string, r reads) {
	at := y.Span
	if at.Src != x.Span.Src || at.Start < x.Span.Start || at.End > x.Span.End {
		at = x.Span // it comes from a let
	}
	d := e.diags.Errorf(notFixed, at, "%s cannot depend on %s", what, r)
	if at != y.Span {
		d.WithNote(y.Span, "by way of this")
	}
	switch {
	case r&readsRowDraw != 0:
		d.WithHelp("observations and losses are of rows; elsewhere draws are `per trajectory` or of data keys")
	case r&(readsRow|readsCovariate) != 0:
		d.WithHelp("declare the parameter `per trajectory`; the others have one value for all trajectories")
	case what == "an initial value":
		d.WithHelp("it is made of numbers, parameters, covariates and `first(y)`")
	case what == "a weight":
		d.WithHelp("it is a number, or made of inputs, covariates and the time; what is learned belongs into the distribution")
	case what == "the condition of a loss":
		d.WithHelp("it chooses rows before the run; for a condition on the solution write `if c then E else 0`")
	case what == "the time of an event":
		d.WithHelp("use `when` for a condition on the time")
	}
}

func (c *checker) errNoSuchModel(name string) {
	suggest(c.diags.Errorf(noModel, diag.Span{Src: c.file.Source}, "the file has no model `%s`", name), name, names(c.models))
}

func (c *checker) errUnusedModel(d, main *dsl.ModelDecl) {
	c.diags.Warnf(unusedModel, d.Name.Span(), "nothing uses the model `%s`: the main model of the file is its last, `%s`", d.Name.Name, main.Name.Name).
		WithHelp("`--model %s` picks it", d.Name.Name)
}

func (e *objects) errNotTime(id dsl.Ident) {
	e.diags.Errorf(misplaced, id.Span(), "`at` takes the time, which is called `%s`", e.m.Time.Name).
		WithHelp("write `at %s = …`; another quantity that reaches a value is a condition: `when %s >= …`", e.m.Time.Name, id.Name)
}

func (e *objects) errOption(at diag.Span, name, want string) {
	e.diags.Errorf(badOption, at, "`%s` is %s", name, want)
}

func (e *settings) errSetting(at diag.Span, err error) {
	e.diags.Errorf(badSetting, at, "%s", err)
}

func (e *values) errDrawsItself(a *Expr, d *Draw) {
	e.diags.Errorf(cycle, a.Span, "the distribution of the draw `%s` depends on `%s`", d.Name, d.Name)
}

func (e *values) errDrawnPer(k dsl.Ident) {
	e.diags.Errorf(badDistribution, k.Span(), "`per %s` stands alone", k.Name).
		WithHelp("a draw is `per row`, `per trajectory`, or has a value for each value of data keys: `per site, year`")
}

func (e *values) errDrawnShape(a *Expr, d *Draw) {
	e.diags.Errorf(notConstant, a.Span, "this argument of `%s` is a number where something is drawn from it", d.Dist.Name).
		WithHelp("a draw is a function of its location and scale, of which there are derivatives, and of a variate that is drawn with this number")
}
