package check

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// settings elaborates the blocks of settings.
type settings struct {
	*objects
	dists *dists
}

// block checks a fit or simulate block; nil without one.
func (e *settings) block(d *dsl.SettingsDecl, table setting.Table) *Settings {
	if d == nil {
		return nil
	}
	out := &Settings{Span: d.Keyword.Span(), Values: setting.New(table)}
	seen := map[string]*dsl.Option{}
	for _, o := range d.Options {
		key := o.Name.Name
		old := seen[key]
		seen[key] = o
		switch {
		case old != nil:
			e.errDuplicate(o.Name.Span(), key, old.Name.Span())
		case d.Keyword.Name == "simulate" && key == "samples":
			out.Samples = e.samples(o)
		case d.Keyword.Name == "simulate" && key == "sweep":
			out.Sweep = e.sweep(o)
		default:
			e.setting(e.root(), out.Values, table, o)
		}
	}
	return out
}

// root is the scope of the model, in which settings are evaluated: they may
// refer to its constants.
func (e *settings) root() *scope { return &scope{e: e.scopes} }

// timeSettings are the settings whose numbers are times of the model.
var timeSettings = map[string]bool{"from": true, "until": true, "step": true, "times": true}

// setting reads one setting.
func (e *settings) setting(s *scope, v *setting.Values, table setting.Table, o *dsl.Option) {
	key := o.Name.Name
	row := table.Find(key)
	if row == nil {
		e.errUnknown("setting", o.Name.Span(), key, table.Keys())
		return
	}
	origin := o.Name.Span().Pos().String()
	fail := func(err error) {
		if err != nil {
			e.errSetting(o.Value.Span(), err)
		}
	}
	if o.Value.Suffix != "" && o.Value.Suffix != row.Unit {
		fail(fmt.Errorf("`%s` means nothing here", o.Value.Suffix))
		return
	}
	switch row.Kind {
	case setting.Word, setting.Chain:
		e.chain(s, v, row, o.Value, origin)
		return
	}
	plain := *o.Value
	plain.Suffix = "" // a word that counts, `100 epochs`
	if !plainValue(&plain) {
		fail(fmt.Errorf("`%s` is %s", key, row.Kind))
		return
	}
	switch row.Kind {
	case setting.Words:
		if words := wordList(o.Value.Expr); words != nil {
			fail(v.SetWords(key, words, origin))
		} else {
			fail(fmt.Errorf("`%s` is a list of names, like [x, y]", key))
		}
		return
	case setting.File:
		if path, ok := o.Value.Expr.(*dsl.StringLit); ok {
			_, err := v.SetWord(key, path.Value, origin)
			fail(err)
		} else {
			fail(fmt.Errorf("`%s` is %s", key, row.Kind))
		}
		return
	case setting.Bool:
		if b, ok := o.Value.Expr.(*dsl.BoolLit); ok {
			fail(v.SetBool(key, b.Value, origin))
		} else {
			fail(fmt.Errorf("`%s` is true or false", key))
		}
		return
	}
	x, ok := e.numbers(s, o, row)
	switch {
	case !ok:
	case row.Kind == setting.List:
		fail(v.SetList(key, x, origin))
	case len(x) == 1:
		fail(v.SetNumber(key, x[0], origin))
	default:
		fail(fmt.Errorf("`%s` is %s, not a list", key, row.Kind))
	}
}

// wordList reads a name, or a list of names; nil if x is neither.
func wordList(x dsl.Expr) []string {
	elems := []dsl.Expr{x}
	if a, ok := x.(*dsl.Array); ok {
		elems = a.Elems
	}
	var out []string
	for _, el := range elems {
		switch el.(type) {
		case *dsl.Name, *dsl.IndexExpr:
			out = append(out, strings.ReplaceAll(dsl.FormatExpr(el), ", ", ","))
		default:
			return nil
		}
	}
	return out
}

// numbers evaluates the numbers of a setting.
func (e *settings) numbers(s *scope, o *dsl.Option, row *setting.Setting) ([]float64, bool) {
	if b, ok := o.Value.Expr.(*dsl.BoolLit); ok {
		e.errSetting(b.Span(), fmt.Errorf("`%s` is %s, not %t", row.Key, row.Kind, b.Value))
		return nil, false
	}
	if n, ok := o.Value.Expr.(*dsl.Name); ok && constants[n.Name] == 0 {
		if ent, _ := s.find(inValues, n.Name, n.Primes); ent == nil {
			e.errSetting(n.Span(), fmt.Errorf("`%s` is %s, not `%s`", row.Key, row.Kind, n.Name))
			return nil, false
		}
	}
	if a, ok := o.Value.Expr.(*dsl.Array); ok && len(a.Elems) == 0 && row.Kind == setting.List {
		return []float64{}, true // `hidden: []`
	}
	v := e.value(s, o.Value.Expr)
	if v == nil {
		return nil, false
	}
	x, ok := fold(v)
	if !ok {
		e.errNotConstant(v, "a setting")
		return nil, false
	}
	want := units.One
	if timeSettings[row.Key] {
		want = e.m.Time.Unit
	}
	if !v.bare && !v.Unit.Equal(want) {
		e.errSettingUnit(v, row.Key, want)
		return nil, false
	}
	return x, true
}

// chain reads a word with options, or several joined by `then`. A block
// without a word belongs to the choice that bears the setting's own name.
// Clauses, like `from 0.2 to 1 over 100 epochs`, are options by other means.
func (e *settings) chain(s *scope, v *setting.Values, row *setting.Setting, val *dsl.Value, origin string) {
	for first := true; val != nil; val, first = val.Then, false {
		word, err := e.wordOf(row, val)
		if err != nil {
			e.errSetting(val.Span(), err)
			return
		}
		if row.Choices != nil && choice(row, word) == nil {
			e.errChoice(val.Expr.Span(), "value of `"+row.Key+"`", word, choiceNames(row))
			return
		}
		var opts *setting.Values
		switch {
		case first:
			opts, err = v.SetWord(row.Key, word, origin)
		case row.Kind == setting.Chain:
			opts, err = v.AddStage(row.Key, word)
		default:
			err = fmt.Errorf("`%s` takes one word", row.Key)
		}
		if err != nil {
			e.errSetting(val.Span(), err)
			return
		}
		e.stage(s, opts, row, word, val)
	}
}

// wordOf is the word of one link of a chain.
func (e *settings) wordOf(row *setting.Setting, val *dsl.Value) (string, error) {
	switch x := val.Expr.(type) {
	case nil:
		if choice(row, row.Key) != nil {
			return row.Key, nil
		}
	case *dsl.Name:
		return dsl.FormatExpr(x), nil
	case *dsl.StringLit:
		return x.Value, nil
	}
	if names := choiceNames(row); len(names) > 0 {
		return "", fmt.Errorf("`%s` is one of %s", row.Key, strings.Join(names, ", "))
	}
	return "", fmt.Errorf("`%s` is %s", row.Key, row.Kind)
}

// stage reads the options of one link of a chain.
func (e *settings) stage(s *scope, opts *setting.Values, row *setting.Setting, word string, val *dsl.Value) {
	list := append([]*dsl.Option{}, val.Block...)
	for _, cl := range val.Clauses {
		if cl.Suffix != "" && cl.Suffix != "epochs" {
			e.errSetting(cl.Span(), fmt.Errorf("`%s` means nothing here", cl.Suffix))
			continue
		}
		list = append(list, &dsl.Option{At: cl.At, Name: dsl.Ident{At: cl.At, Name: cl.Word}, Value: &dsl.Value{At: cl.At, Expr: cl.Expr}})
	}
	c := choice(row, word)
	if len(list) > 0 && (opts == nil || c == nil) {
		e.errSetting(val.Span(), fmt.Errorf("`%s` has no options", word))
		return
	}
	seen := map[string]*dsl.Option{}
	for _, o := range list {
		if old := seen[o.Name.Name]; old != nil {
			e.errDuplicate(o.Name.Span(), o.Name.Name, old.Name.Span())
			continue
		}
		seen[o.Name.Name] = o
		e.setting(s, opts, c.Options, o)
	}
}

func choice(row *setting.Setting, word string) *setting.Choice {
	for i := range row.Choices {
		if row.Choices[i].Name == word {
			return &row.Choices[i]
		}
	}
	return nil
}

func choiceNames(row *setting.Setting) []string {
	var out []string
	for _, c := range row.Choices {
		out = append(out, c.Name)
	}
	return out
}

var (
	errSamples     = errors.New("`samples` is a whole number with what is drawn, as in `samples: 1000 { e: uniform(0.5, 0.9) }`; in a model with draws the number may stand alone")
	errSweepVector = errors.New("a vector takes a list of vectors, as in `sweep: { a: [[1, 2], [3, 4]] }`, or give its elements: `a[0]: [1, 3]`")
	errSweep       = errors.New("`sweep` lists the values of each name, as in `sweep: { e: [0.5, 0.7, 0.9] }`")
	errDraw        = errors.New("a draw is a distribution, like `normal(1, 0.1)`")
)

// maxSamples bounds the number of trajectories that are drawn.
const maxSamples = 1e9

// samples reads `samples: 1000 { e: uniform(0.5, 0.9) }`.
func (e *settings) samples(o *dsl.Option) *Samples {
	val := o.Value
	if val.Expr == nil || val.Suffix != "" || len(val.Block) == 0 && len(e.m.Draws) == 0 || len(val.Clauses) > 0 || val.Then != nil {
		e.errSetting(val.Span(), errSamples)
		return nil
	}
	v := e.value(e.root(), val.Expr)
	if v == nil {
		return nil
	}
	n, ok := fold(v)
	if !ok || len(n) != 1 || !(n[0] >= 1 && n[0] <= maxSamples) || n[0] != math.Trunc(n[0]) || !v.bare && !v.Unit.Dimensionless() {
		e.errSetting(v.Span, errSamples)
		return nil
	}
	out := &Samples{N: int(n[0])}
	e.varied(val.Block, func(d *dsl.Option, of *Obj, names []string) {
		call, ok := d.Value.Expr.(*dsl.Call)
		if !ok {
			e.errSetting(d.Value.Span(), errDraw)
			return
		}
		dist := e.dists.dist(e.root(), call, of, asDraw)
		if dist == nil {
			return
		}
		for _, a := range dist.Args {
			if _, ok := fold(a); !ok {
				e.errNotConstant(a, "an argument of a draw")
				return
			}
		}
		for k, name := range names {
			out.Draws = append(out.Draws, Sampled{name, dist, k})
		}
	})
	return out
}

// sweep reads `sweep: { e: [0.5, 0.7, 0.9] }`.
func (e *settings) sweep(o *dsl.Option) (axes []SweepAxis) {
	val := o.Value
	if val.Expr != nil || len(val.Block) == 0 || len(val.Clauses) > 0 || val.Then != nil {
		e.errSetting(val.Span(), errSweep)
		return nil
	}
	e.varied(val.Block, func(d *dsl.Option, of *Obj, names []string) {
		v := e.value(e.root(), d.Value.Expr)
		if v == nil {
			return
		}
		x, ok := fold(v)
		switch {
		case !ok:
			e.errNotConstant(v, "a value of a sweep")
		case len(names) == 1 && v.Shape.Rank > 1 || len(names) > 1 && v.Shape.Rank == 2 && v.Shape.N != len(names):
			e.errSetting(v.Span, errSweep)
		case len(names) > 1 && v.Shape.Rank != 2:
			e.errSetting(v.Span, errSweepVector)
		case !e.demand(v, of.Unit):
			e.errValueUnit(v, of)
		default:
			axis := SweepAxis{Names: names}
			for values := range slices.Chunk(x, len(names)) {
				axis.Values = append(axis.Values, values)
			}
			axes = append(axes, axis)
		}
	})
	return axes
}

// varied calls f for each option of a block that names a parameter, covariate
// or state of the model, or an element of one, with what it is and the names of its
// elements.
func (e *settings) varied(block []*dsl.Option, f func(d *dsl.Option, of *Obj, names []string)) {
	var have []string
	byName := map[string]*Obj{}
	add := func(o *Obj) {
		have = append(have, o.Name)
		byName[o.Name] = o
	}
	for _, p := range e.m.Params {
		add(&p.Obj)
	}
	for _, c := range e.m.Covariates {
		add(&c.Obj)
	}
	for _, s := range e.m.States {
		add(&s.Obj)
	}
	seen := map[string]*dsl.Option{}
	for _, d := range block {
		old := seen[d.Name.Name]
		seen[d.Name.Name] = d
		o, names := byName[d.Name.Name], []string{d.Name.Name}
		if o == nil {
			o = elementOf(byName, d.Name.Name)
		} else {
			names = elementNames(o)
		}
		switch {
		case old != nil:
			e.errDuplicate(d.Name.Span(), d.Name.Name, old.Name.Span())
		case o == nil:
			e.errUnknown("parameter, covariate or state", d.Name.Span(), d.Name.Name, have)
		case !plainValue(d.Value):
			e.errOption(d.Value.Span(), d.Name.Name, "a value")
		default:
			f(d, o, names)
		}
	}
}

// elementNames are the names of the elements of a quantity.
func elementNames(o *Obj) (list []string) {
	switch o.Shape.Rank {
	case 0:
		return []string{o.Name}
	case 1:
		for i := range o.Shape.Size() {
			list = append(list, fmt.Sprintf("%s[%d]", o.Name, i))
		}
	default:
		for i := range o.Shape.Size() {
			list = append(list, fmt.Sprintf("%s[%d,%d]", o.Name, i/o.Shape.N, i%o.Shape.N))
		}
	}
	return list
}

// elementOf is the quantity that a name is an element of, as a quantity without shape;
// nil if there is none.
func elementOf(byName map[string]*Obj, name string) *Obj {
	base, _, indexed := strings.Cut(name, "[")
	o := byName[base]
	if !indexed || o == nil || !slices.Contains(elementNames(o), name) {
		return nil
	}
	e := *o
	e.Name, e.Shape = name, Shape{}
	return &e
}
