package setting

import (
	"fmt"
	"strconv"
	"strings"
)

// Stage is one link of a chain.
type Stage struct {
	Name    string
	Options *Values
}

type entry struct {
	text   string
	list   []float64
	words  []string
	stages []Stage
	origin string
}

// Values are the settings that were given, over the defaults of their table,
// each with its origin: a place in a file, or a flag.
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

// Else returns the values with that of a key which another set gives, if they leave
// it to its default.
func (v *Values) Else(key string, other *Values) *Values {
	if v.Given(key) || !other.Given(key) {
		return v
	}
	c := v.Clone()
	c.set[key] = other.Clone().set[key]
	return c
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

// SetNumber sets a Number or Int, or a List to one number.
func (v *Values) SetNumber(key string, x float64, origin string) error {
	s, err := v.find(key, Number, Int, List)
	if err != nil {
		return err
	}
	if s.Kind == List {
		return v.SetList(key, []float64{x}, origin)
	}
	if err := s.number(x); err != nil {
		return err
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
	s, err := v.find(key, List)
	if err != nil {
		return err
	}
	for _, n := range x {
		if err := s.number(n); err != nil {
			return err
		}
	}
	v.set[key] = &entry{list: x, origin: origin}
	return nil
}

// SetWords sets a list of words.
func (v *Values) SetWords(key string, words []string, origin string) error {
	s, err := v.find(key, Words)
	if err != nil {
		return err
	}
	for _, w := range words {
		if _, err := s.choice(w); err != nil {
			return err
		}
	}
	v.set[key] = &entry{words: words, origin: origin}
	return nil
}

// SetWord sets a Word or a File, or a Chain to one stage, whose options are returned.
func (v *Values) SetWord(key, word, origin string) (*Values, error) {
	s, err := v.find(key, Word, File, Chain)
	if err != nil {
		return nil, err
	}
	c, err := s.choice(word)
	if err != nil {
		return nil, err
	}
	if s.Kind != Chain {
		v.set[key] = &entry{text: word, origin: origin}
		return nil, nil
	}
	o := New(c.Options)
	v.set[key] = &entry{stages: []Stage{{word, o}}, origin: origin}
	return o, nil
}

// AddStage adds a stage to a Chain that was set, and returns its options.
func (v *Values) AddStage(key, word string) (*Values, error) {
	s, err := v.find(key, Chain)
	if err != nil {
		return nil, err
	}
	e := v.set[key]
	if e == nil {
		return nil, fmt.Errorf("`%s` has no first stage for `%s` to follow", key, word)
	}
	c, err := s.choice(word)
	if err != nil {
		return nil, err
	}
	o := New(c.Options)
	e.stages = append(e.stages, Stage{word, o})
	return o, nil
}

// Given reports whether a key was set, and is not left to its default.
func (v *Values) Given(key string) bool { return v.set[key] != nil }

// Has reports whether the table has a key.
func (v *Values) Has(key string) bool { return v.table.Find(key) != nil }

// entry is the value of a key, or its default; nil if there is neither. A key
// that no table has is a mistake of the program, not of its user.
func (v *Values) entry(key string) *entry {
	if e := v.set[key]; e != nil {
		return e
	}
	s := v.table.Find(key)
	if s == nil {
		panic("setting: no key " + key)
	}
	if s.Default == "" {
		return nil
	}
	w := New(v.table)
	if err := w.Set(key, s.Default, ""); err != nil {
		panic("setting: default of " + key + ": " + err.Error())
	}
	return w.set[key]
}

// at finds the values that a path ends in, and the key there. The getters take
// paths like Set does: `optimizer.adam.lr`, and `optimizer.lr` for the first
// stage that has it.
func (v *Values) at(path string) (*Values, string) {
	key, rest, nested := strings.Cut(path, ".")
	if !nested {
		return v, key
	}
	stages := v.Stages(key)
	if name, option, ok := strings.Cut(rest, "."); ok {
		for _, st := range stages {
			if st.Name == name {
				return st.Options.at(option)
			}
		}
	}
	option, _, _ := strings.Cut(rest, ".")
	for _, st := range stages {
		if st.Options.table.Find(option) != nil {
			return st.Options.at(rest)
		}
	}
	panic("setting: no path " + path)
}

func (v *Values) text(path string) string {
	if e := v.value(path); e != nil {
		return e.text
	}
	return ""
}

func (v *Values) value(path string) *entry {
	w, key := v.at(path)
	return w.entry(key)
}

// Float is the value of a Number; 0 where there is none.
func (v *Values) Float(path string) float64 {
	t := v.text(path)
	if t == "" {
		return 0
	}
	x, err := number(t)
	if err != nil {
		panic("setting: " + path + ": " + err.Error())
	}
	return x
}

// Int is the value of an Int; 0 where there is none.
func (v *Values) Int(path string) int { return int(v.Float(path)) }

// Bool is the value of a Bool.
func (v *Values) Bool(path string) bool { return v.text(path) == "true" }

// Word is the value of a Word or a File; empty where there is none.
func (v *Values) Word(path string) string { return v.text(path) }

// List is the value of a List; nil where there is none.
func (v *Values) List(path string) []float64 {
	if e := v.value(path); e != nil {
		return e.list
	}
	return nil
}

// Words is the value of a list of words; nil where there is none.
func (v *Values) Words(path string) []string {
	if e := v.value(path); e != nil {
		return e.words
	}
	return nil
}

// Stages is the value of a Chain; nil where there is none.
func (v *Values) Stages(path string) []Stage {
	if e := v.value(path); e != nil {
		return e.stages
	}
	return nil
}

// Origin says where a value comes from, in the words of whoever set it; empty
// for a default.
func (v *Values) Origin(path string) string {
	if e := v.value(path); e != nil {
		return e.origin
	}
	return ""
}
