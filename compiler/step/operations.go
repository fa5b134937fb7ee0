package step

import "github.com/pinode/pinode/compiler/ir"

// Operations is how many operations a value takes.
func Operations(n *ir.Node) int { return operations(n) }
