package compiler_test

import (
	"fmt"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl/diag"
)

// A model is compiled from text; its right-hand side and the derivative of it
// are evaluated at a point.
func ExampleCompile() {
	p, diags := compiler.CompileSource(diag.NewSource("lotka.node", `model Lotka {
  param β = 0.9
  state x = 1
  state y = 2
  x' = 1.3*x - β*x*y
  y' = 0.8*x*y - 1.8*y
}`), &check.Env{})
	if diags.Err() != nil {
		fmt.Println(diags)
		return
	}
	m, err := p.Module(1, compiler.Want{Reverse: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	f := m.NewFrame()
	copy(f.Input("p"), []float64{0.9})
	copy(f.Input("y"), []float64{1, 2})
	copy(f.Input("ct.rhs"), []float64{1, 0})
	rhs, vjp := m.Program("rhs"), m.Program("rhs.vjp")
	rhs.Run(f)
	vjp.Run(f)
	fmt.Printf("dy    = %.2f\n", rhs.Output(f, "dy"))
	fmt.Printf("∂x'/∂y = %.2f, ∂x'/∂β = %.2f\n", vjp.Output(f, "by"), vjp.Output(f, "bp"))
	// Output:
	// dy    = [-0.50 -2.00]
	// ∂x'/∂y = [-0.50 -0.90], ∂x'/∂β = [-2.00]
}
