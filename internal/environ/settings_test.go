package environ

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/setting"
)

// readers are the methods of resolved settings that give a value.
var readers = []string{"Float", "Int", "Bool", "Word", "List", "Words", "Stages"}

// keysRead are the last parts of the paths of all settings that some function outside of tests reads.
func keysRead(t *testing.T) map[string]bool {
	t.Helper()
	constants, args := map[string]string{}, map[string]bool{}
	keys := map[string]bool{}
	collect := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil {
				keys[text[strings.LastIndex(text, ".")+1:]] = true
			}
		case *ast.Ident:
			args[n.Name] = true
		}
		return true
	}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if s, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 1 && slices.Contains(readers, s.Sel.Name) {
					ast.Inspect(n.Args[0], collect)
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if i < len(n.Values) {
						if l, ok := n.Values[i].(*ast.BasicLit); ok && l.Kind == token.STRING {
							constants[name.Name], _ = strconv.Unquote(l.Value)
						}
					}
				}
			}
			return true
		})
		return nil
	}))
	for name := range args {
		if text, ok := constants[name]; ok {
			keys[text] = true
		}
	}
	return keys
}

// TestSettingsAreRead: something reads each setting that a file may give.
func TestSettingsAreRead(t *testing.T) {
	read, seen := keysRead(t), 0
	var look func(path string, table setting.Table)
	look = func(path string, table setting.Table) {
		for _, s := range table {
			seen++
			if !read[s.Key] && s.Kind != setting.Chain { // of which the options are read
				t.Errorf("nothing reads the setting %s%s", path, s.Key)
			}
			for _, c := range s.Choices {
				look(path+s.Key+"."+c.Name+".", c.Options)
			}
		}
	}
	env := Env()
	for name, table := range map[string]setting.Table{"fit.": env.Fit, "simulate.": env.Simulate, "neural.": env.Neural, "network.": env.Network} {
		look(name, table)
	}
	require.Greater(t, seen, 100)
	require.False(t, read["no_such_setting"])
}
