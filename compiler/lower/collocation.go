package lower

import "github.com/pinode/pinode/compiler/ir"

// Collocation is a model whose fields are a network: what has to vanish at points.
type Collocation struct {
	C          *ir.Node // [coordinates] of a point; the time is that of the model's inputs
	Fields     *ir.Node // the values of all fields at a point
	Initial    *ir.Node // the initial values of what the network gives, 0 where there is none
	Steady     bool     // nothing has a rate: the time is not read
	Conditions []Condition
	Names      []string // of the elements of Fields
	Units      []string // and their units
}

// ConditionKind says where a condition holds.
type ConditionKind uint8

// The kinds of conditions.
const (
	Inside ConditionKind = iota // an equation: at all points and times
	Side                        // at a side of the domain, at all times
	Start                       // at all points, at the start
)

// Condition is an equation, of which Residual, a vector, is left minus right.
type Condition struct {
	Name     string
	Kind     ConditionKind
	Residual *ir.Node // relative to the size of the field and the span of time
	Field    string   // whose size that is; empty: none
	Sides    []Wall   // of kind Side
}

// Wall is an end of an axis where a condition holds.
type Wall struct {
	Axis  int
	At    float64
	Where *ir.Node // 1 where it holds; nil: everywhere
}
