package dsl

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

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
		if !v.IsZero() {
			fmt.Fprintf(w, "%s%s%v\n", indent, name, v.Interface())
		}
	}
}

func dumpFields(w io.Writer, v reflect.Value, depth int) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.Name == "At" || f.Name == "OpSp":
		case f.Anonymous:
			dumpFields(w, v.Field(i), depth)
		default:
			dump(w, v.Field(i), f.Name, depth)
		}
	}
}
