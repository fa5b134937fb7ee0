package lower_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGraphs: the models of testdata have the graphs of the golden files beside them.
func TestGraphs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			m, diags := lowered(t, string(text))
			require.NoError(t, diags.Err())
			golden := strings.TrimSuffix(name, ".node") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(printed(m)), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), printed(m))
		})
	}
}

// printed is the text of a lowered model: the graphs, and beside them what says how
// they are used.
func printed(m *lower.Model) string {
	var b strings.Builder
	graph := func(name string, n *ir.Node) {
		if n != nil {
			fmt.Fprint(&b, &ir.Graph{Name: name, Outputs: []ir.Output{{Name: "v", Node: n}}})
		}
	}
	graph("rhs", m.RHS)
	graph("init.y", m.InitY)
	graph("init.d", m.InitD)
	for i, g := range m.Guards {
		fmt.Fprintf(&b, "guard %d: %s, flag %v\n", i, g.Text, g.Flag)
		graph("guard", g.Node)
	}
	for _, w := range m.Switches {
		fmt.Fprintf(&b, "switch: mode %d, guard %d, corner %v, at zero %g, floor %v, trigger %d\n", w.Mode, w.Guard, w.Corner, w.AtZero, w.Floor, w.Trigger)
	}
	for _, e := range m.Events {
		fmt.Fprintf(&b, "event %s: targets %v, adds %v, rest %v\n", e.Checked.Name, e.Targets, e.Adds, e.RestTargets)
		if e.Cond != nil {
			fmt.Fprintf(&b, "  condition %d on guard %d, inclusive %v\n", e.Cond.Op, e.Cond.Guard, e.Cond.Inclusive)
		}
		graph("time", e.Time)
		graph("rate", e.Rate)
		graph("jump", e.Jump)
		graph("rest", e.Rest)
		graph("sliding.jump", e.Sliding.Jump)
	}
	for i, n := range m.Acting {
		graph(fmt.Sprintf("acting%d", i), n)
	}
	graph("pred", m.Pred)
	graph("row", m.Row)
	graph("counts", m.Counts)
	graph("outputs", m.Outputs)
	graph("conserved", m.Conserved)
	for _, p := range m.Penalties {
		fmt.Fprintf(&b, "penalty %s: state %d, weight %g\n", p.Name, p.State, p.Weight)
	}
	for _, p := range m.Priors {
		graph("prior."+p.Param.Name, p.Node)
	}
	for _, s := range m.Layout.Weights {
		fmt.Fprintf(&b, "weight %s: %s at %d\n", s.Name, s.Shape, s.Off)
	}
	for _, s := range m.Layout.Scales {
		fmt.Fprintf(&b, "scale %d of %s: %d at %d, fixed %v\n", s.Kind, s.Object.Info().Name, s.N, s.Off, s.Fixed)
	}
	return b.String()
}
