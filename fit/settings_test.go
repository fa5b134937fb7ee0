package fit

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/setting"
)

var table = Settings(Owned{
	Solver: []setting.Choice{
		{Name: "tsit5", Options: setting.Table{{Key: "rtol", Kind: setting.Number, Default: "1e-6", Doc: "relative tolerance"}}},
		{Name: "euler"},
	},
	Gradient: []setting.Choice{{Name: "auto"}, {Name: "unrolled"}},
})

// squares is newBowl(4) as a sum of squares.
var squares = &system{rows: 4, dim: 4, residual: func(x, r []float64, jac *mat.Dense) bool {
	b := newBowl(4)
	for i := range r {
		r[i] = b.c[i] * (x[i] - b.a[i])
		if jac != nil {
			jac.SetRow(i, make([]float64, 4))
			jac.Set(i, i, b.c[i])
		}
	}
	return true
}}

// Every method of the list, from its settings, finds the bottom of a bowl.
func TestOptimizers(t *testing.T) {
	for _, o := range Optimizers {
		t.Run(o.Name, func(t *testing.T) {
			require.NotEmpty(t, o.Doc)
			require.NotEmpty(t, o.Reference)
			v := setting.New(o.Settings)
			if o.Settings.Find("lr") != nil { // the published rates are for long runs
				require.NoError(t, v.Set("lr", "0.05", "test"))
				require.NoError(t, v.Set("epochs", "2000", "test"))
				require.NoError(t, v.Set("schedule", "cosine", "test"))
				require.NoError(t, v.Set("final", "1e-4", "test"))
			}
			if o.Settings.Find("weight_decay") != nil {
				require.NoError(t, v.Set("weight_decay", "0", "test"))
			}
			m, err := o.New(v)
			require.NoError(t, err)
			require.Equal(t, o.Name, m.Name())
			s, err := (&Trainer{Objective: squares, Stages: []Method{m}}).Run(t.Context(), make([]float64, 4))
			require.NoError(t, err)
			require.InDeltaSlice(t, newBowl(4).a, s.Best.X, 1e-5)
		})
	}
}

// Defaults are values that can be written, and every setting is explained.
func TestSettingsTable(t *testing.T) {
	var walk func(path string, tab setting.Table)
	walk = func(path string, tab setting.Table) {
		for _, s := range tab {
			require.NotEmpty(t, s.Doc, path+s.Key)
			if s.Default != "" {
				require.NoError(t, setting.New(tab).Set(s.Key, s.Default, "test"), path+s.Key)
			}
			for _, c := range s.Choices {
				if path+s.Key != "solver" && path+s.Key != "gradient" {
					require.NotEmpty(t, c.Doc, path+s.Key+"."+c.Name)
				}
				walk(path+s.Key+"."+c.Name+".", c.Options)
			}
		}
	}
	walk("", table)
	for _, key := range []string{
		"solver", "gradient", "optimizer", "batch", "group", "curriculum", "shooting", "loss", "starts",
		"stop", "uncertainty", "seed", "precision", "workers", "checkpoint_every",
	} {
		require.NotNil(t, table.Find(key), key)
	}
	var b strings.Builder
	table.Markdown(&b)
	require.Contains(t, b.String(), "| `lbfgs { gtol }` | a number | `1e-6` | converged when no component of the gradient is larger |")
	require.Contains(t, b.String(), "| `stop { patience }` |")
}

func TestPlan(t *testing.T) {
	p, err := NewPlan(setting.New(table))
	require.NoError(t, err)
	require.Equal(t, []string{"auto"}, p.Trainer.names())
	require.Equal(t, Curriculum{}, p.Trainer.Curriculum)
	require.Equal(t, "laplace", p.Uncertainty)
	require.Equal(t, "nll", p.Loss)
	require.Equal(t, 1, p.Segments)

	v := setting.New(table)
	for _, s := range []string{
		"optimizer=adamw then levenberg_marquardt", "optimizer.lr=0.02", "optimizer.epochs=120", "optimizer.schedule=exponential",
		"optimizer.adamw.final=0.2", "optimizer.clip=3", "optimizer.ftol=1e-9",
		"curriculum.from=0.2", "curriculum.over=100", "batch=8", "group=length", "stop.patience=20", "stop.min_delta=1e-3",
		"stop.max_time=1.5", "loss=mse", "starts=4", "spread=0.5", "uncertainty=ensemble", "seed=9", "certificate=off",
		"shooting.segments=3", "shooting.continuity=7", "workers=2", "checkpoint_every=5",
	} {
		key, text, _ := strings.Cut(s, "=")
		require.NoError(t, v.Set(key, text, "flag"), s)
	}
	p, err = NewPlan(v)
	require.NoError(t, err)
	require.Equal(t, &Plan{
		Trainer: Trainer{
			Stages: []Method{
				&FirstOrder{
					Label: "adamw", Rule: Adam{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01}, Rate: 0.02, Epochs: 120, Clip: 3, Retries: 8,
					Schedule: Schedule{Shape: Exponential, Final: 0.2, Factor: 0.1, Patience: 10, Threshold: 1e-4},
				},
				&LevenbergMarquardt{MaxIterations: 100, Factor: 1, LossTol: 1e-9, StepTol: 1.49e-8},
			},
			Batch: 8, Group: true, Curriculum: Curriculum{From: 0.2, To: 1, Epochs: 100},
			Stop: Stop{Patience: 20, MinDelta: 1e-3, MaxTime: 1500 * time.Millisecond}, Seed: 9, CheckpointEvery: 5,
		},
		Starts: 4, Spread: 0.5, Loss: "mse",
		Segments: 3, Continuity: 7, Uncertainty: "ensemble", Certificate: "off", Workers: 2, Draws: 1,
	}, p)
}

func TestPlanRefuses(t *testing.T) {
	for given, want := range map[string]string{
		"optimizer=adam;optimizer.final=0.1":                                 "optimizer `adam`: `final` has no effect with `schedule: constant`",
		"optimizer=adam;optimizer.schedule=cosine;optimizer.adam.patience=3": "`patience` has no effect with `schedule: cosine`",
		"optimizer=sgd;optimizer.nesterov=true;optimizer.momentum=0":         "`nesterov` has no effect without `momentum`",
		"optimizer=lbfgs;batch=3":                                            "`batch` needs a first-order",
		"optimizer=lbfgs;curriculum.over=3":                                  "a curriculum needs a first-order",
		"optimizer=adam then lbfgs;curriculum.over=3000":                     "the first-order optimizers make only 300",
		"optimizer=adam then lbfgs;curriculum.from=0.5":                      "the curriculum has no length",
		"optimizer=adam then lbfgs;curriculum.over=9;curriculum.to=0.01":     "0 < from <= to <= 1",
		"group=length":          "needs a `batch` size",
		"uncertainty=ensemble":  "needs several `starts`",
		"spread=2":              "no effect with a single start",
		"shooting.continuity=2": "no effect with a single segment",
		"stop.min_delta=2":      "no effect without `patience`",
		"optimizer=adam then lbfgs;optimizer.warmup=300": "adam: a warmup of 300 epochs leaves none",
	} {
		v := setting.New(table)
		for _, s := range strings.Split(given, ";") {
			key, text, _ := strings.Cut(s, "=")
			require.NoError(t, v.Set(key, text, "flag"), s)
		}
		_, err := NewPlan(v)
		require.ErrorContains(t, err, want, given)
	}
	for _, s := range []string{"optimizer=adma", "optimizer.budget=0", "batch=-1", "precision=f16", "weights.height=1", "loss=l1", "seed=-1"} {
		key, text, _ := strings.Cut(s, "=")
		require.Error(t, setting.New(table).Set(key, text, "flag"), s)
	}
	_, err := Methods([]setting.Stage{{Name: "newton"}})
	require.EqualError(t, err, "there is no optimizer `newton`")
}
