package stepsize

import (
	"math"

	"github.com/pinode/pinode/internal/scalar"
)

// Arithmetic is what the rules are written in: T is a number, or a value of a graph.
// Conditions are 1 or 0; of numbers that are none, FMA to Max give what package scalar
// does.
type Arithmetic[T any] interface {
	Const(v float64) T
	Add(x, y T) T
	Sub(x, y T) T
	Mul(x, y T) T
	Div(x, y T) T
	FMA(x, y, z T) T // x·y + z
	Exp(x T) T
	Log(x T) T
	Abs(x T) T
	Min(x, y T) T
	Max(x, y T) T
	Lt(x, y T) T // x < y
	Le(x, y T) T // x ≤ y
	Select(c, x, y T) T
}

// Numbers are the arithmetic of numbers.
type Numbers struct{}

func (Numbers) Const(v float64) float64     { return v }
func (Numbers) Add(x, y float64) float64    { return x + y }
func (Numbers) Sub(x, y float64) float64    { return x - y }
func (Numbers) Mul(x, y float64) float64    { return float64(x * y) } // never fused
func (Numbers) Div(x, y float64) float64    { return x / y }
func (Numbers) FMA(x, y, z float64) float64 { return math.FMA(x, y, z) }
func (Numbers) Exp(x float64) float64       { return scalar.Exp(x) }
func (Numbers) Log(x float64) float64       { return scalar.Log(x) }
func (Numbers) Abs(x float64) float64       { return math.Abs(x) }
func (Numbers) Min(x, y float64) float64    { return min(x, y) }
func (Numbers) Max(x, y float64) float64    { return max(x, y) }
func (Numbers) Lt(x, y float64) float64     { return truth(x < y) }
func (Numbers) Le(x, y float64) float64     { return truth(x <= y) }

// Select is x where c is not 0, else y.
func (Numbers) Select(c, x, y float64) float64 {
	if c != 0 {
		return x
	}
	return y
}

func truth(c bool) float64 {
	if c {
		return 1
	}
	return 0
}
