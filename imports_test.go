package pinode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayImport is the map of packages: what each may import of ours. Two towers
// that meet only in the bridge, the packages from internal/environ on: the language
// knows graphs and no time stepping, the numerics slices and no syntax. Changing it
// is a decision of its own.
var mayImport = map[string]string{
	"dsl/diag":                     "",
	"internal/setting":             "",
	"internal/files":               "",
	"internal/scalar":              "",
	"internal/testseed":            "",
	"internal/sparse":              "internal/kernel",
	"internal/collocation":         "",
	"internal/stepsize":            "internal/scalar",
	"internal/scalar/gen":          "internal/scalar",
	"internal/kernel":              "internal/scalar",
	"internal/jit":                 "internal/scalar",
	"physics/units":                "",
	"compiler/ir":                  "internal/scalar",
	"data":                         "dsl/diag internal/files",
	"data/parquet":                 "data",
	"dsl":                          "dsl/diag",
	"physics":                      "physics/units compiler/ir",
	"compiler/nn":                  "compiler/ir internal/setting",
	"autodiff":                     "compiler/ir",
	"autodiff/interval":            "compiler/ir",
	"compiler/opt":                 "compiler/ir",
	"compiler/exec":                "compiler/ir internal/kernel internal/jit internal/scalar",
	"compiler/place":               "compiler/exec compiler/ir",
	"compiler/check":               "dsl dsl/diag internal/collocation internal/setting physics/units",
	"compiler/linear":              "compiler/ir",
	"compiler/lower":               "compiler/check compiler/ir compiler/linear compiler/nn compiler/place autodiff dsl physics dsl/diag",
	"compiler/step":                "autodiff autodiff/interval compiler/exec compiler/ir compiler/linear compiler/lower compiler/opt compiler/place internal/stepsize",
	"compiler":                     "compiler/check compiler/exec compiler/ir compiler/lower compiler/nn compiler/opt compiler/place compiler/step autodiff autodiff/interval dsl physics dsl/diag internal/environ internal/setting internal/sparse",
	"solvers":                      "internal/collocation internal/kernel internal/scalar internal/sparse internal/stepsize",
	"events":                       "solvers",
	"jumps":                        "events solvers",
	"sim":                          "internal/sparse internal/stepsize solvers events jumps",
	"sim/simtest":                  "internal/sparse internal/stepsize solvers sim",
	"fit":                          "internal/kernel internal/setting",
	"internal/environ":             "compiler/check compiler/nn fit internal/files internal/setting solvers",
	"internal/explain":             "compiler compiler/check compiler/lower dsl dsl/diag sim",
	"internal/engine":              "compiler compiler/exec compiler/lower compiler/place compiler/step data dsl dsl/diag events internal/setting internal/sparse sim solvers",
	"internal/problem":             "compiler compiler/check compiler/lower data dsl dsl/diag fit sim",
	"internal/problem/problemtest": "compiler data internal/engine internal/problem",
	"internal/encoder":             "internal/engine internal/explain internal/problem compiler compiler/exec compiler/lower sim",
	"internal/loss":                "internal/encoder internal/engine internal/explain internal/problem compiler compiler/check compiler/exec compiler/ir compiler/lower compiler/place data dsl/diag fit sim solvers",
	"internal/start":               "internal/engine internal/problem compiler compiler/check compiler/exec compiler/lower compiler/nn compiler/place data dsl fit sim",
	"internal/field":               "autodiff compiler/exec compiler/lower compiler/place fit internal/kernel internal/problem",
	"internal/simulate":            "internal/encoder internal/engine internal/explain internal/field internal/problem internal/setting internal/start compiler compiler/check compiler/exec compiler/lower data dsl dsl/diag fit sim solvers",
	"internal/gradcheck":           "internal/engine internal/explain internal/loss internal/problem internal/simulate compiler compiler/exec compiler/ir compiler/lower fit sim",
	"internal/estimate":            "internal/engine internal/explain internal/field internal/gradcheck internal/loss internal/problem internal/simulate internal/setting internal/start compiler compiler/check compiler/exec compiler/lower data dsl/diag fit sim",
	"distill":                      "",
	"internal/distill":             "distill compiler compiler/check dsl dsl/diag internal/engine internal/environ internal/estimate internal/problem internal/setting",
	"":                             "distill compiler compiler/check data dsl dsl/diag fit internal/distill internal/engine internal/environ internal/estimate internal/explain internal/files internal/gradcheck internal/problem internal/report internal/setting internal/simulate sim",
	"internal/report":              "internal/estimate internal/explain internal/files internal/problem internal/simulate compiler compiler/lower data fit",
	"internal/report/figures":      "internal/files internal/report data",
}

// overFacade are the packages that use the facade, as others do, and what they need
// besides.
var overFacade = map[string]string{
	"cmd/pinode":       "bench data/parquet dsl dsl/diag fit internal/distill internal/files internal/report internal/report/figures models/published",
	"models/published": "internal/files internal/report/figures",
	"bench":            "dsl/diag fit",
	"bench/fits":       "",
	"tools/mutate":     "",
	"tools/notices":    "",
	"docs/gen":         "compiler/check compiler/nn dsl/diag internal/environ internal/explain internal/report/figures internal/setting physics physics/units solvers",
}

func TestImports(t *testing.T) {
	const module = "github.com/pinode/pinode"
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	require.NoError(t, err)
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		seen++
		allowed, over := overFacade[name]
		if !over {
			var known bool
			allowed, known = mayImport[name]
			require.True(t, known, "package %s is not on the map", name)
		}
		for _, imp := range p.Imports {
			ours, ok := strings.CutPrefix(imp, module+"/")
			if !ok {
				require.True(t, imp != module || over, "%s imports the facade", name)
				continue
			}
			require.Contains(t, strings.Fields(allowed), ours, "%s may not import %s", name, ours)
		}
	}
	require.Greater(t, seen, 15)
}

// TestFacadeIsSmall: the root package has types and conversions, and computes nothing.
func TestFacadeIsSmall(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	lines := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		lines += bytes.Count(text, []byte("\n"))
	}
	require.Positive(t, lines)
	require.LessOrEqual(t, lines, 1000)
}
