package setting

import (
	"slices"
	"strings"
)

// Complete lists what may stand for a text that begins a setting, `key=value` with a dotted key: keys with
// `=` behind them, or with `.` where they have options, and the words that a value may be.
func (t Table) Complete(text string) []string {
	list := t.complete(text)
	slices.Sort(list)
	return slices.Compact(list)
}

func (t Table) complete(text string) (list []string) {
	key, value, given := strings.Cut(text, "=")
	if head, rest, dotted := strings.Cut(key, "."); dotted {
		if given {
			rest += "=" + value
		}
		if s := t.Find(head); s != nil {
			return s.inside(rest)
		}
		return nil
	}
	if given {
		if s := t.Find(key); s != nil {
			return s.words(value)
		}
		return nil
	}
	for i := range t {
		s := &t[i]
		if !strings.HasPrefix(s.Key, key) {
			continue
		}
		list = append(list, s.Key+"=")
		if slices.ContainsFunc(s.Choices, func(c Choice) bool { return len(c.Options) > 0 }) {
			list = append(list, s.Key+".")
		}
	}
	return list
}

// inside completes an option of any choice, or one of a choice by its name.
func (s *Setting) inside(text string) (list []string) {
	name, rest, named := strings.Cut(text, ".")
	for _, c := range s.Choices {
		for _, o := range c.Options.complete(text) {
			list = append(list, s.Key+"."+o)
		}
		switch {
		case len(c.Options) == 0 || c.Name == s.Key: // a bare block has no name
		case named && c.Name == name:
			for _, o := range c.Options.complete(rest) {
				list = append(list, s.Key+"."+name+"."+o)
			}
		case !named && strings.HasPrefix(c.Name, text):
			list = append(list, s.Key+"."+c.Name+".")
		}
	}
	return list
}

// words completes a value.
func (s *Setting) words(text string) (list []string) {
	if s.Kind == Bool {
		return []string{s.Key + "=false", s.Key + "=true"}
	}
	for _, c := range s.Choices {
		if strings.HasPrefix(c.Name, text) && c.Name != s.Key {
			list = append(list, s.Key+"="+c.Name)
		}
	}
	return list
}
