package distill

import (
	"context"
	"maps"
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/setting"
)

// Source is a fitted model: its file, its data, the settings and the values of its fit.
type Source struct {
	Prog     *engine.Compiled
	Data     *problem.Problem
	Settings *setting.Values
	Values   *problem.Values
}

// judged is a model beside its data.
type judged struct {
	fit        *estimate.Fit
	likelihood float64 // of the training data
	held       float64 // of those that are held back; NaN without any
	values     int
	rmse       map[string]float64 // by observation; of the data that are held back, if there are any
}

// at is the fitted model itself.
func (s *Source) at(ctx context.Context) (*judged, error) {
	f, err := estimate.New(s.Prog, s.Data, s.Settings, estimate.Options{From: s.Values})
	if err != nil {
		return nil, err
	}
	if f.X, err = f.Objective.Space.Exact(); err != nil {
		return nil, err
	}
	return judge(ctx, f)
}

// judge finds the likelihoods of a model whose estimate is there.
func judge(ctx context.Context, f *estimate.Fit) (*judged, error) {
	train, held, err := f.Assess(ctx)
	if err != nil {
		return nil, err
	}
	j := &judged{fit: f, likelihood: likelihood(train), held: math.NaN(), values: train.Values, rmse: map[string]float64{}}
	scores := train.Scores
	if held != nil {
		j.held, scores = likelihood(held), held.Scores
	}
	for _, s := range scores {
		j.rmse[s.Observation] = s.RMSE
	}
	return j, nil
}

// likelihood is the log-likelihood of data. Of observations without a distribution it is
// that of normal ones, whose deviation is what it is found to be.
func likelihood(a *estimate.Assessment) float64 {
	if !math.IsNaN(a.LogLikelihood) {
		return a.LogLikelihood
	}
	sum := 0.
	for _, s := range a.Scores {
		sum -= float64(s.Values) * (math.Log(s.RMSE) + 0.5*math.Log(2*math.Pi*math.E))
	}
	return sum
}

// refit compiles a text in the place of the model and fits it, from its start values and,
// of all else, from those of the run.
func (s *Source) refit(ctx context.Context, text string) (*judged, error) {
	env := environ.Env()
	env.Main = s.Prog.Checked.Model.Name
	prog, diags := compiler.CompileSource(diag.NewSource(s.Data.Path, text), env)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	var f *estimate.Fit
	for _, optimizer := range []string{"levenberg_marquardt", "lbfgs"} { // the second where the loss is no sum of squares
		data := &problem.Problem{Prog: prog, Path: s.Data.Path, Files: maps.Clone(s.Data.Files)}
		settings, err := s.trialSettings(env, optimizer)
		if err != nil {
			return nil, err
		}
		if f, err = estimate.New(&engine.Compiled{Program: prog}, data, settings, estimate.Options{From: s.kept(prog)}); err == nil {
			break
		} else if optimizer == "lbfgs" {
			return nil, err
		}
	}
	if err := f.Run(ctx); err != nil {
		return nil, err
	}
	return judge(ctx, f)
}

// kept are the values of the run that another model has too.
func (s *Source) kept(prog *compiler.Program) *problem.Values {
	v := &problem.Values{Params: maps.Clone(s.Values.Params), Weights: map[string][]float64{}, Scales: map[string][]float64{}}
	for _, t := range prog.Model.Layout.Weights {
		if w, ok := s.Values.Weights[t.Name]; ok {
			v.Weights[t.Name] = w
		}
	}
	return v
}

// forTrials are the settings of the fit that trials have too; how parameters are moved is
// their own affair.
var forTrials = []string{"solver", "gradient", "loss"}

// trialSettings are those of a trial: Gauss–Newton steps from where the regression is,
// and nothing beside the estimate.
func (s *Source) trialSettings(env *check.Env, optimizer string) (*setting.Values, error) {
	tree, of := map[string]any{}, s.Settings.Tree()
	for _, key := range forTrials {
		if v, ok := of[key]; ok && s.Settings.Given(key) {
			tree[key] = v
		}
	}
	v := setting.New(env.Fit)
	if err := v.SetTree(tree, "the run"); err != nil {
		return nil, err
	}
	for key, text := range map[string]string{
		"optimizer": optimizer, "uncertainty": "none", "certificate": "off", "workers": "1",
	} {
		if env.Fit.Find(key) == nil {
			continue
		}
		if err := v.Set(key, text, "pinode distill"); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// after is the fitted model with a trial in it.
func after(s *Source, t *trial) (Source, error) {
	env := environ.Env()
	env.Main = s.Prog.Checked.Model.Name
	prog, diags := compiler.CompileSource(diag.NewSource(s.Data.Path, t.text), env)
	if err := diags.Err(); err != nil {
		return *s, err
	}
	return Source{
		Prog: &engine.Compiled{Program: prog}, Settings: s.Settings, Values: t.judged.fit.Values,
		Data: &problem.Problem{Prog: prog, Path: s.Data.Path, Files: maps.Clone(s.Data.Files)},
	}, nil
}
