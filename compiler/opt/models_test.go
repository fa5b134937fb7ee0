package opt_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/dsl/diag"
)

// modelPart is the text of the first model of a file, without the blocks of
// data and settings that follow it.
func modelPart(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	i := strings.Index(string(text), "\n}\n")
	require.Positive(t, i, path)
	return string(text[:i+3])
}

// TestModels: the programs of the example models, with all derivatives, have
// the same values optimised, up to roundings.
func TestModels(t *testing.T) {
	files, err := filepath.Glob("../../models/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		p, diags := compiler.CompileSource(diag.NewSource(file, modelPart(t, file)), &check.Env{})
		require.NoError(t, diags.Err(), file)
		graphs := p.Graphs(compiler.Want{Reverse: true, Forward: true})
		after := opt.Optimize(p.Model.Builder, graphs)
		before, nodes := 0, 0
		frames, modules := make([]*exec.Frame, 2), make([]*exec.Module, 2)
		for i, g := range [][]*ir.Graph{graphs, after} {
			modules[i], err = exec.Compile(g, 1, exec.Double)
			require.NoError(t, err)
			frames[i] = modules[i].NewFrame()
		}
		for seed := range uint64(5) {
			for i, g := range graphs {
				before += len(g.Nodes())
				nodes += len(after[i].Nodes())
				rng := rand.New(rand.NewPCG(seed, 17))
				for _, n := range g.Nodes() {
					if n.Op != ir.OpInput {
						continue
					}
					for k := range n.Shape.Size() {
						v := 0.2 + rng.Float64()
						for _, f := range frames {
							if in := f.Input(n.Name); in != nil {
								in[k] = v
							}
						}
					}
				}
				for k, o := range g.Outputs {
					var out [2][]float64
					for i, m := range modules {
						p := m.Program(g.Name)
						clear(p.Output(frames[i], o.Name))
						p.Run(frames[i])
						out[i] = p.Output(frames[i], o.Name)
					}
					size := 1.
					for _, v := range out[0] {
						size = math.Max(size, math.Abs(v))
					}
					require.InDeltaSlice(t, out[0], out[1], 1e-12*size, "%s: %s, output %s", file, g.Name, after[i].Outputs[k].Name)
				}
			}
		}
		require.Less(t, nodes, before, "%s gets smaller", file)
	}
}
