// Package setting owns what a setting is: its key, kind, default and meaning,
// and the values that a run has resolved from a model file, a configuration
// file and the command line. The settings themselves belong to the packages
// that obey them.
package setting

import (
	"fmt"
	"math"
	"slices"
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
	Words // several words, each one of Choices where there are any
	File  // a path
)

func (k Kind) String() string {
	return [...]string{"a number", "a whole number", "true or false", "a word", "a list of numbers", "a word with options", "a list of words", "the path of a file in quotes"}[k]
}

// Setting is one row of a table of settings. Numbers are finite; where
// Max > Min they lie between the two, ends included.
type Setting struct {
	Key     string
	Kind    Kind
	Unit    string   // of numbers, for the reader: `s`; empty: a plain number
	Default string   // as one would write it; empty: none
	Choices []Choice // of Word, Words and Chain
	Min     float64  // of Number, Int and List, where Max > Min
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

// Verify finds what is wrong with a table: its owner's test calls it. The
// getters of Values rely on it.
func (t Table) Verify() error {
	for i, s := range t {
		switch {
		case s.Key == "" || strings.ContainsAny(s.Key, ". "):
			return fmt.Errorf("setting %d: `%s` cannot be a key", i, s.Key)
		case t.Find(s.Key) != &t[i]:
			return fmt.Errorf("`%s` is there twice", s.Key)
		case s.Doc == "":
			return fmt.Errorf("`%s` has no doc", s.Key)
		}
		if s.Default != "" {
			if err := New(t).Set(s.Key, s.Default, "default"); err != nil {
				return fmt.Errorf("default: %w", err)
			}
		}
		for k, c := range s.Choices {
			if slices.IndexFunc(s.Choices, func(d Choice) bool { return d.Name == c.Name }) != k {
				return fmt.Errorf("`%s: %s` is there twice", s.Key, c.Name)
			}
			if err := c.Options.Verify(); err != nil {
				return fmt.Errorf("`%s: %s`: %w", s.Key, c.Name, err)
			}
		}
	}
	return nil
}

// choice finds a word among the choices.
func (s *Setting) choice(word string) (*Choice, error) {
	switch {
	case word == "":
		return nil, fmt.Errorf("`%s` is %s, which is missing", s.Key, s.Kind)
	case len(s.Choices) == 0:
		return &Choice{Name: word}, nil
	}
	names := make([]string, len(s.Choices))
	for i := range s.Choices {
		if s.Choices[i].Name == word {
			return &s.Choices[i], nil
		}
		names[i] = s.Choices[i].Name
	}
	hint := ""
	if near := nearest(word, names); near != "" {
		hint = fmt.Sprintf("; did you mean `%s`?", near)
	}
	return nil, fmt.Errorf("`%s` is not a value of `%s`; it is one of %s%s", word, s.Key, strings.Join(names, ", "), hint)
}

// number checks one number of the setting.
func (s *Setting) number(x float64) error {
	switch {
	case math.IsNaN(x):
		return fmt.Errorf("`%s` is not a number", s.Key)
	case math.IsInf(x, 0):
		return fmt.Errorf("`%s` must be finite", s.Key)
	case s.Kind == Int && (x != math.Trunc(x) || math.Abs(x) > 1<<53):
		return fmt.Errorf("`%s` is a whole number, not %g", s.Key, x)
	case s.Max > s.Min && (x < s.Min || x > s.Max):
		return fmt.Errorf("`%s` must be %s, not %g", s.Key, s.bounds(), x)
	}
	return nil
}

// unbounded is where an upper bound only keeps out what no computer can use.
const unbounded = 1e300

// bounds spells the range of a number; empty if there is none.
func (s *Setting) bounds() string {
	switch {
	case !(s.Max > s.Min):
		return ""
	case s.Max < unbounded:
		return fmt.Sprintf("between %s and %s", decimal(s.Min), decimal(s.Max))
	case s.Min > 0 && s.Min < 1/unbounded:
		return "above 0"
	}
	return "at least " + decimal(s.Min)
}

// decimal writes a number as short as it reads back.
func decimal(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// UnknownError is a key that is not in the table.
type UnknownError struct {
	Key  string
	Keys []string // those that are
}

func (e *UnknownError) Error() string {
	keys := slices.Sorted(slices.Values(e.Keys))
	keys = slices.Compact(keys)
	if near := nearest(e.Key, keys); near != "" {
		return fmt.Sprintf("there is no setting `%s`; did you mean `%s`? There are %s", e.Key, near, strings.Join(keys, ", "))
	}
	return fmt.Sprintf("there is no setting `%s`; there are %s", e.Key, strings.Join(keys, ", "))
}

// nearest is the candidate fewest edits away, if these are less than half of
// the word; else empty.
func nearest(word string, candidates []string) string {
	best, at := "", (len(word)+1)/2
	for _, c := range candidates {
		if d := edits(word, c); d < at {
			best, at = c, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
