package compiler_test

import (
	"fmt"

	"github.com/pinode/pinode/compiler"
)

// A model is compiled from text, and its right-hand side and the derivatives of it are
// evaluated at a point.
func ExampleCompile() {
	p, err := compiler.Compile("lotka.node", `model Lotka {
  param β = 0.9
  state x = 1
  state y = 2
  x' = 1.3*x - β*x*y
  y' = 0.8*x*y - 1.8*y
}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := p.RHS()
	if err != nil {
		fmt.Println(err)
		return
	}
	params := p.Parameters()[0].Start
	y, dy := make([]float64, 2), make([]float64, 2)
	f.Init(0, params, y)
	f.Eval(0, y, params, dy)
	fmt.Printf("dy = %.2f\n", dy)
	yBar, pBar := make([]float64, 2), make([]float64, 1)
	f.VJP(0, y, params, []float64{1, 0}, yBar, pBar)
	fmt.Printf("∂x'/∂y = %.2f, ∂x'/∂β = %.2f\n", yBar, pBar)
	jac := make([]float64, 4)
	f.Jacobian(0, y, params, jac)
	fmt.Printf("∂y'/∂y = %.2f\n", jac[2:])
	// Output:
	// dy = [-0.50 -2.00]
	// ∂x'/∂y = [-0.50 -0.90], ∂x'/∂β = [-2.00]
	// ∂y'/∂y = [1.60 -1.00]
}

// What a program is made of, in the order of its vectors.
func ExampleProgram_States() {
	p, err := compiler.Compile("ball.node", `model Ball {
  time t: s
  param e in (0, 1) = 0.8
  param g: m/s^2 = 9.81
  state h: m = 10
  state v: m/s = 0
  h' = v
  v' = -g
  event bounce when h <= 0 { v := -e*v }
}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range p.States() {
		fmt.Println(q.At, q.Name, q.Unit)
	}
	for _, q := range p.Parameters() {
		fmt.Println(q.At, q.Name, q.Unit, q.Start)
	}
	for _, e := range p.Events() {
		fmt.Println(e.Name, e.Trigger, e.Sets)
	}
	// Output:
	// 0 h m
	// 1 v m/s
	// 0 e 1 [0.8]
	// 1 g m/s^2 [9.81]
	// bounce when [v]
}
