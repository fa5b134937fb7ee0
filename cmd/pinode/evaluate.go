package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/report"
)

type evaluateFlags struct {
	overrides
	params, by, out string
	gradient        bool
}

func (a *app) evaluateCmd() *cobra.Command {
	var o evaluateFlags
	c := &cobra.Command{
		Use: "evaluate FILE", Short: "Compute the log-likelihood of data at given values",
		Long: "Compute the log-likelihood of the training data, its parts, priors and penalties, predictions and residuals, at the start values of the file, those of a run, or others. Nothing is fitted.",
		Example: `  pinode evaluate models/pendulum.node --set L=0.8 --gradient
  pinode evaluate models/bouncing_ball.node --params last --by trajectory
  pinode evaluate models/bouncing_ball.node --params last --json`,
		Args: one,
		RunE: func(c *cobra.Command, args []string) error { return a.evaluate(c, args[0], &o) },
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.params, "params", "", "parameters and weights of a `RUN`: its folder, or last")
	f.BoolVar(&o.gradient, "gradient", false, "with the gradient of the log-likelihood, by parameters and weights")
	f.StringVar(&o.by, "by", "", "`trajectory`: with the share of each")
	oneOf(c, "by", "trajectory")
	f.StringVar(&o.out, "out", "", "`FILE` for predictions and residuals")
	return c
}

// at are the options that flags ask for.
func (o *overrides) at(run, file string) (e pinode.EvaluateOptions, err error) {
	e.Set = o.values
	if run != "" {
		r, err := pinode.OpenRun(run, file)
		if err != nil {
			return e, err
		}
		e.At = r
	}
	return e, nil
}

func (a *app) evaluate(c *cobra.Command, path string, o *evaluateFlags) error {
	if o.by != "" && o.by != "trajectory" {
		return usageError("--by takes `trajectory`, not `%s`", o.by)
	}
	m, err := a.load(path, &o.overrides)
	if err != nil {
		return err
	}
	opts, err := o.at(o.params, path)
	if err != nil {
		return err
	}
	var e *pinode.Evaluation
	if err := within(c.Context(), func(ctx context.Context) (err error) { e, err = m.Evaluate(ctx, opts); return err }); err != nil {
		return err
	}
	a.warn(m.Doubts())
	a.warn(&e.Warnings)
	if o.out != "" {
		list := []pinode.Assessment{e.Assessment}
		if err := a.output(o.out, func(w io.Writer) error { return pinode.WriteResiduals(w, list) }); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.out, evaluationJSON(m, e, o))
	}
	a.printEvaluation(e, o)
	return nil
}

func (a *app) printEvaluation(e *pinode.Evaluation, o *evaluateFlags) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	line := func(name string, v float64, note string) {
		fmt.Fprintf(w, "%s\t%.10g\t%s\n", name, v, note)
	}
	if math.IsNaN(e.LogLikelihood) {
		fmt.Fprintf(w, "log-likelihood\t–\t%d values, of which some have no distribution\n", e.Values)
	} else {
		line("log-likelihood", e.LogLikelihood, fmt.Sprintf("%d values", e.Values))
	}
	for _, n := range slices.Sorted(maps.Keys(e.Likelihoods)) {
		line("  "+n, e.Likelihoods[n], "")
	}
	line("log-prior", e.LogPrior, "")
	line("loss", e.Loss, "that a fit minimises")
	for _, n := range slices.Sorted(maps.Keys(e.Terms)) {
		line("  "+n, e.Terms[n], "")
	}
	for _, s := range e.Scores {
		line("RMSE of "+s.Observation, s.RMSE, fmt.Sprintf("%d values", s.Values))
	}
	if o.gradient {
		fmt.Fprintln(w, "gradient of the log-likelihood\t\t")
		printGradient(line, e.Gradient, "")
	}
	if o.by == "" {
		return
	}
	fmt.Fprintln(w, "by trajectory\t\t")
	for i := range e.Trajectories {
		t := &e.Trajectories[i]
		line("  "+trajectoryName(t.Name), t.LogLikelihood, fmt.Sprintf("%d values", t.Values))
		if o.gradient {
			printGradient(line, t.Gradient, "  ")
		}
	}
}

// trajectoryName is what the only trajectory is called, which has no key.
func trajectoryName(name string) string {
	if name == "" {
		return "(the only one)"
	}
	return name
}

func printGradient(line func(string, float64, string), g *pinode.Values, indent string) {
	for _, n := range slices.Sorted(maps.Keys(g.Params)) {
		line(indent+"  "+n, g.Params[n], "")
	}
	for _, n := range slices.Sorted(maps.Keys(g.Weights)) {
		sum := 0.
		for _, v := range g.Weights[n] {
			sum += v * v
		}
		line(indent+"  "+n, math.Sqrt(sum), fmt.Sprintf("norm over %d weights", len(g.Weights[n])))
	}
}

// valuesJSON are parameters and weights.
type valuesJSON struct {
	Params  map[string]jsonNumber   `json:"params"`
	Weights map[string][]jsonNumber `json:"weights,omitempty"`
}

func newValuesJSON(v *pinode.Values) *valuesJSON {
	out := &valuesJSON{Params: jsonMap(v.Params), Weights: map[string][]jsonNumber{}}
	for n, w := range v.Weights {
		out.Weights[n] = jsonNumbers(w)
	}
	return out
}

type scoreJSON struct {
	Observation string     `json:"observation"`
	Values      int        `json:"values"`
	RMSE        jsonNumber `json:"rmse"`
	Coverage50  jsonNumber `json:"coverage_50"`
	Coverage95  jsonNumber `json:"coverage_95"`
}

func scoresJSON(list []pinode.Score) []scoreJSON {
	out := []scoreJSON{}
	for _, s := range list {
		out = append(out, scoreJSON{s.Observation, s.Values, jsonNumber(s.RMSE), jsonNumber(s.Coverage50), jsonNumber(s.Coverage95)})
	}
	return out
}

type residualJSON struct {
	Trajectory  string     `json:"trajectory"`
	Time        jsonNumber `json:"t"`
	Observation string     `json:"observation"`
	Data        jsonNumber `json:"data"`
	Prediction  jsonNumber `json:"prediction"`
	Residual    jsonNumber `json:"residual"`
}

func residualsJSON(list []pinode.Residual) []residualJSON {
	out := []residualJSON{}
	for _, r := range list {
		out = append(out, residualJSON{r.Trajectory, jsonNumber(r.Time), r.Observation, jsonNumber(r.Data), jsonNumber(r.Prediction), jsonNumber(r.Data - r.Prediction)})
	}
	return out
}

func evaluationJSON(m *pinode.Model, e *pinode.Evaluation, o *evaluateFlags) any {
	type share struct {
		Name          string      `json:"name"`
		LogLikelihood jsonNumber  `json:"log_likelihood"`
		Values        int         `json:"values"`
		Gradient      *valuesJSON `json:"gradient,omitempty"`
	}
	out := struct {
		Version       int                   `json:"version"`
		Pinode        string                `json:"pinode"`
		Model         string                `json:"model"`
		LogLikelihood jsonNumber            `json:"log_likelihood"`
		Likelihoods   map[string]jsonNumber `json:"log_likelihoods"`
		Values        int                   `json:"values"`
		LogPrior      jsonNumber            `json:"log_prior"`
		Loss          jsonNumber            `json:"loss"`
		Terms         map[string]jsonNumber `json:"terms"`
		Penalties     jsonNumber            `json:"penalties"`
		Decay         jsonNumber            `json:"weight_decay"`
		At            *valuesJSON           `json:"at"`
		Gradient      *valuesJSON           `json:"gradient,omitempty"`
		LossGradient  *valuesJSON           `json:"loss_gradient,omitempty"`
		Scores        []scoreJSON           `json:"scores"`
		Trajectories  []share               `json:"trajectories,omitempty"`
		Residuals     []residualJSON        `json:"residuals"`
	}{
		1, report.Version(), m.Name(), jsonNumber(e.LogLikelihood), jsonMap(e.Likelihoods), e.Values, jsonNumber(e.LogPrior),
		jsonNumber(e.Loss), jsonMap(e.Terms), jsonNumber(e.Penalties), jsonNumber(e.Decay), newValuesJSON(e.At), nil, nil,
		scoresJSON(e.Scores), nil, residualsJSON(e.Residuals),
	}
	if o.gradient {
		out.Gradient, out.LossGradient = newValuesJSON(e.Gradient), newValuesJSON(e.LossGradient)
	}
	if o.by == "" {
		return out
	}
	for i := range e.Trajectories {
		t := &e.Trajectories[i]
		s := share{t.Name, jsonNumber(t.LogLikelihood), t.Values, nil}
		if o.gradient {
			s.Gradient = newValuesJSON(t.Gradient)
		}
		out.Trajectories = append(out.Trajectories, s)
	}
	return out
}
