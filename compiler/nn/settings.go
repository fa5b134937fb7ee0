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
	{Key: "kind", Kind: setting.Word, Default: "dense", Choices: []setting.Choice{
		{Name: "dense", Doc: "layers, each of which reads all of the one before"},
		{Name: "gru", Doc: "a gated recurrent unit: the first argument is its state, the result its next state"},
		{Name: "lstm", Doc: "a long short-term memory: the state is its output, then its memory, of as many elements"},
	}, Doc: "network or recurrent cell; a cell has no `hidden`, `activation` or `init`"},
	{Key: "activation", Kind: setting.Word, Default: "tanh", Choices: activationChoices(), Doc: "non-linearity of the hidden layers"},
	{Key: "init", Kind: setting.Word, Default: "glorot", Choices: initChoices(), Doc: "initial weights"},
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

func initChoices() []setting.Choice {
	out := make([]setting.Choice, len(Inits))
	for i, n := range Inits {
		out[i] = setting.Choice{Name: n.Name, Doc: n.Doc}
	}
	return out
}
