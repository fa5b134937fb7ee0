package step

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/stepsize"
)

// drawn are numbers of a kind: of the usual size, very large and small, at the limits of
// the rules, and none.
func drawn(rng *rand.Rand) float64 {
	special := []float64{0, 1, -1, 0.2, 10, 0.9, stepsize.LeastLog, math.Inf(1), math.Inf(-1), math.NaN()}
	switch rng.IntN(4) {
	case 0:
		return special[rng.IntN(len(special))]
	case 1:
		return rng.NormFloat64() * math.Pow(10, 20*rng.Float64()-10)
	}
	return 2 * rng.Float64()
}

// condition is 1 or 0.
func condition(rng *rand.Rand) float64 { return float64(rng.IntN(2)) }

// requireBits: two numbers have the same bits, or are none.
func requireBits(t *testing.T, want, got float64, what string, args ...any) {
	t.Helper()
	if math.IsNaN(want) && math.IsNaN(got) {
		return
	}
	if math.Float64bits(want) != math.Float64bits(got) {
		t.Fatalf("%s: numbers give %g, the graph %g", fmt.Sprintf(what, args...), want, got)
	}
}

// compiled is a graph on a frame, with a number of lanes.
func compiled(t *testing.T, lanes int, outputs []ir.Output) (f *exec.Frame, p *exec.Program) {
	t.Helper()
	mod, err := exec.Compile([]*ir.Graph{{Name: "g", Outputs: outputs}}, lanes, exec.Double)
	require.NoError(t, err)
	return mod.NewFrame(), mod.Program("g")
}

var control = stepsize.Control{Alpha: 0.17, Beta: 0.04, Safety: 0.9, Least: 0.2, Most: 10, Back: 0.9}

// TestFactorOfGraph: the factor of a graph is that of numbers, to the last bit.
func TestFactorOfGraph(t *testing.T) {
	for _, lanes := range []int{1, 8} {
		b := ir.NewBuilder()
		mean, before := b.Input("mean", ir.Scalar, true), b.Input("before", ir.Scalar, true)
		log, factor := stepsize.Factor(nodes{b}, &control, mean, before)
		f, p := compiled(t, lanes, []ir.Output{{Name: "log", Node: log}, {Name: "factor", Node: factor}})
		rng := rand.New(rand.NewPCG(1, 2))
		for range 2000 {
			for l := range lanes {
				f.Input("mean")[l], f.Input("before")[l] = math.Abs(drawn(rng)), drawn(rng)
			}
			p.Run(f)
			for l := range lanes {
				mean, before := f.Input("mean")[l], f.Input("before")[l]
				log, factor := stepsize.Factor(stepsize.Numbers{}, &control, mean, before)
				requireBits(t, log, p.Output(f, "log")[l], "log of %g", mean)
				requireBits(t, factor, p.Output(f, "factor")[l], "factor of %g behind %g", mean, before)
			}
		}
	}
}

// TestAdvanceOfGraph: a lane of a graph goes on as one of numbers does, to the last bit.
func TestAdvanceOfGraph(t *testing.T) {
	fields := reflect.VisibleFields(reflect.TypeFor[stepsize.Lane[float64]]())
	conditions := map[string]bool{"Clipped": true, "Rejected": true}
	for _, lanes := range []int{1, 8} {
		b := ir.NewBuilder()
		in := func(name string) *ir.Node { return b.Input(name, ir.Scalar, true) }
		var lane stepsize.Lane[*ir.Node]
		for _, x := range fields {
			reflect.ValueOf(&lane).Elem().FieldByIndex(x.Index).Set(reflect.ValueOf(in(x.Name)))
		}
		next, taken := stepsize.Advance(nodes{b}, &control, lane,
			stepsize.Trial[*ir.Node]{NoCrossing: in("calm"), Finite: in("finite"), Small: in("small"), Log: in("log"), Factor: in("factor")})
		outputs := []ir.Output{{Name: "taken", Node: taken}}
		for _, x := range fields {
			outputs = append(outputs, ir.Output{Name: "next" + x.Name, Node: reflect.ValueOf(next).FieldByIndex(x.Index).Interface().(*ir.Node)})
		}
		f, p := compiled(t, lanes, outputs)
		rng := rand.New(rand.NewPCG(3, 4))
		outcomes := map[float64]int{}
		for range 4000 {
			was := make([]stepsize.Lane[float64], lanes)
			step := make([]stepsize.Trial[float64], lanes)
			for l := range lanes {
				for _, x := range fields {
					v := drawn(rng)
					if conditions[x.Name] {
						v = condition(rng)
					}
					reflect.ValueOf(&was[l]).Elem().FieldByIndex(x.Index).SetFloat(v)
					if to := f.Input(x.Name); to != nil {
						to[l] = v
					}
				}
				step[l] = stepsize.Trial[float64]{NoCrossing: condition(rng), Finite: condition(rng), Small: condition(rng), Log: drawn(rng), Factor: drawn(rng)}
				f.Input("calm")[l], f.Input("finite")[l], f.Input("small")[l] = step[l].NoCrossing, step[l].Finite, step[l].Small
				f.Input("log")[l], f.Input("factor")[l] = step[l].Log, step[l].Factor
			}
			p.Run(f)
			for l := range lanes {
				next, taken := stepsize.Advance(stepsize.Numbers{}, &control, was[l], step[l])
				requireBits(t, taken, p.Output(f, "taken")[l], "taken of %+v behind %+v", was[l], step[l])
				for _, x := range fields {
					requireBits(t, reflect.ValueOf(next).FieldByIndex(x.Index).Float(), p.Output(f, "next"+x.Name)[l], "%s of %+v behind %+v", x.Name, was[l], step[l])
				}
				outcomes[next.Outcome]++
			}
		}
		for _, outcome := range []float64{0, 1, 2} {
			require.Greater(t, outcomes[outcome], 50*lanes, outcome)
		}
	}
}
