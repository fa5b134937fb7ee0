// Package use has a test that looks at package toy.
package use

import "toy"

// Square is the area of a square.
func Square(side int) int { return toy.Area(side, side) }
