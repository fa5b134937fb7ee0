package check

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pinode/pinode/dsl"
)

// String is the printed form of the program.
func (p *Program) String() string {
	var b strings.Builder
	p.Dump(&b)
	return b.String()
}

// Dump prints the typed models: every declaration with its shape and unit,
// those that were inferred marked, and every expression. Then the data blocks.
func (p *Program) Dump(w io.Writer) {
	for _, m := range p.Models {
		dumper{w, printer{m.Units}}.model(m)
	}
	for _, d := range p.Data {
		dumper{w: w}.data(d)
	}
	if p.Simulate != nil && p.Simulate.Samples != nil {
		fmt.Fprintf(w, "samples %d\n", p.Simulate.Samples.N)
		for _, d := range p.Simulate.Samples.Draws {
			fmt.Fprintf(w, "  %s ~ %s\n", d.Name, printer{}.dist(d.Dist))
		}
	}
	if p.Simulate != nil {
		for _, a := range p.Simulate.Sweep {
			fmt.Fprintf(w, "sweep %s %v\n", strings.Join(a.Names, " "), a.Values)
		}
	}
}

type dumper struct {
	w io.Writer
	printer
}

// typed is a name with its shape and unit.
func (d dumper) typed(o *Obj) string {
	s := o.Name
	if o.Shape.Rank > 0 {
		s += o.Shape.String()
	}
	s += ": " + d.units.Name(o.Unit)
	if o.Inferred {
		s += " (inferred)"
	}
	return s
}

func (d dumper) line(word string, o *Obj, format string, args ...any) {
	fmt.Fprintf(d.w, "  %s %s", word, d.typed(o))
	fmt.Fprintf(d.w, format+"\n", args...)
}

func (d dumper) show(x *Expr) string { return d.text(x, 0) }

func (p printer) dist(d *Dist) string { return d.Name + "(" + p.list(d.Args) + ")" }

func (d dumper) drawn(x *Draw) {
	posterior := ""
	if x.Posterior != nil {
		posterior = " { posterior: " + d.dist(x.Posterior) + " }"
	}
	d.line("draw", &x.Obj, " ~ %s per %s%s", d.dist(x.Dist), strings.Join(x.Per, ", "), posterior)
}

func (d dumper) model(m *Model) {
	fmt.Fprintf(d.w, "model %s\n", m.Name)
	interval := ""
	if t := m.Time; !math.IsNaN(t.From) {
		interval = fmt.Sprintf(" in [%g, inf)", t.From)
		if !math.IsNaN(t.Until) {
			interval = fmt.Sprintf(" in [%g, %g]", t.From, t.Until)
		}
	}
	d.line("time", &m.Time.Obj, "%s", interval)
	for _, x := range m.Consts {
		d.line("const", &x.Obj, " = %v", x.Values)
	}
	for _, x := range m.Params {
		d.param(x)
	}
	for _, x := range m.Draws {
		d.drawn(x)
	}
	for _, x := range m.Covariates {
		d.line("covariate", &x.Obj, "")
	}
	for _, x := range m.Coordinates {
		periodic := ""
		if x.Periodic {
			periodic = " periodic"
		}
		d.line("coordinate", &x.Obj, " in [%g, %g]%s", x.Lo, x.Hi, periodic)
	}
	for _, x := range m.Inputs {
		if x.Value != nil {
			d.line("input", &x.Obj, " = %s", d.show(x.Value))
		} else {
			d.line("input", &x.Obj, " %s", x.Interp)
		}
	}
	d.states(m)
	d.rest(m)
	for _, x := range m.Discretes {
		d.line("discrete", &x.Obj, " = %s", d.show(x.Init))
	}
	for _, x := range m.Lets {
		d.line("let", &x.Obj, " = %s", d.show(x.Value))
	}
	for _, x := range m.Neurals {
		d.neural(x)
	}
	for _, x := range m.Events {
		d.event(x)
	}
	for _, x := range m.Conserves {
		d.line("conserve", &x.Obj, " = %s { weight: %g, scale: %g, across: [%s], mode: %s }", d.show(x.Value), x.Weight, x.Scale, eventNames(x.Across), x.Mode)
	}
	for _, x := range m.Requires {
		op := ">="
		if x.Equality {
			op = "=="
		}
		fmt.Fprintf(d.w, "  require %s %s 0 { weight: %g }\n", d.show(x.G), op, x.Weight)
	}
	d.observes(m)
	for _, x := range m.Losses {
		where, mean := "", "rows"
		if x.Where != nil {
			where = " where " + d.show(x.Where)
		}
		if x.PerTrajectory {
			mean = "trajectories"
		}
		d.line("loss", &x.Obj, " = %s%s { weight: %g, mean: %s }", d.show(x.Value), where, x.Weight, mean)
	}
}

func (d dumper) states(m *Model) {
	for _, x := range m.States {
		word := "state"
		switch {
		case x.Augment:
			word = "augment"
		case x.Algebraic:
			word = "algebraic"
		}
		bound := ""
		if x.NonNegative {
			bound = " >= 0"
		}
		d.line(word, &x.Obj, "%s%s = %s", fieldOver(x), bound, d.show(x.Init))
		if !x.Algebraic {
			fmt.Fprintf(d.w, "    %s' = %s\n", x.Name, d.show(x.Deriv))
		}
	}
}

// fieldOver are the coordinates of a field.
func fieldOver(s *State) string {
	if len(s.Over) == 0 {
		return ""
	}
	return " over" + strings.TrimPrefix(overNames(s.Over), ",")
}

func (d dumper) boundary(b *Boundary) {
	for _, s := range b.Sides {
		where := ""
		if s.Where != nil {
			where = " and " + d.show(s.Where)
		}
		fmt.Fprintf(d.w, "  boundary 0 = %s at %s = %g%s\n", d.show(b.Residual), s.Axis.Name, s.End(), where)
	}
}

func (d dumper) observes(m *Model) {
	for _, x := range m.Observes {
		if x.Unpredicted {
			d.line("observe", &x.Obj, "")
			continue
		}
		noise := ""
		if x.At != nil {
			noise = fmt.Sprintf(" at %s = %s", m.Time.Name, d.show(x.At))
		}
		if x.Dist != nil {
			noise += " ~ " + d.dist(x.Dist)
		}
		weight := fmt.Sprintf("%g", x.Weight)
		if x.Weights != nil {
			weight = d.show(x.Weights)
		}
		if x.Below != nil {
			weight += ", below: " + d.show(x.Below)
		}
		if x.Above != nil {
			weight += ", above: " + d.show(x.Above)
		}
		d.line("observe", &x.Obj, " = %s%s { weight: %s }", d.show(x.Value), noise, weight)
	}
}

func (d dumper) param(x *Param) {
	open, closing := "[", "]"
	if x.LoOpen {
		open = "("
	}
	if x.HiOpen {
		closing = ")"
	}
	s := fmt.Sprintf(" in %s%g, %g%s", open, x.Lo, x.Hi, closing)
	if x.Fixed {
		s += " fixed"
	}
	if len(x.Per) > 0 {
		s += " per " + strings.Join(x.Per, ", ")
	}
	s += " = " + d.show(x.Init)
	if x.Prior != nil {
		s += " ~ " + d.dist(x.Prior)
	}
	d.line("param", &x.Obj, "%s", s)
}

func (d dumper) neural(x *Neural) {
	args := make([]string, len(x.Args))
	for i := range x.Args {
		args[i] = d.typed(&x.Args[i])
	}
	fmt.Fprintf(d.w, "  neural %s(%s) -> %s\n", x.Name, strings.Join(args, ", "), strings.TrimPrefix(d.typed(&x.Obj), x.Name))
	option := func(key string, value any) { fmt.Fprintf(d.w, "    %s: %v\n", key, value) }
	tree := x.Options.Tree()
	for _, k := range names(tree) {
		option(k, tree[k])
	}
	for _, g := range []struct {
		key   string
		on    bool
		value any
	}{
		{"odd", x.Odd, true},
		{"even", x.Even, true},
		{"positive", x.Positive, true},
		{"convex", x.Convex, true},
		{x.Form, x.Form != "", true},
		{"monotone", x.Monotone != nil, x.Monotone},
		{"zero_at", x.ZeroAt != nil, x.ZeroAt},
		{"input_scale", x.InputScale != nil, x.InputScale},
		{"output_scale", x.OutputScale != nil, x.OutputScale},
	} {
		if g.on {
			option(g.key, g.value)
		}
	}
	for _, w := range x.Frozen {
		option(strings.TrimSpace(frozenOption+" "+w.Name), true)
	}
	for _, p := range x.Priors {
		option(strings.TrimSpace(priorOption+" "+p.Name), d.dist(p.Dist))
	}
}

func eventNames(list []*Event) string {
	out := make([]string, len(list))
	for i, ev := range list {
		out[i] = ev.Name
	}
	return strings.Join(out, ", ")
}

func (d dumper) event(x *Event) {
	s := "  event " + x.Name
	if len(x.Args) > 0 {
		args := make([]string, len(x.Args))
		for i, a := range x.Args {
			args[i] = d.typed(&a.Obj)
		}
		s += "(" + strings.Join(args, ", ") + ")"
	}
	switch x.Kind {
	case dsl.TriggerWhen:
		s += " when " + d.show(x.Cond)
	case dsl.TriggerAt:
		s += " at t = " + d.show(x.At)
	case dsl.TriggerEvery:
		s += " every " + d.show(x.At)
		if x.From != nil {
			s += " from " + d.show(x.From)
		}
		if x.Until != nil {
			s += " until " + d.show(x.Until)
		}
	case dsl.TriggerOnObservation:
		of := make([]string, len(x.Of))
		for i, o := range x.Of {
			of[i] = o.Name
		}
		s += " on observation of " + strings.Join(of, ", ")
	case dsl.TriggerOnData:
		s += " on data"
	case dsl.TriggerRate:
		s += " with rate " + d.show(x.At)
	}
	if x.Priorities != nil {
		s += " priority " + d.show(x.Priorities)
	}
	if x.Priority != 0 {
		s += " priority " + strconv.FormatFloat(x.Priority, 'g', -1, 64)
	}
	if x.After != nil {
		s += " after " + d.show(x.After)
	}
	for _, c := range []struct {
		on   bool
		text string
	}{{x.Late, " late"}, {x.Persistent, " persistent"}, {x.AtStart, " at start"}} {
		if c.on {
			s += c.text
		}
	}
	fmt.Fprintln(d.w, s)
	d.assigns(x.Assigns, "    ")
	if x.Terminate {
		fmt.Fprintln(d.w, "    terminate")
	}
	if x.Zeno != "error" {
		fmt.Fprintf(d.w, "    zeno %s\n", x.Zeno)
		d.assigns(x.Rest, "      ")
	}
}

func (d dumper) assigns(list []*Assign, indent string) {
	for _, a := range list {
		op := ":="
		if a.Add {
			op = "+="
		}
		fmt.Fprintf(d.w, "%s%s %s %s\n", indent, targetText(a), op, d.show(a.Value))
	}
}

func (d dumper) data(x *Data) {
	fmt.Fprintf(d.w, "data %s from %q\n", x.Name, x.Path)
	column := func(key string, c Column) {
		if c.Name == "" {
			return
		}
		fmt.Fprintf(d.w, "  %s: %s", key, c.Name)
		if c.Factor != 1 {
			fmt.Fprintf(d.w, " × %g", c.Factor)
		}
		if c.Offset != 0 {
			fmt.Fprintf(d.w, " + %g", c.Offset)
		}
		if c.Where != nil {
			fmt.Fprintf(d.w, " where %s", dsl.FormatExpr(c.Where.Expr))
		}
		fmt.Fprintln(d.w)
	}
	column("time", x.Time)
	switch x.From.Kind {
	case StartNumber:
		fmt.Fprintf(d.w, "  from: %g\n", x.From.Value)
	case StartColumn:
		column("from", x.From.Column)
	case StartFirstRow:
		fmt.Fprintln(d.w, "  from: first row")
	}
	for _, c := range x.Trajectory {
		column("trajectory", c)
	}
	for _, c := range x.Columns {
		o := c.Target.Info()
		if o.Shape.Rank > 0 {
			column(fmt.Sprintf("%s[%d]", o.Name, c.Component), c.Column)
		} else {
			column(o.Name, c.Column)
		}
	}
	condition := func(key string, r *RowExpr) {
		if r != nil {
			fmt.Fprintf(d.w, "  %s: %s\n", key, dsl.FormatExpr(r.Expr))
		}
	}
	for _, r := range x.Rows {
		fmt.Fprintf(d.w, "  event %s\n", r.Event.Name)
		for i, c := range r.Args {
			column("  "+r.Event.Args[i].Name, c)
		}
		column("  additional", r.Additional)
		column("  interval", r.Interval)
		column("  duration", r.Duration)
		column("  total", r.Total)
		column("  steady", r.Steady)
		column("  cycles", r.Cycles)
		condition("  where", r.Where)
	}
	for _, j := range x.Joins {
		fmt.Fprintf(d.w, "  join %q by %s\n", j.Path, strings.Join(j.By, ", "))
	}
	condition("where", x.Where)
	condition("given", x.Given)
	condition("train", x.Train)
	condition("validate", x.Validate)
}

// rest prints where the run starts, and the constraints.
func (d dumper) rest(m *Model) {
	if m.Steady != nil {
		fmt.Fprintf(d.w, "  start steady\n")
		for i, o := range m.Steady.Objects {
			fmt.Fprintf(d.w, "    %s: %s\n", o.Info().Name, d.show(m.Steady.Values[i]))
		}
	}
	for _, c := range m.Constraints {
		fmt.Fprintf(d.w, "  0 = %s\n", d.show(c.Value))
	}
	for _, b := range m.Boundaries {
		d.boundary(b)
	}
}
