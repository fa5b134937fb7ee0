package step

import "github.com/pinode/pinode/compiler/ir"

// Fits reports whether a model has steps that are no too large a program.
func Fits(model *Model, m *Method) bool {
	if model.Rates == nil || model.Layout.NY == 0 {
		return false
	}
	_, ok := fits(model, m)
	return ok
}

// Operations is how many operations a value takes.
func Operations(n *ir.Node) int { return operations(n) }
