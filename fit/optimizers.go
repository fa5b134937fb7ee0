package fit

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/internal/setting"
)

// Optimizer is an entry of the list of methods: what the setting `optimizer`
// can be, alone or in a chain.
type Optimizer struct {
	Name, Doc, Reference string
	Settings             setting.Table
	// New makes the method from resolved settings. It refuses those that have
	// no effect together.
	New func(v *setting.Values) (Method, error)
}

// Optimizers lists the methods. Defaults are those of the references.
var Optimizers = []*Optimizer{
	{
		Name: "auto", Doc: "what fits the model at hand: Gauss–Newton steps where the loss has residuals, from several starts near the data",
		Reference: "see docs/fitting.md",
		Settings: setting.Table{
			{Key: "budget", Kind: setting.Number, Default: "60", Min: 1e-3, Max: maxSeconds, Doc: "work before it gives up looking for a better optimum, in seconds on two cores, counted in operations"},
			{Key: "without", Kind: setting.Words, Choices: AutoParts, Doc: "parts of the search that are left out, to see what they do for a problem"},
		},
		New: func(v *setting.Values) (Method, error) {
			return &Auto{Budget: v.Float("budget"), Without: v.Words("without")}, nil
		},
	},
	{
		Name: "adam", Doc: "first-order, each coordinate with its own step length",
		Reference: "D.P. Kingma, J. Ba, ICLR 2015, arXiv:1412.6980",
		Settings:  firstOrder("1e-3", adamSettings...),
		New: func(v *setting.Values) (Method, error) {
			return newFirstOrder("adam", v, Adam{Beta1: v.Float("beta1"), Beta2: v.Float("beta2"), Eps: v.Float("eps")})
		},
	},
	{
		Name: "adamw", Doc: "adam that shrinks the weights of networks beside the gradient step",
		Reference: "I. Loshchilov, F. Hutter, ICLR 2019, arXiv:1711.05101",
		Settings:  firstOrder("1e-3", append(slices.Clone(adamSettings), weightDecay("1e-2"))...),
		New: func(v *setting.Values) (Method, error) {
			return newFirstOrder("adamw", v, Adam{Beta1: v.Float("beta1"), Beta2: v.Float("beta2"), Eps: v.Float("eps"), Decay: v.Float("weight_decay")})
		},
	},
	{
		Name: "rmsprop", Doc: "first-order, the gradient over its running root mean square",
		Reference: "T. Tieleman, G. Hinton, lecture 6.5, COURSERA: Neural Networks for Machine Learning, 2012",
		Settings: firstOrder("1e-3",
			setting.Setting{Key: "alpha", Kind: setting.Number, Default: "0.9", Max: belowOne, Doc: "memory of the mean square"},
			epsSetting,
			momentum("0"),
		),
		New: func(v *setting.Values) (Method, error) {
			return newFirstOrder("rmsprop", v, RMSProp{Alpha: v.Float("alpha"), Eps: v.Float("eps"), Momentum: v.Float("momentum")})
		},
	},
	{
		Name: "sgd", Doc: "gradient descent with momentum",
		Reference: "I. Sutskever, J. Martens, G. Dahl, G. Hinton, ICML 2013",
		Settings: firstOrder("1e-2",
			momentum("0.9"),
			setting.Setting{Key: "nesterov", Kind: setting.Bool, Default: "false", Doc: "look ahead along the velocity"},
			weightDecay("0"),
		),
		New: func(v *setting.Values) (Method, error) {
			d := SGD{Momentum: v.Float("momentum"), Nesterov: v.Bool("nesterov"), Decay: v.Float("weight_decay")}
			if d.Nesterov && d.Momentum == 0 {
				return nil, errors.New("`nesterov` has no effect without `momentum`")
			}
			return newFirstOrder("sgd", v, d)
		},
	},
	{
		Name: "lbfgs", Doc: "quasi-Newton over all trajectories, with a line search",
		Reference: "D.C. Liu, J. Nocedal, Mathematical Programming 45, 503–528, 1989",
		Settings: setting.Table{
			{Key: "iterations", Kind: setting.Int, Default: "100", Min: 1, Max: many, Doc: "most line searches"},
			{Key: "memory", Kind: setting.Int, Default: "10", Min: 1, Max: 1000, Doc: "pairs of steps and gradient changes kept"},
			{Key: "gtol", Kind: setting.Number, Default: "1e-6", Max: math.Inf(1), Doc: "converged when no component of the gradient is larger"},
			{Key: "ftol", Kind: setting.Number, Default: "1e-10", Max: 1, Doc: "converged when the loss falls by less than this fraction, three times in a row"},
		},
		New: func(v *setting.Values) (Method, error) {
			return &LBFGS{MaxIterations: v.Int("iterations"), Memory: v.Int("memory"), GradTol: v.Float("gtol"), LossTol: v.Float("ftol")}, nil
		},
	},
	{
		Name: "levenberg_marquardt", Doc: "trust region for sums of squares, with exact curvature of the linear model",
		Reference: "J.J. Moré, Lecture Notes in Mathematics 630, 105–116, 1978; tolerances of MINPACK's lmder1",
		Settings: setting.Table{
			{Key: "iterations", Kind: setting.Int, Default: "100", Min: 1, Max: many, Doc: "most accepted steps"},
			{Key: "factor", Kind: setting.Number, Default: "1", Min: 1e-3, Max: 1e3, Doc: "first radius of the region, relative to the scaled coordinates"},
			{Key: "ftol", Kind: setting.Number, Default: "1.49e-8", Max: 1, Doc: "converged when the sum of squares falls by less than this fraction"},
			{Key: "xtol", Kind: setting.Number, Default: "1.49e-8", Max: 1, Doc: "converged when the region is smaller than this fraction of the coordinates"},
			{Key: "gtol", Kind: setting.Number, Default: "0", Max: 1, Doc: "converged when no column of the Jacobian has a larger cosine with the residual"},
		},
		New: func(v *setting.Values) (Method, error) {
			return &LevenbergMarquardt{
				MaxIterations: v.Int("iterations"), Factor: v.Float("factor"),
				LossTol: v.Float("ftol"), StepTol: v.Float("xtol"), GradTol: v.Float("gtol"),
			}, nil
		},
	},
}

const (
	belowOne = 1 - 1e-9 // of memories that must decay
	many     = 1 << 30
	huge     = 1e300 // where infinity would make no sense
)

var adamSettings = []setting.Setting{
	{Key: "beta1", Kind: setting.Number, Default: "0.9", Max: belowOne, Doc: "memory of the mean gradient"},
	{Key: "beta2", Kind: setting.Number, Default: "0.999", Max: belowOne, Doc: "memory of the mean square"},
	epsSetting,
}

var epsSetting = setting.Setting{Key: "eps", Kind: setting.Number, Default: "1e-8", Min: 1e-300, Max: math.Inf(1), Doc: "added to the root mean square"}

func momentum(def string) setting.Setting {
	return setting.Setting{Key: "momentum", Kind: setting.Number, Default: def, Max: belowOne, Doc: "memory of the velocity"}
}

func weightDecay(def string) setting.Setting {
	return setting.Setting{Key: "weight_decay", Kind: setting.Number, Default: def, Max: huge, Doc: "shrinking rate of the weights of networks; parameters are spared"}
}

// firstOrder is the table of a first-order method: the settings that all have,
// around its own.
func firstOrder(lr string, own ...setting.Setting) setting.Table {
	shapes := make([]setting.Choice, len(Shapes))
	for i, s := range Shapes {
		shapes[i] = setting.Choice{Name: s.Name, Doc: s.Doc}
	}
	t := setting.Table{
		{Key: "lr", Kind: setting.Number, Default: lr, Min: math.SmallestNonzeroFloat64, Max: huge, Doc: "learning rate"},
		{Key: "epochs", Kind: setting.Int, Default: "300", Min: 1, Max: many, Doc: "passes over the training trajectories"},
	}
	t = append(t, own...)
	return append(t,
		setting.Setting{Key: "schedule", Kind: setting.Word, Default: Constant.Name, Choices: shapes, Doc: "course of the learning rate"},
		setting.Setting{Key: "final", Kind: setting.Number, Default: "0.01", Min: 1e-12, Max: 1, Doc: "fraction of the rate at the end, of `cosine` and `exponential`"},
		setting.Setting{Key: "factor", Kind: setting.Number, Default: "0.1", Min: 1e-12, Max: 1, Doc: "multiplies the rate at a `plateau`"},
		setting.Setting{Key: "patience", Kind: setting.Int, Default: "10", Min: 0, Max: many, Doc: "epochs without improvement that make a `plateau`"},
		setting.Setting{Key: "threshold", Kind: setting.Number, Default: "1e-4", Max: 1, Doc: "relative improvement that ends a `plateau`"},
		setting.Setting{Key: "warmup", Kind: setting.Int, Default: "0", Max: many, Doc: "epochs over which the rate rises to its start"},
		setting.Setting{Key: "clip", Kind: setting.Number, Default: "0", Max: huge, Doc: "largest norm of the gradient; 0 is no limit"},
		setting.Setting{Key: "retries", Kind: setting.Int, Default: "8", Max: 60, Doc: "halvings of a step at whose end a solve fails, before giving up"},
	)
}

// shapeSettings names the settings that only some schedules read.
var shapeSettings = map[string][]*Shape{
	"final":     {Cosine, Exponential},
	"factor":    {Plateau},
	"patience":  {Plateau},
	"threshold": {Plateau},
}

func newFirstOrder(name string, v *setting.Values, rule Rule) (Method, error) {
	i := slices.IndexFunc(Shapes, func(s *Shape) bool { return s.Name == v.Word("schedule") })
	shape := Shapes[i]
	for key, readers := range shapeSettings {
		if v.Given(key) && !slices.Contains(readers, shape) {
			return nil, fmt.Errorf("`%s` has no effect with `schedule: %s`", key, shape.Name)
		}
	}
	return &FirstOrder{
		Label: name, Rule: rule, Rate: v.Float("lr"), Epochs: v.Int("epochs"), Clip: v.Float("clip"), Retries: v.Int("retries"),
		Schedule: Schedule{
			Shape: shape, Warmup: v.Int("warmup"), Final: v.Float("final"),
			Factor: v.Float("factor"), Patience: v.Int("patience"), Threshold: v.Float("threshold"),
		},
	}, nil
}

// Methods makes the methods of a resolved chain.
func Methods(stages []setting.Stage) ([]Method, error) {
	var ms []Method
	for _, st := range stages {
		i := slices.IndexFunc(Optimizers, func(o *Optimizer) bool { return o.Name == st.Name })
		if i < 0 {
			return nil, fmt.Errorf("there is no optimizer `%s`", st.Name)
		}
		m, err := Optimizers[i].New(st.Options)
		if err != nil {
			return nil, fmt.Errorf("optimizer `%s`: %w", st.Name, err)
		}
		ms = append(ms, m)
	}
	return ms, nil
}
