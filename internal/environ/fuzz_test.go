package environ_test

import (
	"testing"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/environ"
)

const fuzzed = "model M {\n  param k in (0, 1) = 0.5\n  state x = 1\n  x' = -k*x\n}\nsimulate { until: 1 }\n"

// FuzzSettings: no name and no text of a setting makes it panic, and what is taken is given back.
func FuzzSettings(f *testing.F) {
	for _, s := range [][2]string{{"optimizer.lr", "0.1"}, {"optimizer", "adam then lbfgs"}, {"solver", "rk4"}, {"stop.patience", "-1"}, {"seed", "18446744073709551615"}, {"a..b", "[1, 2"}, {"", ""}} {
		f.Add(s[0], s[1])
	}
	prog, diags := compiler.CompileSource(diag.NewSource("m.node", fuzzed), nil)
	if diags.Err() != nil {
		f.Fatal(diags)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		fit, simulate := environ.Settings(prog.Checked)
		for _, v := range []interface {
			Set(path, value, origin string) error
			SetTree(tree map[string]any, origin string) error
			Tree() map[string]any
		}{fit.Clone(), simulate.Clone()} {
			if v.Set(key, value, "fuzz") == nil {
				if err := v.SetTree(v.Tree(), "fuzz"); err != nil {
					t.Fatalf("%s=%s is taken and not given back: %s", key, value, err)
				}
			}
		}
	})
}

// FuzzCheck: no text makes the parser, the checker or what is behind them panic.
func FuzzCheck(f *testing.F) {
	f.Add(fuzzed)
	f.Add("model M {\n  unit q = 3 m\n  state x[2]: q = [1, 2]\n  discrete d = 0\n  x' = if d > 0 then x else -x\n  event e when x[0] > 1 { d := 1 }\n  observe y = x[0] ~ normal(0.1)\n}\ndata t from \"t.csv\" { time: t, y: y }\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			return
		}
		_, _ = compiler.CompileSource(diag.NewSource("m.node", text), nil)
	})
}
