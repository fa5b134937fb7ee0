package setting

import (
	"fmt"
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
	case File:
		_, err := v.SetWord(key, strings.Trim(text, `"`), origin)
		return err
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
