package dsl

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
)

var typeType = reflect.TypeFor[Type]()

// Dump prints the syntax tree, one node a line, without places.
func Dump(w io.Writer, f *File) {
	for _, d := range f.Decls {
		dump(w, reflect.ValueOf(d), "", 0)
	}
}

func dump(w io.Writer, v reflect.Value, name string, depth int) {
	indent := strings.Repeat("  ", depth)
	if name != "" {
		name += ": "
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			dump(w, v.Elem(), strings.TrimSuffix(name, ": "), depth)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			fmt.Fprintf(w, "%s%s\n", indent, strings.TrimSuffix(name, " "))
			for i := range v.Len() {
				dump(w, v.Index(i), "", depth+1)
			}
		}
	case reflect.Struct:
		if id, ok := v.Interface().(Ident); ok {
			if id.Name != "" {
				fmt.Fprintf(w, "%s%s%s\n", indent, name, id.Name)
			}
			return
		}
		fmt.Fprintf(w, "%s%s%s\n", indent, name, v.Type().Name())
		dumpFields(w, v, depth+1)
	default:
		if v.IsZero() && name != "Kind: " && name != "Value: " { // where zero says something
			return
		}
		text := fmt.Sprint(v.Interface())
		if v.Kind() == reflect.String && quoted(text) {
			text = fmt.Sprintf("%q", text)
		}
		fmt.Fprintf(w, "%s%s%s\n", indent, name, text)
	}
}

// quoted reports whether a text needs quotes to stand on one line by itself.
func quoted(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r == '"' || !unicode.IsPrint(r) }) || strings.TrimSpace(s) != s
}

func dumpFields(w io.Writer, v reflect.Value, depth int) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.Name == "At" || f.Name == "OpSp":
		case f.Type == typeType && len(v.Field(i).Interface().(Type).Dims) == 0 && v.Field(i).Interface().(Type).Unit == nil:
		case f.Anonymous:
			dumpFields(w, v.Field(i), depth)
		default:
			dump(w, v.Field(i), f.Name, depth)
		}
	}
}
