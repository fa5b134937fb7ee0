// Package codes lists what `pinode explain` explains: the diagnostics of all packages,
// and the ways a run can end.
package codes

import (
	"slices"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/diag"
)

// Diagnostics are the codes of mistakes and doubts, in the order of the passes.
func Diagnostics() []diag.Code {
	return slices.Concat(dsl.Codes, check.Codes, lower.Codes, pinode.Codes, command)
}

// All are the diagnostics and the ways a run can end.
func All() []diag.Code { return slices.Concat(Diagnostics(), pinode.Statuses) }

// command explains the codes of mistakes that are not in a model file.
var command = []diag.Code{
	{
		Name: "data", Title: "a table that does not fit its data block",
		Explanation: "A file of data could not be read, or what stands in it cannot be what the data block says: a column that is not there, a text in the place of a number, two values of a key in one trajectory. The message names the file, and the line and column where there are some.",
	},
	{
		Name: "fit", Title: "a fit that could not be carried out",
		Explanation: "The model and its data were read, and the fit ended without estimates: its loss or gradient was not finite, its gradient did not agree with finite differences, or too many of its runs failed. The message says which, and what to change.",
	},
	{
		Name: "internal", Title: "a mistake in pinode",
		Explanation: "Something happened that must not happen, whatever the model is. Please report it with the lines that were printed below it and, if you can, with the model.",
	},
}
