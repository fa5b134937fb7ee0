// Package setting owns what a setting is: its key, kind, default and meaning,
// and the values that a run has resolved from a model file, a configuration
// file and the command line. The settings themselves belong to the packages
// that obey them.
package setting

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Kind is the kind of a setting's value.
type Kind uint8

// The kinds of settings.
const (
	Number Kind = iota
	Int
	Bool
	Word  // one of Choices, or any word where there are none
	List  // numbers
	Chain // one of Choices with its options, or several joined by `then`
)

func (k Kind) String() string {
	return [...]string{"a number", "a whole number", "true or false", "a word", "a list of numbers", "a word with options"}[k]
}

// Setting is one row of a table of settings.
type Setting struct {
	Key     string
	Kind    Kind
	Default string   // as one would write it; empty: none
	Choices []Choice // of Word and Chain
	Min     float64  // of Number and Int, where Max > Min
	Max     float64
	Doc     string
}

// Choice is a word that a setting can be, with options of its own.
type Choice struct {
	Name    string
	Doc     string
	Options Table
}

// Table is a set of settings.
type Table []Setting

// Find returns the setting with that key, or nil.
func (t Table) Find(key string) *Setting {
	for i := range t {
		if t[i].Key == key {
			return &t[i]
		}
	}
	return nil
}

// Keys returns the keys.
func (t Table) Keys() []string {
	keys := make([]string, len(t))
	for i, s := range t {
		keys[i] = s.Key
	}
	return keys
}

// Stage is one link of a chain.
type Stage struct {
	Name    string
	Options *Values
}

type entry struct {
	text   string
	list   []float64
	stages []Stage
	origin string
}

// Values are the settings that were given, over the defaults of their table.
type Values struct {
	table Table
	set   map[string]*entry
}

// New returns the defaults of a table.
func New(t Table) *Values { return &Values{table: t, set: map[string]*entry{}} }

// Clone returns a copy that can be changed on its own.
func (v *Values) Clone() *Values {
	c := New(v.table)
	for k, e := range v.set {
		d := *e
		d.stages = make([]Stage, len(e.stages))
		for i, s := range e.stages {
			d.stages[i] = Stage{s.Name, s.Options.Clone()}
		}
		c.set[k] = &d
	}
	return c
}

// UnknownError is a key that is not in the table.
type UnknownError struct {
	Key  string
	Keys []string // those that are
}

func (e *UnknownError) Error() string {
	keys := append([]string{}, e.Keys...)
	sort.Strings(keys)
	return fmt.Sprintf("there is no setting `%s`; there are %s", e.Key, strings.Join(keys, ", "))
}

// find resolves the key of a plain setting.
func (v *Values) find(key string, kinds ...Kind) (*Setting, error) {
	s := v.table.Find(key)
	if s == nil {
		return nil, &UnknownError{key, v.table.Keys()}
	}
	for _, k := range kinds {
		if s.Kind == k {
			return s, nil
		}
	}
	return nil, fmt.Errorf("`%s` is %s", key, s.Kind)
}

// SetNumber sets a Number or Int.
func (v *Values) SetNumber(key string, x float64, origin string) error {
	s, err := v.find(key, Number, Int, List)
	if err != nil {
		return err
	}
	if s.Kind == List {
		return v.SetList(key, []float64{x}, origin)
	}
	switch {
	case math.IsNaN(x):
		return fmt.Errorf("`%s` is not a number", key)
	case s.Kind == Int && x != math.Trunc(x):
		return fmt.Errorf("`%s` is a whole number, not %g", key, x)
	case s.Max > s.Min && (x < s.Min || x > s.Max):
		if math.IsInf(s.Max, 1) {
			return fmt.Errorf("`%s` must be at least %g, not %g", key, s.Min, x)
		}
		return fmt.Errorf("`%s` must be between %g and %g, not %g", key, s.Min, s.Max, x)
	}
	v.set[key] = &entry{text: strconv.FormatFloat(x, 'g', -1, 64), origin: origin}
	return nil
}

// SetBool sets a Bool.
func (v *Values) SetBool(key string, b bool, origin string) error {
	if _, err := v.find(key, Bool); err != nil {
		return err
	}
	v.set[key] = &entry{text: strconv.FormatBool(b), origin: origin}
	return nil
}

// SetList sets a List.
func (v *Values) SetList(key string, x []float64, origin string) error {
	if _, err := v.find(key, List); err != nil {
		return err
	}
	v.set[key] = &entry{list: x, origin: origin}
	return nil
}

// SetWord sets a Word, or a Chain to one stage, which is returned for its
// options.
func (v *Values) SetWord(key, word, origin string) (*Values, error) {
	s, err := v.find(key, Word, Chain)
	if err != nil {
		return nil, err
	}
	if s.Kind == Chain {
		v.set[key] = &entry{origin: origin}
		return v.AddStage(key, word)
	}
	if _, err := s.choice(word); err != nil {
		return nil, err
	}
	v.set[key] = &entry{text: word, origin: origin}
	return nil, nil
}

// AddStage adds a stage to a Chain that was set, and returns its options.
func (v *Values) AddStage(key, word string) (*Values, error) {
	s, err := v.find(key, Chain)
	if err != nil {
		return nil, err
	}
	c, err := s.choice(word)
	if err != nil {
		return nil, err
	}
	o := New(c.Options)
	v.set[key].stages = append(v.set[key].stages, Stage{word, o})
	return o, nil
}

func (s *Setting) choice(word string) (*Choice, error) {
	if len(s.Choices) == 0 {
		return &Choice{Name: word}, nil
	}
	names := make([]string, len(s.Choices))
	for i := range s.Choices {
		if s.Choices[i].Name == word {
			return &s.Choices[i], nil
		}
		names[i] = s.Choices[i].Name
	}
	return nil, fmt.Errorf("`%s` is not a value of `%s`; it is one of %s", word, s.Key, strings.Join(names, ", "))
}

// Set sets a dotted path from text, as a flag or a configuration file does.
// `optimizer.lr` sets that option in every stage of the chain that has it,
// `optimizer.adam.lr` in that stage.
func (v *Values) Set(path, text, origin string) error {
	key, rest, nested := strings.Cut(path, ".")
	s := v.table.Find(key)
	if s == nil {
		return &UnknownError{key, v.table.Keys()}
	}
	if nested {
		if s.Kind != Chain {
			return fmt.Errorf("`%s` has no options", key)
		}
		return v.setInStages(s, rest, text, origin)
	}
	switch s.Kind {
	case Number, Int:
		x, err := number(text)
		if err != nil {
			return fmt.Errorf("`%s` is %s, not `%s`", key, s.Kind, text)
		}
		return v.SetNumber(key, x, origin)
	case Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("`%s` is true or false, not `%s`", key, text)
		}
		return v.SetBool(key, b, origin)
	case List:
		var list []float64
		for _, part := range strings.Split(strings.Trim(text, "[] "), ",") {
			x, err := number(strings.TrimSpace(part))
			if err != nil {
				return fmt.Errorf("`%s` is a list of numbers, not `%s`", key, text)
			}
			list = append(list, x)
		}
		return v.SetList(key, list, origin)
	}
	first, more, chained := strings.Cut(text, " then ")
	if _, err := v.SetWord(key, strings.TrimSpace(first), origin); err != nil {
		return err
	}
	for chained {
		first, more, chained = strings.Cut(more, " then ")
		if _, err := v.AddStage(key, strings.TrimSpace(first)); err != nil {
			return err
		}
	}
	return nil
}

// number reads a number or a quotient of two.
func number(text string) (float64, error) {
	if a, b, ok := strings.Cut(text, "/"); ok {
		x, err := strconv.ParseFloat(strings.TrimSpace(a), 64)
		if err != nil {
			return 0, err
		}
		y, err := strconv.ParseFloat(strings.TrimSpace(b), 64)
		return x / y, err
	}
	return strconv.ParseFloat(text, 64)
}

func (v *Values) setInStages(s *Setting, rest, text, origin string) error {
	if v.set[s.Key] == nil { // make the default explicit
		if err := v.Set(s.Key, s.Default, "default"); err != nil {
			return err
		}
	}
	stages := v.set[s.Key].stages
	if name, option, ok := strings.Cut(rest, "."); ok {
		for _, st := range stages {
			if st.Name == name {
				return st.Options.Set(option, text, origin)
			}
		}
		return fmt.Errorf("`%s` has no stage `%s`", s.Key, name)
	}
	done := false
	var keys []string
	for _, st := range stages {
		keys = append(keys, st.Options.table.Keys()...)
		if st.Options.table.Find(rest) != nil {
			if err := st.Options.Set(rest, text, origin); err != nil {
				return err
			}
			done = true
		}
	}
	if !done {
		return &UnknownError{rest, keys}
	}
	return nil
}

// Given reports whether a key was set, and is not left to its default.
func (v *Values) Given(key string) bool { return v.set[key] != nil }

// text is the value of a plain setting, or its default.
func (v *Values) text(key string) string {
	if e := v.set[key]; e != nil {
		return e.text
	}
	s := v.table.Find(key)
	if s == nil {
		panic("setting: no key " + key)
	}
	return s.Default
}

// Float is the value of a Number; 0 where there is none.
func (v *Values) Float(key string) float64 {
	t := v.text(key)
	if t == "" {
		return 0
	}
	x, err := number(t)
	if err != nil {
		panic("setting: " + key + ": " + err.Error())
	}
	return x
}

// Int is the value of an Int; 0 where there is none.
func (v *Values) Int(key string) int { return int(v.Float(key)) }

// Bool is the value of a Bool.
func (v *Values) Bool(key string) bool { return v.text(key) == "true" }

// Word is the value of a Word; empty where there is none.
func (v *Values) Word(key string) string { return v.text(key) }

// List is the value of a List.
func (v *Values) List(key string) []float64 {
	if e := v.set[key]; e != nil {
		return e.list
	}
	w := New(v.table)
	if d := v.table.Find(key).Default; d != "" {
		if err := w.Set(key, d, "default"); err != nil {
			panic("setting: " + err.Error())
		}
		return w.set[key].list
	}
	return nil
}

// Stages is the value of a Chain.
func (v *Values) Stages(key string) []Stage {
	if e := v.set[key]; e != nil {
		return e.stages
	}
	w := New(v.table)
	if d := v.table.Find(key).Default; d != "" {
		if err := w.Set(key, d, "default"); err != nil {
			panic("setting: " + err.Error())
		}
		return w.set[key].stages
	}
	return nil
}

// Tree returns all settings, defaults included, as nested maps for YAML.
func (v *Values) Tree() map[string]any {
	out := map[string]any{}
	for _, s := range v.table {
		switch s.Kind {
		case List:
			if l := v.List(s.Key); l != nil {
				out[s.Key] = l
			}
		case Chain:
			var stages []any
			for _, st := range v.Stages(s.Key) {
				if opts := st.Options.Tree(); len(opts) > 0 {
					stages = append(stages, map[string]any{st.Name: opts})
				} else {
					stages = append(stages, st.Name)
				}
			}
			if stages != nil {
				out[s.Key] = stages
			}
		default:
			switch t := v.text(s.Key); {
			case t == "":
			case s.Kind == Word:
				out[s.Key] = t
			case s.Kind == Bool:
				out[s.Key] = t == "true"
			case s.Kind == Int:
				out[s.Key] = v.Int(s.Key)
			default:
				out[s.Key] = v.Float(s.Key)
			}
		}
	}
	return out
}

// Markdown prints the table for the manual.
func (t Table) Markdown(w io.Writer) {
	fmt.Fprintln(w, "| key | value | default | meaning |\n|---|---|---|---|")
	for _, s := range t {
		value := s.Kind.String()
		if len(s.Choices) > 0 {
			names := make([]string, len(s.Choices))
			for i, c := range s.Choices {
				names[i] = "`" + c.Name + "`"
			}
			value = strings.Join(names, " ")
		}
		def := "–"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", s.Key, value, def, s.Doc)
		for _, c := range s.Choices {
			for _, o := range c.Options {
				d := "–"
				if o.Default != "" {
					d = "`" + o.Default + "`"
				}
				fmt.Fprintf(w, "| `%s { %s }` | %s | %s | %s |\n", c.Name, o.Key, o.Kind, d, o.Doc)
			}
		}
	}
}
