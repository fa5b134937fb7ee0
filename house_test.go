package pinode

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bounds of what one reads at a time. What is larger stands in allowed, with a
// reason, or is cut at its seams.
const (
	maxLines   = 80 // of a function
	maxFields  = 20 // of a struct, embedded ones as one
	maxMethods = 30 // of a type
)

// allowance is how large something may be that is above a bound, and why.
type allowance struct {
	size int
	why  string
}

// allowed are those that may be larger, by what is counted, package and name.
var allowed = map[string]allowance{
	// A case for each kind of thing, or a row: longer only by being more.
	"lines of autodiff.pattern.visit":    {102, "a flat switch over operations"},
	"lines of dsl.printer.decl":          {110, "a flat switch over declarations"},
	"fields of internal/scalar.format":   {24, "a table of constants"},
	"methods of compiler/ir.Builder":     {54, "a method for each operation"},
	"methods of cmd/pinode.app":          {56, "a method or two for each command"},
	"methods of dsl.printer":             {62, "a method for each construct of the language"},
	"methods of dsl.reader":              {53, "a method for each construct of the language"},
	"methods of internal/setting.Values": {34, "a getter and a setter for each kind of value"},

	// To be cut.
	"fields of solvers.Block":         {22, "to be cut"},
	"lines of autodiff/interval.init": {82, "a table of rules"},
	"fields of compiler/check.Model":  {23, "a list for each kind of declaration"},
}

// measured are the lines of the functions, the fields of the structs and the methods of the
// types of the module, tests aside, by package and name.
func measured(t *testing.T) (lines, fields, methods map[string]int) {
	t.Helper()
	lines, fields, methods = map[string]int{}, map[string]int{}, map[string]int{}
	fset := token.NewFileSet()
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.ContainsAny(d.Name()[:1], "._") || d.Name() == "tools":
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil || ast.IsGenerated(f) {
			return err
		}
		of := filepath.ToSlash(filepath.Dir(path)) + "."
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if r := receiver(d); r != "" {
					methods[of+r]++
					name = r + "." + name
				}
				lines[of+name] = fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok {
						if st, ok := ts.Type.(*ast.StructType); ok {
							for _, x := range st.Fields.List {
								fields[of+ts.Name.Name] += max(1, len(x.Names))
							}
						}
					}
				}
			}
		}
		return nil
	}))
	return lines, fields, methods
}

// receiver is the type of a method, "" of a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	x := d.Recv.List[0].Type
	if s, ok := x.(*ast.StarExpr); ok {
		x = s.X
	}
	if s, ok := x.(*ast.IndexExpr); ok {
		x = s.X
	}
	return x.(*ast.Ident).Name
}

// TestSizes: functions, structs and types are within the bounds, or where allowed says,
// and what it allows is needed.
func TestSizes(t *testing.T) {
	lines, fields, methods := measured(t)
	require.Greater(t, len(lines), 1000)
	needed := map[string]bool{}
	check := func(what string, of map[string]int, most int) {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			n := of[name]
			if n <= most {
				continue
			}
			key := what + " " + name
			needed[key] = true
			if a := allowed[key]; n > a.size {
				t.Errorf("%s: %d, of at most %d", key, n, max(most, a.size))
			}
		}
	}
	check("lines of", lines, maxLines)
	check("fields of", fields, maxFields)
	check("methods of", methods, maxMethods)
	for key, a := range allowed {
		require.NotEmpty(t, a.why, key)
		if !needed[key] {
			t.Errorf("%s needs no allowance any more", key)
		}
	}
}

// TestPathsInDocs: the files that the pages for contributors name with their folders are
// there.
func TestPathsInDocs(t *testing.T) {
	for _, page := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md", "bench/README.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile("`([a-z_]+/[a-z_/]+\\.go)`").FindAllSubmatch(text, -1) {
			require.FileExists(t, string(m[1]), page)
		}
	}
}
