package nn

import (
	"math"

	"github.com/pinode/pinode/internal/setting"
)

// Settings are the options of a neural block that are plain settings; the
// guarantees, whose values refer to the block's arguments, are read by the
// checker.
var Settings = setting.Table{
	{Key: "hidden", Kind: setting.List, Default: "32, 32", Doc: "widths of the hidden layers"},
	{Key: "activation", Kind: setting.Word, Default: "tanh", Choices: activationChoices(), Doc: "non-linearity of the hidden layers"},
	{Key: "init", Kind: setting.Word, Default: "glorot", Choices: []setting.Choice{
		{Name: "glorot"}, {Name: "he"}, {Name: "zero_output"}, {Name: "orthogonal"}, {Name: "uniform"},
	}, Doc: "initial weights; the last layer is scaled by 0.1 so that training starts near the known physics, except with `uniform` (±1/√fan_in, as published recipes use it)"},
	{Key: "l2", Kind: setting.Number, Default: "0", Min: 0, Max: math.Inf(1), Doc: "weight decay of this block: l2 · Σ w² is added to the loss"},
	{Key: "frozen", Kind: setting.Bool, Default: "false", Doc: "keep the weights as they are"},
	{Key: "seed", Kind: setting.Int, Doc: "seed of the initial weights; from the run if none is given"},
}

func activationChoices() []setting.Choice {
	out := make([]setting.Choice, len(Activations))
	for i, a := range Activations {
		out[i] = setting.Choice{Name: a.Name, Doc: a.Doc}
	}
	return out
}
