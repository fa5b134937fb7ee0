package environ

import (
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/solvers"
)

// Env is what every model file may refer to: the settings of the solvers, of
// fitting and of neural blocks.
func Env() *check.Env {
	return &check.Env{
		Fit:      fit.Settings(fit.Owned{Solver: solverChoices(), Gradient: gradientChoices()}),
		Simulate: SimulateSettings(),
		Neural:   nn.Settings,
		Rough:    nn.Rough(),
		Read:     func(path string) ([]byte, error) { return files.Read(path, files.MaxText) },
		Network:  nn.FieldSettings,
	}
}

// solverChoices are the solvers with their options, the default first.
func solverChoices() []setting.Choice {
	adaptive := setting.Table{
		{Key: "rtol", Kind: setting.Number, Default: "1e-6", Min: 1e-15, Max: 1, Doc: "relative tolerance of a step"},
		{Key: "atol", Kind: setting.Number, Default: "1e-8", Min: 0, Max: math.Inf(1), Doc: "absolute tolerance of a step. Where it is not given, the relative one times the size of each state: in fits that in the data, or that at the start or that an event puts it to, if that is less; in simulations that at the start, and 1e-8 at most"},
		{Key: "step", Kind: setting.Number, Min: 0, Max: math.Inf(1), Doc: "longest step"},
		{Key: "max_steps", Kind: setting.Int, Default: "1000000", Min: 1, Max: 1e12, Doc: "steps of one trajectory, accepted and rejected, before it counts as failed; events and rows do not begin to count anew, so that a run that fires without end ends"},
	}
	fixed := setting.Table{
		{Key: "step", Kind: setting.Number, Min: 0, Max: math.Inf(1), Doc: "length of a step; needed"},
		{Key: "max_steps", Kind: setting.Int, Default: "1000000", Min: 1, Max: 1e12, Doc: "steps of one trajectory, accepted and rejected, before it counts as failed; events and rows do not begin to count anew, so that a run that fires without end ends"},
	}
	out := []setting.Choice{{Name: "auto", Doc: "`tsit5`, from `rtol` = 1e-7 on `vern7` and from 1e-10 on `dop853`, and for runs that turn out to be stiff `rodas5p`, above 1e-4 `rodas4`, from 1e-7 on and for large models `radau`", Options: adaptive}}
	for _, m := range solvers.Methods {
		c := setting.Choice{Name: m.Name, Doc: m.Doc, Options: fixed}
		if m.Adaptive() {
			c.Options = adaptive
		}
		out = append(out, c)
	}
	return out
}

// gradientChoices are the ways to a gradient, the default first.
func gradientChoices() []setting.Choice {
	return []setting.Choice{
		{Name: "auto", Doc: "unrolled, with `bdf` adjoint"},
		{Name: "unrolled", Doc: "exact derivative of the discrete solution"},
		{Name: "adjoint", Doc: "continuous adjoint along the stored dense solution"},
		{Name: "backsolve", Doc: "continuous adjoint, the state integrated backwards with it, from the end of each step"},
		{Name: "forward", Doc: "sensitivities, one run for each parameter"},
	}
}

// SimulateSettings is the table of the `simulate` block.
func SimulateSettings() setting.Table {
	return setting.Table{
		{Key: "from", Kind: setting.Number, Doc: "start time; that of the data, or 0"},
		{Key: "until", Kind: setting.Number, Doc: "end time; that of the data"},
		{Key: "step", Kind: setting.Number, Min: 0, Max: math.Inf(1), Doc: "distance of the output times; the end is one too"},
		{Key: "times", Kind: setting.List, Doc: "output times, in the place of `step`"},
		{Key: "solver", Kind: setting.Chain, Default: "auto", Choices: solverChoices(), Doc: "how trajectories are computed; that of `fit` where that has one"},
		{Key: "grid", Kind: setting.List, Min: 1, Max: 1e6, Doc: "of a model with fields: how many places along each coordinate they are written at, evenly from end to end; the centres of cells. Of a network 101, and behind them how many times"},
		{Key: "at", Kind: setting.File, Doc: "of a model with fields: a table of the places to write them at, a column for each coordinate by its name, and `t` for their times, if each has its own; a relative path is taken from the model file's folder"},
		{Key: "outputs", Kind: setting.Words, Doc: "names of what is written; default all"},
		{Key: "seed", Kind: setting.Int, Default: "1", Doc: "of random draws"},
	}
}

// Complete lists what may stand for a text that begins a setting of a fit or a simulation: see setting.Table.
func Complete(text string) (list []string) {
	env := Env()
	for _, block := range []struct {
		name  string
		table setting.Table
	}{{"fit.", env.Fit}, {"simulate.", env.Simulate}} {
		rest, inside := strings.CutPrefix(text, block.name)
		switch {
		case inside:
			for _, s := range block.table.Complete(rest) {
				list = append(list, block.name+s)
			}
		case strings.HasPrefix(block.name, text):
			list = append(list, block.name)
		}
	}
	return list
}

// Solvers describes the solvers, one a line.
func Solvers() string {
	var b strings.Builder
	width := 0
	choices := solverChoices()
	for _, c := range choices {
		width = max(width, len(c.Name))
	}
	fmt.Fprintf(&b, "%-*s  the default: %s\n", width, choices[0].Name, choices[0].Doc)
	for _, m := range solvers.Methods {
		order := fmt.Sprint(m.Order)
		if m.Adaptive() {
			order = fmt.Sprintf("%d(%d)", m.Order, m.ErrOrder)
		}
		fmt.Fprintf(&b, "%-*s  order %s, dense output of order %d: %s\n", width, m.Name, order, m.DenseOrder, m.Doc)
	}
	return b.String()
}

// Settings are those of the fit and simulate blocks of a file, or their defaults.
func Settings(p *check.Program) (fits, simulations *setting.Values) {
	env := Env()
	fits, simulations = setting.New(env.Fit), setting.New(env.Simulate)
	if s := p.Fit; s != nil {
		fits = s.Values
	}
	if s := p.Simulate; s != nil {
		simulations = s.Values
	}
	return fits, simulations
}
