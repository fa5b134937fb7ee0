package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics"
	"github.com/pinode/pinode/physics/units"
	"github.com/pinode/pinode/solvers"
)

// reference is the text of docs/reference.md.
func reference() string {
	r := &writer{}
	r.say("# Reference\n\nWhat there is, printed from the program's own lists by `go run ./docs/gen`. `docs/language.md` says what it means.\n")
	r.operators()
	r.functions()
	r.distributions()
	r.units()
	env := environ.Env()
	r.section("Settings of `fit`")
	r.settings(env.Fit)
	r.section("Settings of `simulate`")
	r.settings(env.Simulate)
	r.say("\n`samples` and `sweep` vary parameters and initial values: `docs/language.md` has their form.\n")
	r.section("Settings of `network`")
	r.say("Of fields that are a network: docs/fields.md.\n\n")
	r.settings(nn.FieldSettings)
	r.section("Options of a neural block")
	r.settings(slices.Concat(nn.Settings, check.Guarantees))
	r.activations()
	r.solvers()
	r.section("Penalties")
	r.table("name", "integrand or term")
	for _, p := range physics.Penalties {
		r.row("`"+p.Name+"`", p.Doc)
	}
	r.section("Diagnostics")
	r.say("`pinode explain CODE` explains each, with an example.\n\n")
	r.codes(explain.Diagnostics())
	r.section("How a run can end")
	r.codes(explain.Statuses)
	r.section("Words of a fit")
	r.codes(explain.Words)
	return r.String()
}

// writer writes the page.
type writer struct{ strings.Builder }

func (w *writer) say(format string, args ...any) { fmt.Fprintf(w, format, args...) }

func (w *writer) section(title string) { w.say("\n## %s\n\n", title) }

func (w *writer) table(columns ...string) {
	w.row(columns...)
	w.say("|%s\n", strings.Repeat("---|", len(columns)))
}

func (w *writer) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	w.say("| %s |\n", strings.Join(cells, " | "))
}

func (w *writer) operators() {
	w.section("Operators")
	w.table("operator", "is", "units")
	for _, o := range check.Operators {
		w.row("`"+o.Symbol+"`", o.Doc, o.Units.String())
	}
}

func (w *writer) functions() {
	w.section("Functions")
	w.table("function", "arguments", "is", "units")
	for _, f := range slices.Concat(check.Functions, check.Prelude()) {
		n := "one or more"
		if f.Arity >= 0 {
			n = fmt.Sprint(f.Arity)
		}
		w.row("`"+f.Name+"`", n, f.Doc, f.Units.String())
	}
	w.say("\nThe numbers `pi`, `e`, `inf` and `nan` have names. A name of this list may be declared, and is the declared thing then.\n")
}

func (w *writer) units() {
	w.section("Units")
	w.say("In brackets, `9.81 [m/s^2]`, and behind names, `state x: m`. Others are declared: `unit mmHg = 133.322 [Pa]`.\n\n")
	w.table("unit", "is", "takes prefixes")
	yes := map[bool]string{true: "yes"}
	for _, u := range units.Standard() {
		is := "base unit"
		if u.Of != "" {
			is = strings.TrimPrefix(fmt.Sprintf("%.12g %s", u.Factor, u.Of), "1 ")
		}
		w.row("`"+u.Name+"`", is, yes[u.Prefix])
	}
	var list []string
	names, factors := units.Prefixes()
	for i, name := range names {
		list = append(list, fmt.Sprintf("`%s` %g", name, factors[i]))
	}
	w.say("\nPrefixes: %s. A name of the list is never read as a prefix and a unit: `min`, `cd`, `Pa`.\n", strings.Join(list, ", "))
}

func (w *writer) distributions() {
	w.section("Distributions")
	w.table("distribution", "of observations", "priors and samples", "is")
	yes := map[bool]string{true: "yes"}
	for i := range check.Distributions {
		d := &check.Distributions[i]
		w.row("`"+d.Name+"`", yes[d.OfObservations()], yes[d.OfParameters()], d.Doc)
	}
}

// settings lists a table of settings, and behind it what its words can be, with their
// own options.
func (w *writer) settings(t setting.Table) {
	w.settingRows(t)
	for _, s := range t {
		if len(s.Choices) == 0 {
			continue
		}
		w.say("\n`%s`:\n\n", s.Key)
		for _, c := range s.Choices {
			w.say("- `%s`", c.Name)
			if c.Doc != "" {
				w.say(": %s", c.Doc)
			}
			if len(c.Options) > 0 {
				var keys []string
				for _, o := range c.Options {
					keys = append(keys, "`"+o.Key+"`")
				}
				w.say(" (%s)", strings.Join(keys, ", "))
			}
			w.say("\n")
		}
		w.options(s)
	}
}

// options lists the options of a setting's choices; one that is not the same for all
// that have it says whose it is.
func (w *writer) options(s setting.Setting) {
	var all setting.Table
	var of [][]string // the choices that have it
	sharing := map[string]int{}
	for _, c := range s.Choices {
		for _, o := range c.Options {
			i := slices.IndexFunc(all, func(a setting.Setting) bool { return a.Key == o.Key && a.Doc == o.Doc && a.Default == o.Default })
			if i < 0 {
				i = len(all)
				all, of = append(all, o), append(of, nil)
				sharing[o.Key]++
			}
			of[i] = append(of[i], c.Name)
		}
	}
	for i := range all {
		if sharing[all[i].Key] > 1 {
			all[i].Key += "` of `" + strings.Join(of[i], "`, `")
		}
	}
	if len(all) > 0 {
		w.say("\n")
		w.settingRows(all)
	}
	for _, o := range all {
		if len(o.Choices) > 0 {
			w.say("\n`%s`:\n\n", o.Key)
			for _, c := range o.Choices {
				w.say("- `%s`: %s\n", c.Name, c.Doc)
			}
		}
	}
}

func (w *writer) settingRows(t setting.Table) {
	w.table("setting", "takes", "default", "is")
	for _, s := range t {
		kind := s.Kind.String()
		if s.Max > s.Min {
			kind += " " + bounds(s.Min, s.Max)
		}
		if s.Unit != "" {
			kind += " in " + s.Unit
		}
		value := s.Default
		if value != "" {
			value = "`" + value + "`"
		}
		w.row("`"+s.Key+"`", kind, value, s.Doc)
	}
}

// bounds says between what a number lies.
func bounds(lo, hi float64) string {
	switch {
	case math.IsInf(hi, 1):
		return fmt.Sprintf("from %g on", lo)
	case math.IsInf(lo, -1):
		return fmt.Sprintf("up to %g", hi)
	}
	return fmt.Sprintf("from %g to %g", lo, hi)
}

func (w *writer) activations() {
	w.section("Activations")
	w.table("activation", "is", "smooth", "monotone")
	yes, smooth := map[bool]string{true: "yes"}, map[int]string{0: "yes", 2: "once"}
	for _, a := range nn.Activations {
		w.row("`"+a.Name+"`", a.Doc, smooth[a.Jump], yes[a.Monotone])
	}
}

func (w *writer) solvers() {
	w.section("Solvers")
	w.table("solver", "order", "error", "dense output", "is")
	for _, m := range solvers.Methods {
		control := "fixed steps"
		if m.Adaptive() {
			control = fmt.Sprintf("of order %d", m.ErrOrder)
		}
		w.row("`"+m.Name+"`", fmt.Sprint(m.Order), control, fmt.Sprintf("of order %d", m.DenseOrder), m.Doc)
	}
}

func (w *writer) codes(list []diag.Code) {
	w.table("code", "is")
	for _, c := range list {
		w.row("`"+c.Name+"`", c.Title)
	}
}
