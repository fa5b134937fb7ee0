package setting

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// SetTree sets what nested maps say, as YAML is decoded and as Tree returns
// them. A chain is a word, a map of one word to its options, or a list of
// these; a map of options alone changes those of the stages that are there.
// What is at its default counts as not given, unless it was given as that before, so that
// what Tree returns is taken back: in the place of some defaults values are found from data.
// After an error nothing has changed.
func (v *Values) SetTree(tree map[string]any, origin string) error {
	w := v.Clone()
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		s := w.table.Find(key)
		if s == nil {
			return &UnknownError{key, w.table.Keys()}
		}
		var err error
		if s.Kind == Chain {
			err = w.setChainTree(s, tree[key], origin)
		} else {
			var text string
			if text, err = scalars(key, tree[key]); err == nil {
				err = w.Set(key, text, origin)
			}
			if err == nil && atDefault(w, s) && !(v.Given(key) && atDefault(v, s)) {
				delete(w.set, key)
			}
		}
		if err != nil {
			return err
		}
	}
	v.set = w.set
	return nil
}

// atDefault reports whether a value that was set is the default.
func atDefault(v *Values, s *Setting) bool {
	if s.Default == "" {
		return false
	}
	is, plain := v.Tree()[s.Key], New(v.table).Tree()[s.Key]
	return reflect.DeepEqual(is, plain)
}

func (v *Values) setChainTree(s *Setting, value any, origin string) error {
	switch x := value.(type) {
	case string:
		return v.Set(s.Key, x, origin)
	case map[string]any:
		if name, opts, ok := s.stageTree(x); ok {
			return v.stageOptions(s, 0, name, opts, origin)
		}
		if len(s.Choices) == 1 && s.Choices[0].Name == s.Key { // a bare block
			return v.stageOptions(s, 0, s.Key, x, origin)
		}
		for _, option := range slices.Sorted(maps.Keys(x)) {
			text, err := scalars(s.Key+"."+option, x[option])
			if err != nil {
				return err
			}
			if err := v.Set(s.Key+"."+option, text, origin); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, item := range x {
			switch item := item.(type) {
			case string:
				if _, err := v.stage(s, i, item, origin); err != nil {
					return err
				}
				continue
			case map[string]any:
				if name, opts, ok := s.stageTree(item); ok {
					if err := v.stageOptions(s, i, name, opts, origin); err != nil {
						return err
					}
					continue
				}
			}
			return fmt.Errorf("`%s`: stage %d must be a word, or a word with a map of options", s.Key, i+1)
		}
		if len(x) > 0 {
			return nil
		}
	}
	return fmt.Errorf("`%s` is %s, or a list of these", s.Key, s.Kind)
}

// stageTree reads a map of one choice to its options.
func (s *Setting) stageTree(m map[string]any) (name string, opts map[string]any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, value := range m {
		opts, isMap := value.(map[string]any)
		if slices.ContainsFunc(s.Choices, func(c Choice) bool { return c.Name == name }) && (isMap || value == nil) {
			return name, opts, true
		}
	}
	return "", nil, false
}

func (v *Values) stageOptions(s *Setting, i int, name string, opts map[string]any, origin string) error {
	var before *Values // the options of the same stage as they were
	if e := v.set[s.Key]; e != nil && i < len(e.stages) && e.stages[i].Name == name {
		before = e.stages[i].Options
	}
	o, err := v.stage(s, i, name, origin)
	if err != nil {
		return err
	}
	if err := o.SetTree(opts, origin); err != nil || before == nil {
		return err
	}
	for key, e := range before.set {
		if _, said := opts[key]; said && o.set[key] == nil && atDefault(before, before.table.Find(key)) { // given as its default
			o.set[key] = e
		}
	}
	return nil
}

// scalars writes a decoded value as text.
func scalars(key string, value any) (string, error) {
	switch x := value.(type) {
	case string:
		return x, nil
	case bool, int, int64, uint64:
		return fmt.Sprint(x), nil
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	case []float64:
		list := make([]any, len(x))
		for i, n := range x {
			list[i] = n
		}
		return scalars(key, list)
	case []string:
		return "[" + strings.Join(x, ", ") + "]", nil
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			var err error
			if parts[i], err = scalars(key, item); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case nil:
		return "", fmt.Errorf("`%s` has no value", key)
	}
	return "", fmt.Errorf("`%s` has no options of its own", key)
}

// Tree returns all settings, defaults included, as nested maps for YAML. What
// has neither a value nor a default is left out.
func (v *Values) Tree() map[string]any {
	out := map[string]any{}
	for _, s := range v.table {
		e := v.entry(s.Key)
		if e == nil {
			continue
		}
		switch s.Kind {
		case List:
			out[s.Key] = e.list
		case Words:
			out[s.Key] = e.words
		case Chain:
			var stages []any
			for _, st := range e.stages {
				if opts := st.Options.Tree(); len(opts) > 0 {
					stages = append(stages, map[string]any{st.Name: opts})
				} else {
					stages = append(stages, st.Name)
				}
			}
			out[s.Key] = stages
		case Word, File:
			out[s.Key] = e.text
		case Bool:
			out[s.Key] = e.text == "true"
		case Int:
			out[s.Key] = v.Int(s.Key)
		default:
			out[s.Key] = v.Float(s.Key)
		}
	}
	return out
}

// Walk calls f for every plain value that is set or has a default, in the
// order of the table, with its path and its origin; a chain is followed into
// the options of its stages, after a call for the chain itself as `a then b`.
func (v *Values) Walk(f func(path, value, origin string)) { v.walk("", f) }

func (v *Values) walk(prefix string, f func(path, value, origin string)) {
	for _, s := range v.table {
		e := v.entry(s.Key)
		if e == nil {
			continue
		}
		path := prefix + s.Key
		switch s.Kind {
		case List:
			parts := make([]string, len(e.list))
			for i, x := range e.list {
				parts[i] = decimal(x)
			}
			f(path, "["+strings.Join(parts, ", ")+"]", e.origin)
		case Words:
			f(path, "["+strings.Join(e.words, ", ")+"]", e.origin)
		case Chain:
			names := make([]string, len(e.stages))
			for i, st := range e.stages {
				names[i] = st.Name
			}
			f(path, strings.Join(names, " then "), e.origin)
			for _, st := range e.stages {
				st.Options.walk(path+"."+st.Name+".", f)
			}
		case Number, Int:
			f(path, decimal(v.Float(s.Key)), e.origin)
		default:
			f(path, e.text, e.origin)
		}
	}
}
