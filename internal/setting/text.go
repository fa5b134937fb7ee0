package setting

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Set sets a dotted path from text, as a flag or a configuration file does:
// `optimizer` to `adam { lr: 0.1 } then lbfgs`. `optimizer.lr` sets that option
// in every stage of the chain that has it, `optimizer.adam.lr` in the stages of
// that name. After an error nothing has changed.
func (v *Values) Set(path, text, origin string) error {
	w := v.Clone()
	if err := w.setPath(path, strings.TrimSpace(text), origin); err != nil {
		return err
	}
	v.set = w.set
	return nil
}

func (v *Values) setPath(path, text, origin string) error {
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
		list := []float64{}
		for _, part := range items(text) {
			x, err := number(part)
			if err != nil {
				return fmt.Errorf("`%s` is a list of numbers, not `%s`", key, text)
			}
			list = append(list, x)
		}
		return v.SetList(key, list, origin)
	case Words:
		return v.SetWords(key, items(text), origin)
	case Word:
		_, err := v.SetWord(key, text, origin)
		return err
	}
	return v.setChain(s, text, origin)
}

// setChain reads `adam { lr: 0.1 } then lbfgs`, or, where the only choice has
// the setting's name, `{ patience: 10 }`.
func (v *Values) setChain(s *Setting, text, origin string) error {
	for i, part := range split(" "+strings.Join(strings.Fields(text), " ")+" ", " then ") {
		name, body, block := strings.Cut(part, "{")
		name = strings.TrimSpace(name)
		if block {
			inner, ok := strings.CutSuffix(strings.TrimSpace(body), "}")
			if !ok {
				return fmt.Errorf("`%s`: the block of `%s` is not closed by `}`", s.Key, name)
			}
			body = inner
		} else if word, more, ok := strings.Cut(name, " "); ok {
			return fmt.Errorf("`%s`: options stand in braces, `%s { key: value }`, not `%s`", s.Key, word, more)
		}
		if name == "" && len(s.Choices) == 1 {
			name = s.Choices[0].Name
		}
		opts, err := v.stage(s, i, name, origin)
		if err != nil {
			return err
		}
		for _, item := range split(body, ",") {
			if item == "" {
				continue
			}
			key, value, ok := strings.Cut(item, ":")
			if !ok {
				return fmt.Errorf("`%s`: an option is written `key: value`, not `%s`", s.Key, item)
			}
			if err := opts.Set(strings.TrimSpace(key), value, origin); err != nil {
				return err
			}
		}
	}
	return nil
}

// stage sets the first stage of a chain or adds one.
func (v *Values) stage(s *Setting, i int, name, origin string) (*Values, error) {
	if i == 0 {
		return v.SetWord(s.Key, name, origin)
	}
	return v.AddStage(s.Key, name)
}

func (v *Values) setInStages(s *Setting, rest, text, origin string) error {
	if v.set[s.Key] == nil && s.Default != "" { // make the default explicit
		if err := v.setPath(s.Key, s.Default, ""); err != nil {
			return err
		}
	}
	var stages []Stage
	if e := v.set[s.Key]; e != nil {
		stages = e.stages
	}
	if len(stages) == 0 {
		return fmt.Errorf("`%s` is not set; its options can be set with it", s.Key)
	}
	first, option, deep := strings.Cut(rest, ".")
	done := false
	var names, keys []string
	for _, st := range stages {
		names, keys = append(names, st.Name), append(keys, st.Options.table.Keys()...)
		path := rest
		if deep && st.Name == first {
			path = option
		} else if st.Options.table.Find(first) == nil {
			continue
		}
		if err := st.Options.Set(path, text, origin); err != nil {
			return err
		}
		done = true
	}
	switch {
	case done:
		return nil
	case deep:
		return fmt.Errorf("`%s` has no stage `%s`; it is %s", s.Key, first, strings.Join(names, " then "))
	}
	return &UnknownError{first, keys}
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

// items are the parts of a list, `[a, b]` or `a, b`.
func items(text string) []string {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			text = inner
		}
	}
	if strings.TrimSpace(text) == "" {
		return []string{}
	}
	return split(text, ",")
}

// split cuts text at a separator outside of brackets and braces.
func split(text, sep string) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(text[i:], sep) {
			out = append(out, strings.TrimSpace(text[from:i]))
			from = i + len(sep)
			i = from - 1
		}
	}
	return append(out, strings.TrimSpace(text[from:]))
}

// SetTree sets what nested maps say, as YAML is decoded and as Tree returns
// them. A chain is a word, a map of one word to its options, or a list of
// these; a map of options alone changes those of the stages that are there.
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
		}
		if err != nil {
			return err
		}
	}
	v.set = w.set
	return nil
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
	o, err := v.stage(s, i, name, origin)
	if err != nil {
		return err
	}
	return o.SetTree(opts, origin)
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
		case Word:
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
