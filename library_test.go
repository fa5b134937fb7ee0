package pinode

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestModuleOfItsOwn: a program outside of this module fits, evaluates and simulates a
// model, and uses its equations with an optimiser and solvers of others.
func TestModuleOfItsOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a program")
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(mod), "\n")
	files := map[string]string{
		"go.mod": "module example.com/library\n" + rest + "\nrequire github.com/pinode/pinode v0.0.0\n\nreplace github.com/pinode/pinode => " + here + "\n",
		"decay.node": `model Decay {
  param k in (0, inf) = 0.3
  state x = 1
  x' = -k*x
  observe y = x ~ normal(0.01)
}
data d from "d.csv" { time: t; y: y }
fit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }
simulate { solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`,
	}
	table, likelihood := "t,y\n", 0.
	for i, off := range []float64{0.01, -0.005, 0, 0.005, -0.01} {
		table += fmt.Sprintf("%d,%.17g\n", i, math.Exp(-0.7*float64(i))+off)
		likelihood -= 0.5*(off/0.01)*(off/0.01) + math.Log(0.01*math.Sqrt(2*math.Pi))
	}
	files["d.csv"] = table
	for _, name := range []string{"go.sum", "testdata/library/main.go"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		files[filepath.Base(name)] = string(text)
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	c := exec.Command("go", "run", "-mod=mod", ".", "decay.node")
	c.Dir, c.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	var stderr strings.Builder
	c.Stderr = &stderr
	text, err := c.Output()
	require.NoError(t, err, stderr.String())
	got := map[string]float64{}
	require.NoError(t, json.Unmarshal(text, &got))
	require.InDelta(t, got["fitted k"], got["k by gonum"], 1e-6)
	require.InDelta(t, 0.7, got["fitted k"], 0.02)
	require.InDelta(t, likelihood, got["log-likelihood"], 1e-6)
	require.InDelta(t, math.Exp(-1), got["simulated x(2)"], 1e-8)
	require.InDelta(t, math.Pow(1-0.007, 100), got["x(1) by Euler"], 1e-13)
	require.InDelta(t, math.Pow(1+0.007, -100), got["x(1) by Euler backwards"], 1e-13)
	require.InDelta(t, 100*(1-math.Pow(0.5, 0.01)), got["k of Euler"], 1e-9)
}

// TestPublicSignatures: the packages that are the library show no internal type in what
// they export, and have no variable that others could change.
func TestPublicSignatures(t *testing.T) {
	const module = "github.com/pinode/pinode"
	for _, p := range typesOf(t, module, module+"/compiler", module+"/dsl/diag") {
		names := p.Scope().Names()
		require.NotEmpty(t, names)
		for _, name := range names {
			o := p.Scope().Lookup(name)
			if !o.Exported() {
				continue
			}
			_, isVar := o.(*types.Var)
			require.False(t, isVar, "%s.%s can be changed", p.Name(), name)
			for _, n := range shown(o) {
				if pkg := n.Obj().Pkg(); pkg != nil {
					require.NotContains(t, pkg.Path(), "/internal/", "%s.%s shows %s", p.Name(), name, n)
				}
			}
		}
	}
}

// typesOf are the types of packages, from what the compiler exports.
func typesOf(t *testing.T, paths ...string) (list []*types.Package) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}}"}, paths...)...).Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, path := range paths {
		p, err := from.Import(path)
		require.NoError(t, err)
		list = append(list, p)
	}
	return list
}

// shown are the named types in the declaration of an object: of a type those of its
// exported fields and methods.
func shown(o types.Object) (list []*types.Named) {
	var walk func(t types.Type)
	named := func(n *types.Named) {
		list = append(list, n)
		for i := range n.TypeArgs().Len() {
			walk(n.TypeArgs().At(i))
		}
	}
	walk = func(t types.Type) {
		switch t := types.Unalias(t).(type) {
		case *types.Named:
			named(t)
		case interface{ Elem() types.Type }: // pointers, slices, arrays, channels and maps
			walk(t.Elem())
			if m, ok := t.(*types.Map); ok {
				walk(m.Key())
			}
		case *types.Signature:
			for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
				for i := range tuple.Len() {
					walk(tuple.At(i).Type())
				}
			}
		case *types.Struct:
			for i := range t.NumFields() {
				if f := t.Field(i); f.Exported() {
					walk(f.Type())
				}
			}
		case *types.Interface:
			for i := range t.NumMethods() {
				if m := t.Method(i); m.Exported() {
					walk(m.Type())
				}
			}
		}
	}
	tn, isType := o.(*types.TypeName)
	if !isType || tn.IsAlias() {
		walk(o.Type())
		return list
	}
	walk(o.Type().Underlying())
	methods := types.NewMethodSet(types.NewPointer(o.Type()))
	for i := range methods.Len() {
		if m := methods.At(i).Obj(); m.Exported() {
			walk(m.Type())
		}
	}
	return list
}

// TestShown: the walk finds types wherever a signature can have them.
func TestShown(t *testing.T) {
	const text = `package p
type a struct{}; type b struct{}; type c struct{}; type d struct{}; type e struct{}; type hidden struct{}
type T struct {
	A map[a][]*b
	f hidden
}
func (t *T) M(chan c) func(d) { return nil }
func (t T) m(hidden) {}
func F(interface{ N(...e) }) {}
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", text, 0)
	require.NoError(t, err)
	p, err := (&types.Config{}).Check("p", fset, []*ast.File{file}, nil)
	require.NoError(t, err)
	names := func(name string) (list []string) {
		for _, n := range shown(p.Scope().Lookup(name)) {
			list = append(list, n.Obj().Name())
		}
		return list
	}
	require.ElementsMatch(t, []string{"a", "b", "c", "d"}, names("T"))
	require.Equal(t, []string{"e"}, names("F"))
}

// TestLibraryManyGoroutines: a model and its program serve eight goroutines at once,
// which simulate, evaluate, fit, change settings and use the equations, and get what
// each gets alone.
func TestLibraryManyGoroutines(t *testing.T) {
	m := fromText(t, `model Drop {
  param k in (0, inf) = 0.6
  param e in (0, 1) = 0.7
  state h = 1
  state v = 0
  h' = v
  v' = -9.81 - k*v
  event bounce when h <= 0 { v := -e*v }
  observe y = h ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y }
fit { optimizer: adam { epochs: 3, lr: 0.01 } }
simulate { until: 1 }`, "t,y\n0,1\n0.3,0.6\n0.6,0.2\n0.9,0.4\n")
	work := func() ([]float64, error) {
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		if err != nil {
			return nil, err
		}
		e, err := m.Evaluate(t.Context(), EvaluateOptions{Workers: 2})
		if err != nil {
			return nil, err
		}
		f, err := m.Fit(t.Context(), FitOptions{Workers: 2})
		if err != nil {
			return nil, err
		}
		rhs, err := m.Program().RHS()
		if err != nil {
			return nil, err
		}
		dy := make([]float64, 2)
		rhs.Eval(0, []float64{1, 2}, []float64{0.6, 0.7}, dy)
		h := s.Column("h")
		return append(dy, h[len(h)-1], e.Loss, e.Gradient.Params["e"], f.Params["k"].Value), nil
	}
	want, err := work()
	require.NoError(t, err)
	require.InDelta(t, -9.81-0.6*2, want[1], 1e-12)
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			for range 3 {
				if err := m.Set("fit.certificate", []string{"off", "quick"}[g%2], "a goroutine"); err != nil {
					t.Error(err)
				}
				_ = m.Settings()
				got, err := work()
				if err != nil || !slices.Equal(want, got) {
					t.Errorf("%v, alone %v: %v", got, want, err)
					return
				}
			}
		})
	}
	wait.Wait()
}
