package files

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// YAML decodes a document into a value. What is said of another document than the one wanted is in the words of
// who wrote it.
func YAML(text []byte, into any) error {
	err := yaml.Unmarshal(text, into)
	var kinds *yaml.TypeError
	if errors.As(err, &kinds) {
		list := make([]string, len(kinds.Errors))
		for i, e := range kinds.Errors {
			list[i] = wrongKind.ReplaceAllStringFunc(e, func(s string) string {
				m := wrongKind.FindStringSubmatch(s)
				return fmt.Sprintf("there is %s where %s wanted", kindOf(m[1]), wantedOf(m[2]))
			})
		}
		return errors.New(strings.Join(list, "; "))
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return nil
}

var wrongKind = regexp.MustCompile("cannot unmarshal !!(\\w+)(?: `[^`]*`)? into (.+)$")

func kindOf(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a map"
	case "int", "float":
		return "a number"
	case "bool":
		return "a truth value"
	}
	return "a text"
}

func wantedOf(kind string) string {
	switch {
	case strings.HasPrefix(kind, "float") || strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint"):
		return "a number is"
	case kind == "string":
		return "a text is"
	case kind == "bool":
		return "a truth value is"
	case strings.HasPrefix(kind, "[]"):
		return "a list is"
	}
	return "names with values, `name: value`, are"
}
