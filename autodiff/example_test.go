package autodiff_test

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// The derivative of a graph is a graph over the same inputs, and so has
// derivatives of its own.
func ExampleVJP() {
	b := ir.NewBuilder()
	x := b.Input("x", ir.Scalar, true)
	y := b.Apply(ir.OpTanh, x)
	one := []*ir.Node{b.Const(1)}
	dy := autodiff.VJP(b, []*ir.Node{y}, one, []*ir.Node{x})[0]
	fmt.Print(&ir.Graph{Name: "slope", Outputs: []ir.Output{{Name: "dy", Node: dy}}})
	// Output:
	// graph slope {
	//   %0 = input x
	//   %1 = tanh %0
	//   %2 = const 1
	//   %3 = mul %1, %1
	//   %4 = sub %2, %3
	//   dy = %4
	// }
}

// A gradient with a mistake in its second component.
func ExampleCheck() {
	f := func(x []float64) (float64, error) { return x[0] * math.Sin(x[1]), nil }
	x := []float64{2, 0.5}
	wrong := []float64{math.Sin(0.5), math.Cos(0.5)}
	components, err := autodiff.Check{}.Gradient(f, x, wrong)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range components {
		fmt.Printf("%d: claimed %.6f, differences %.6f: %s\n", c.Index, c.Claimed, c.Value, c.Verdict)
	}
	// Output:
	// 0: claimed 0.479426, differences 0.479426: agree
	// 1: claimed 0.877583, differences 1.755165: disagree
}
