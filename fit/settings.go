package fit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pinode/pinode/internal/setting"
)

// Owned are the parts of the `fit` block that belong to others.
type Owned struct {
	Solver   []setting.Choice // the first is the default
	Gradient []setting.Choice // the first is the default
}

// Settings is the table of the `fit` block. A setting that is written as a
// bare block, `stop { … }`, is a chain with one choice of the setting's own
// name; `curriculum: horizon from a to b over n epochs` is the choice
// `horizon` with the clauses as options.
func Settings(o Owned) setting.Table {
	block := func(key, doc string, options ...setting.Setting) setting.Setting {
		return setting.Setting{Key: key, Kind: setting.Chain, Default: key, Doc: doc, Choices: []setting.Choice{{Name: key, Doc: doc, Options: options}}}
	}
	optimizers := make([]setting.Choice, len(Optimizers))
	for i, m := range Optimizers {
		optimizers[i] = setting.Choice{Name: m.Name, Doc: m.Doc, Options: m.Settings}
	}
	first := func(c []setting.Choice) string {
		if len(c) == 0 {
			return ""
		}
		return c[0].Name
	}
	return append(setting.Table{
		{Key: "solver", Kind: setting.Chain, Default: first(o.Solver), Choices: o.Solver, Doc: "how trajectories are computed"},
		{Key: "fields", Kind: setting.Word, Default: "grid", Doc: "how fields are solved for", Choices: []setting.Choice{
			{Name: "grid", Doc: "in cells, whose values are followed in time"},
			{Name: "network", Doc: "by a network that is trained to satisfy the equations: see the block `network`"},
		}},
		{Key: "gradient", Kind: setting.Word, Default: first(o.Gradient), Choices: o.Gradient, Doc: "how the gradient is computed"},
		{Key: "optimizer", Kind: setting.Chain, Default: "auto", Choices: optimizers, Doc: "how parameters are moved; several are joined by `then`, each starting from the best point so far"},
		{Key: "batch", Kind: setting.Int, Default: "0", Max: many, Doc: "trajectories per step of first-order optimizers; 0 is all"},
		{Key: "group", Kind: setting.Word, Default: "none", Doc: "how batches are formed", Choices: []setting.Choice{
			{Name: "none", Doc: "at random"}, {Name: "length", Doc: "of trajectories of similar length"},
		}},
		{Key: "curriculum", Kind: setting.Chain, Default: "horizon", Doc: "follow a growing part of each trajectory in the first epochs", Choices: []setting.Choice{{
			Name: "horizon", Doc: "the fraction of each trajectory that is followed",
			Options: setting.Table{
				{Key: "from", Kind: setting.Number, Default: "0.1", Min: 1e-6, Max: 1, Doc: "at the start"},
				{Key: "to", Kind: setting.Number, Default: "1", Min: 1e-6, Max: 1, Doc: "at the end"},
				{Key: "over", Kind: setting.Int, Default: "0", Max: many, Doc: "epochs from start to end; 0 is no curriculum"},
			},
		}}},
		block("shooting", "cut each trajectory into segments with start values of their own",
			setting.Setting{Key: "segments", Kind: setting.Int, Default: "1", Min: 1, Max: many, Doc: "number of segments of each trajectory, between its rows; 1 is single shooting"},
			setting.Setting{Key: "continuity", Kind: setting.Number, Default: "1", Max: huge, Doc: "weight of a gap between segments, in deviations of the noise or in twentieths of the size of a state that is not observed, beside that of a measured value"},
		),
		{Key: "loss", Kind: setting.Word, Default: "nll", Doc: "what observations add to the loss, per value; losses that forgive outliers are distributions, like `huber`", Choices: []setting.Choice{
			{Name: "nll", Doc: "the negative log-likelihood of the declared distribution; the mean square over the data's variance without one"},
			{Name: "mse", Doc: "the mean square, whatever distribution is declared"},
		}},
		{Key: "starts", Kind: setting.Int, Default: "1", Min: 1, Max: many, Doc: "number of fits from different start values, with weights drawn anew, of which the best counts; not of `auto`, which has starts of its own"},
		{Key: "spread", Kind: setting.Number, Default: "1", Max: 100, Doc: "standard deviation of start values, in coordinates, where there are several `starts`"},
		block("stop", "when to end before the iterations are used up",
			setting.Setting{Key: "patience", Kind: setting.Int, Default: "0", Max: many, Doc: "iterations without improvement that end a stage; 0 is no limit"},
			setting.Setting{Key: "min_delta", Kind: setting.Number, Default: "0", Max: huge, Doc: "fall of the loss that counts as improvement"},
			setting.Setting{Key: "on", Kind: setting.Word, Default: "train", Doc: "which loss chooses the result and counts for `patience`", Choices: []setting.Choice{
				{Name: "train", Doc: "that of the training data; data that are held back only report"},
				{Name: "validate", Doc: "that of the trajectories that are held back, which are then no test of the result"},
			}},
			setting.Setting{Key: "max_time", Kind: setting.Number, Default: "0", Max: maxSeconds, Doc: "seconds for the whole fit; 0 is no limit"},
		),
		{Key: "uncertainty", Kind: setting.Word, Default: "laplace", Doc: "how standard errors and intervals are found", Choices: []setting.Choice{
			{Name: "none", Doc: "not at all"},
			{Name: "laplace", Doc: "from the curvature of the loss at the optimum"},
			{Name: "profile", Doc: "as `laplace`, and 95 % intervals: where the loss, fitted in all others, has risen by as much as data rarely make it; a search in each parameter"},
			{Name: "ensemble", Doc: "from the spread of those of several `starts` that meet the data as well as the best does"},
		}},
		{Key: "certificate", Kind: setting.Word, Default: "quick", Doc: "how the gradient is compared with finite differences before a fit", Choices: []setting.Choice{
			{Name: "full", Doc: "in every mode that the solver has, and on every trajectory"},
			{Name: "quick", Doc: "in the mode of the fit, each parameter on a trajectory on which it acts, and the whole loss along one direction"},
			{Name: "off", Doc: "not at all, which results then say"},
		}},
		{Key: "draws", Kind: setting.Int, Default: "1", Min: 1, Max: 1 << 16, Doc: "copies of each trajectory with draws of their own, of whose losses the mean is fitted"},
		{Key: "seed", Kind: setting.Int, Default: "1", Max: 1 << 53, Doc: "of all random numbers of the run"},
		{Key: "precision", Kind: setting.Word, Default: "f64", Doc: "of networks in training; all else, and all that is said of the result, has double precision", Choices: []setting.Choice{
			{Name: "f64", Doc: "double precision, 16 digits"},
			{Name: "f32", Doc: "single precision, 7 digits: up to twice as fast where layers have some hundred units"},
		}},
		{Key: "workers", Kind: setting.Int, Default: "0", Max: 1 << 16, Doc: "trajectories computed side by side; 0 is one per processor; results do not depend on it"},
		{Key: "checkpoint_every", Kind: setting.Int, Default: "50", Max: many, Doc: "iterations between checkpoints, of which at most one a second is written, and one after 20 seconds without; 0 is only at the end"},
	}, bounds...)
}

// bounds are settings of models with an encoder.
var bounds = setting.Table{
	{Key: "bound", Kind: setting.Word, Default: "elbo", Doc: "of the evidence, where a draw has a posterior", Choices: []setting.Choice{
		{Name: "elbo", Doc: "the mean log-likelihood less the divergence of the posterior from the prior"},
		{Name: "iwae", Doc: "the logarithm of the mean importance weight of the `draws`, which is closer the more there are"},
	}},
	{Key: "kl", Kind: setting.Chain, Default: "ramp", Doc: "the weight of that divergence in the first epochs", Choices: []setting.Choice{{
		Name: "ramp", Doc: "rises or falls in a line, by epoch",
		Options: setting.Table{
			{Key: "from", Kind: setting.Number, Default: "0", Max: huge, Doc: "at the start"},
			{Key: "to", Kind: setting.Number, Default: "1", Max: huge, Doc: "at the end, and in all that is said of the result"},
			{Key: "over", Kind: setting.Int, Default: "0", Max: many, Doc: "epochs from start to end; 0 is none: the weight is that at the end"},
		},
	}}},
}

// maxSeconds is the longest time that a time.Duration holds, rounded down.
const maxSeconds = 9e9

// Plan is what a resolved `fit` block asks for, apart from solver and
// gradient, which their owners read.
type Plan struct {
	Trainer     Trainer // without objective and callbacks
	Starts      int
	Spread      float64
	Loss        string // nll or mse
	Segments    int
	Continuity  float64
	Uncertainty string
	Certificate string // full, quick or off
	Workers     int
	Draws       int  // copies of each trajectory
	Single      bool // precision of networks
	Importance  bool // the bound of the evidence weighs copies
	KL          Curriculum
	Bounded     bool // what the settings say of the bound has an effect
}

// NewPlan reads resolved settings of the table that Settings gives, and
// refuses settings that do not go together.
func NewPlan(v *setting.Values) (*Plan, error) {
	for _, key := range []string{"solver", "curriculum", "shooting", "stop", "kl"} {
		if n := len(v.Stages(key)); n > 1 {
			return nil, fmt.Errorf("`%s` takes one value, not a chain of %d", key, n)
		}
	}
	only := func(key string) *setting.Values { return v.Stages(key)[0].Options }
	methods, err := Methods(v.Stages("optimizer"))
	if err != nil {
		return nil, err
	}
	stop, shoot := only("stop"), only("shooting")
	p := &Plan{
		Trainer: Trainer{
			Stages: methods, Batch: v.Int("batch"), Group: v.Word("group") == "length",
			Stop: Stop{
				Patience: stop.Int("patience"), MinDelta: stop.Float("min_delta"), Validate: stop.Word("on") == "validate",
				MaxTime: time.Duration(stop.Float("max_time") * float64(time.Second)),
			},
			Seed: uint64(v.Int("seed")), CheckpointEvery: v.Int("checkpoint_every"),
		},
		Starts: v.Int("starts"), Spread: v.Float("spread"), Loss: v.Word("loss"),
		Segments: shoot.Int("segments"), Continuity: shoot.Float("continuity"),
		Uncertainty: v.Word("uncertainty"), Certificate: v.Word("certificate"), Workers: v.Int("workers"), Draws: v.Int("draws"), Single: v.Word("precision") == "f32",
	}
	kl := only("kl")
	p.Importance = v.Word("bound") == "iwae"
	switch over := kl.Int("over"); {
	case over > 0:
		p.KL = Curriculum{From: kl.Float("from"), To: kl.Float("to"), Epochs: over}
	case kl.Given("from") || kl.Given("to"):
		return nil, errors.New("the ramp of `kl` has no length: write `ramp from a to b over n epochs`")
	}
	p.Bounded = p.Importance || p.KL.Epochs > 0
	if c := only("curriculum"); c.Int("over") > 0 {
		p.Trainer.Curriculum = Curriculum{From: c.Float("from"), To: c.Float("to"), Epochs: c.Int("over")}
	} else if c.Given("from") || c.Given("to") {
		return nil, errors.New("the curriculum has no length: write `horizon from a to b over n epochs`")
	}
	switch {
	case p.Uncertainty == "ensemble" && p.Starts < 2:
		return nil, errors.New("`uncertainty: ensemble` needs several `starts`")
	case v.Given("spread") && p.Starts < 2:
		return nil, errors.New("`spread` has no effect with a single start")
	case shoot.Given("continuity") && p.Segments < 2:
		return nil, errors.New("`continuity` has no effect with a single segment")
	case stop.Given("min_delta") && p.Trainer.Stop.Patience == 0:
		return nil, errors.New("`min_delta` has no effect without `patience`")
	}
	return p, p.Trainer.checkChain()
}

// uses tells whether a chain has a method of a type.
func uses[M Method](ms []Method) bool {
	return slices.ContainsFunc(ms, func(m Method) bool { _, ok := m.(M); return ok })
}
