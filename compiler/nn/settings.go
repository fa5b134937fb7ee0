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
	{Key: "seed", Kind: setting.Int, Doc: "seed of the initial weights; from the run if none is given"},
}

// FieldSettings are those of the network that stands for fields, and of the points at which
// it is trained.
var FieldSettings = setting.Table{
	{Key: "hidden", Kind: setting.List, Default: "20, 20, 20", Doc: "widths of the hidden layers"},
	{Key: "activation", Kind: setting.Word, Default: "tanh", Choices: activationChoices(), Doc: "non-linearity of the hidden layers"},
	{Key: "fourier", Kind: setting.Int, Default: "0", Max: 4096, Doc: "random waves that the network reads beside the place, each as cosine and sine; for fields with fine structure"},
	{Key: "hard", Kind: setting.Bool, Default: "true", Doc: "values at sides and at the start hold by construction, where they are given for a whole side and agree with each other; periodic axes always do"},
	{Key: "points", Kind: setting.Int, Default: "2000", Min: 16, Max: 1e7, Doc: "points inside at which equations are to hold, at first: there are up to eight times as many where Gauss–Newton steps meet fresh ones badly"},
	{Key: "boundary", Kind: setting.Int, Default: "200", Min: 2, Max: 1e7, Doc: "points at each side whose condition does not hold by construction"},
	{Key: "initial", Kind: setting.Int, Default: "400", Min: 2, Max: 1e7, Doc: "points at the start, for initial values that do not hold by construction"},
	{Key: "sampling", Kind: setting.Word, Default: "sobol", Doc: "how points are spread", Choices: []setting.Choice{
		{Name: "sobol", Doc: "by a scrambled Sobol sequence"},
		{Name: "latin", Doc: "by Latin hypercubes"},
		{Name: "data", Doc: "the places of the rows of data"},
	}},
	{Key: "resample", Kind: setting.Int, Default: "10", Max: 1e9, Doc: "iterations between new points; 0: they stay"},
	{Key: "adaptive", Kind: setting.Word, Default: "residual", Doc: "where new points go", Choices: []setting.Choice{
		{Name: "residual", Doc: "half of them by the size of what is left of the equations there"},
		{Name: "none", Doc: "everywhere alike"},
	}},
	{Key: "weights", Kind: setting.Word, Default: "balanced", Doc: "what conditions weigh beside each other", Choices: []setting.Choice{
		{Name: "balanced", Doc: "so that each pulls at the weights of the network alike, and where there are no data no point of one more than most of its points; set anew with the points"},
		{Name: "equal", Doc: "alike"},
	}},
	{Key: "causal", Kind: setting.Number, Default: "0", Max: 1e6, Doc: "how much an equation waits for what is left of it at earlier times: 1 is usual, 0 is not at all"},
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
