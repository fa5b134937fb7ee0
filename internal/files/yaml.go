package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// YAML decodes the one document of a text into a value. What is said of another document than the one wanted is in the words of
// who wrote it.
func YAML(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil // nothing is there
	}
	if err == nil {
		if more := d.Decode(new(yaml.Node)); !errors.Is(more, io.EOF) {
			return errors.New("there is a second document behind `---`, of which nothing would be read")
		}
	}
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
