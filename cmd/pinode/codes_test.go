package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// printedCodes are the codes that stand in the source of the whole module: first
// arguments of Errorf and Warnf of a list of diagnostics, and error[…] in texts.
func printedCodes(t *testing.T) map[string]token.Position {
	t.Helper()
	fset := token.NewFileSet()
	packages := map[string][]*ast.File{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "tools" || strings.HasPrefix(d.Name(), "_") || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], f)
		return err
	}))
	out := map[string]token.Position{}
	code := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	inText := regexp.MustCompile(`error\[([a-z-]+)\]`)
	for _, files := range packages {
		named := constants(files)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BasicLit:
					if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
						for _, m := range inText.FindAllStringSubmatch(s, -1) {
							out[m[1]] = fset.Position(n.Pos())
						}
					}
				case *ast.CallExpr:
					f, ok := n.Fun.(*ast.SelectorExpr)
					if !ok || f.Sel.Name != "Errorf" && f.Sel.Name != "Warnf" || len(n.Args) < 3 {
						return true
					}
					if x, ok := f.X.(*ast.Ident); ok && x.Name == "fmt" {
						return true
					}
					c := ""
					switch a := n.Args[0].(type) {
					case *ast.BasicLit:
						c, _ = strconv.Unquote(a.Value)
					case *ast.Ident:
						c = named[a.Name]
					}
					if code.MatchString(c) {
						out[c] = fset.Position(n.Pos())
					} else if id, ok := n.Args[0].(*ast.Ident); !ok || id.Name != "code" {
						t.Errorf("%s: a code that is no constant", fset.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
	return out
}

// constants are the texts of the constants of a package, by name.
func constants(files []*ast.File) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							out[name.Name], _ = strconv.Unquote(lit.Value)
						}
					}
				}
			}
			return true
		})
	}
	return out
}

// TestCodesAreExplained: every code that can be printed is known to explain, and to
// docs/reference.md.
func TestCodesAreExplained(t *testing.T) {
	printed, known := printedCodes(t), explained()
	require.Greater(t, len(printed), 50)
	for c, at := range printed {
		_, ok := known[c]
		require.True(t, ok, "`%s`, printed at %s, is not explained", c, at)
	}
	for c := exitInternal; c <= exitInterrupted; c++ {
		require.Contains(t, known, codeOf(c))
	}
	page, err := os.ReadFile("../../docs/reference.md")
	require.NoError(t, err)
	for name, c := range known {
		require.Contains(t, string(page), "| `"+name+"` | ")
		require.NotEmpty(t, c.Title, name)
		require.NotEmpty(t, c.Explanation, name)
	}
}

// TestWordsAreExplained: every status of a fit and every word of a verdict is known to explain, and so are the words that
// are printed for them.
func TestWordsAreExplained(t *testing.T) {
	known := explained()
	for file, least := range map[string]int{"../../fit/state.go": 7, "../../internal/estimate/verdict.go": 5} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		words := constants([]*ast.File{f})
		require.GreaterOrEqual(t, len(words), least, file)
		for _, word := range words {
			c, ok := lookUp(known, []string{word})
			require.True(t, ok, "`%s` of %s is not explained", word, file)
			require.Equal(t, word, c.Name)
		}
	}
	for printed, name := range map[string]string{
		"not converged": "unconverged", "at its bound": "at-its-bound", "max time": "max_time", "Doubtful": "doubtful", "fixed": "fixed",
		"certified": "certified", "shallow-crossing": "shallow-crossing", "no_interval": "no-interval",
	} {
		c, ok := lookUp(known, strings.Fields(printed))
		require.True(t, ok, printed)
		require.Equal(t, name, c.Name)
	}
	_, ok := lookUp(known, []string{"not"})
	require.False(t, ok)
}

// TestCommandsAreDescribed: docs/commands.md has each command, and the documentation each of its flags.
func TestCommandsAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../../docs/commands.md")
	require.NoError(t, err)
	var all strings.Builder
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(text)
	}
	seen, flags := 0, 0
	for _, c := range (&app{}).root().Commands() {
		if c.Hidden {
			continue
		}
		seen++
		if !strings.Contains(string(page), "pinode "+c.Name()) && !strings.Contains(string(page), "`"+c.Name()) {
			t.Errorf("docs/commands.md does not have the command %s", c.Name())
		}
		for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[\w-]+)`).FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
			if flags++; !strings.Contains(all.String(), m[1]) {
				t.Errorf("no page of docs has the flag %s of %s", m[1], c.Name())
			}
		}
	}
	require.Greater(t, seen, 10)
	require.Greater(t, flags, 40)
}
