package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// distUse is what a distribution is used for.
type distUse uint8

const (
	asNoise distUse = iota // behind an observation
	asPrior                // of a parameter
	asDraw                 // of samples: its arguments are numbers
)

// argRule is the rule for an argument of a distribution.
type argRule struct {
	name     string
	unit     argUnit
	positive bool
}

type argUnit uint8

const (
	ofQuantity argUnit = iota // the unit of the quantity
	noUnit
	logOfQuantity // none, and may be written log(q) with q in the unit of the quantity
)

// Distribution is a distribution of the language.
type Distribution struct {
	Name string
	Doc  string

	// noise are the arguments behind an observation, whose prediction is the
	// location; draw those of a prior or a sample. nil: not for that use.
	noise, draw []argRule
}

var (
	mean  = argRule{"mean", ofQuantity, false}
	sd    = argRule{"sd", ofQuantity, true}
	scale = argRule{"scale", ofQuantity, true}
	sigma = argRule{"sigma", noUnit, true}
	nu    = argRule{"nu", noUnit, true}
	delta = argRule{"delta", noUnit, true}

	shapeArg = argRule{"shape", noUnit, true}
)

// Distributions lists the distributions of the language.
var Distributions = []Distribution{
	{"normal", "normal(sd) around a prediction; normal(mean, sd)", []argRule{sd}, []argRule{mean, sd}},
	{"lognormal", "lognormal(sigma): the logarithm is normal around that of the prediction; lognormal(mu, sigma)", []argRule{sigma}, []argRule{{"mu", logOfQuantity, false}, sigma}},
	{"student", "student(nu, scale) around a prediction; student(nu, mean, scale)", []argRule{nu, scale}, []argRule{nu, mean, scale}},
	{"laplace", "laplace(scale) around a prediction; laplace(mean, scale)", []argRule{scale}, []argRule{mean, scale}},
	{"huber", "huber(delta, scale) around a prediction: normal with the deviation scale within delta scales, and with the tails of laplace beyond; delta = 1.345 loses 5 % to normal noise", []argRule{delta, scale}, nil},
	{"poisson", "counts with the prediction as mean", []argRule{}, nil},
	{"negbinomial", "negbinomial(α): counts with the prediction m as mean and the variance m + m²/α", []argRule{{"α", noUnit, true}}, nil},
	{"bernoulli", "0 or 1 with the prediction as probability", []argRule{}, nil},
	{exactDist, "exact: the density of the states themselves, whose initial values are drawn, along the flow; without parentheses", []argRule{}, nil},
	{"uniform", "uniform(lo, hi)", nil, []argRule{{"lo", ofQuantity, false}, {"hi", ofQuantity, false}}},
	{"exponential", "exponential(mean)", nil, []argRule{{"mean", ofQuantity, true}}},
	{"cauchy", "cauchy(scale) around a prediction; cauchy(location, scale)", []argRule{scale}, []argRule{{"location", ofQuantity, false}, scale}},
	{"halfnormal", "halfnormal(scale): the size of a normal quantity around 0", nil, []argRule{scale}},
	{"halfcauchy", "halfcauchy(scale): the size of a Cauchy quantity around 0", nil, []argRule{scale}},
	{"gamma", "gamma(shape, scale), of mean shape · scale", nil, []argRule{shapeArg, scale}},
	{"inverse_gamma", "inverse_gamma(shape, scale): the inverse has gamma(shape, 1/scale)", nil, []argRule{shapeArg, scale}},
	{"beta", "beta(a, b), from 0 to 1", nil, []argRule{{"a", noUnit, true}, {"b", noUnit, true}}},
}

// otherDistributions are names that distributions, or the losses that they are, have elsewhere.
var otherDistributions = func() map[string]string {
	out := map[string]string{}
	for name, others := range map[string][]string{
		"normal": {"gaussian", "gauss", "norm", "Normal", "mse", "l2"}, "lognormal": {"log_normal", "lognorm", "LogNormal"},
		"student": {"student_t", "studentt", "t", "StudentT", "arctan"}, "laplace": {"l1", "mae", "double_exponential", "Laplace"},
		"huber": {"soft_l1", "pseudo_huber", "smooth_l1", "fair", "Huber"}, "cauchy": {"lorentz", "lorentzian", "Cauchy"},
		"negbinomial": {"neg_binomial", "nbinom", "negative_binomial"}, "bernoulli": {"binary", "logistic"},
		"halfnormal": {"half_normal", "HalfNormal"}, "halfcauchy": {"half_cauchy", "HalfCauchy"}, "inverse_gamma": {"invgamma", "inv_gamma"},
	} {
		for _, o := range others {
			out[o] = name
		}
	}
	return out
}()

// limits are the distributions of which what is beyond a limit has a probability here.
var limits = map[string]bool{"normal": true, "lognormal": true, "laplace": true}

// OfObservations reports whether an observation may have the distribution.
func (d *Distribution) OfObservations() bool { return d.noise != nil }

// OfParameters reports whether a prior or a sample may have it.
func (d *Distribution) OfParameters() bool { return d.draw != nil }

var distributionByName = index(Distributions, func(d *Distribution) string { return d.Name })

func (d *Distribution) rules(use distUse) []argRule {
	if use == asNoise {
		return d.noise
	}
	return d.draw
}

// dists elaborates distributions.
type dists struct{ *objects }

// dist elaborates a distribution of a quantity; nil after an error.
func (e *dists) dist(s *scope, c *dsl.Call, of *Obj, use distUse) *Dist {
	d := distributionByName[c.Fun.Name]
	if d == nil || d.rules(use) == nil {
		e.errDistribution(c, d, use)
		return nil
	}
	rules := d.rules(use)
	if len(c.Args) != len(rules) {
		e.errDistArity(c, d, len(rules))
		return nil
	}
	if (d.Name == "poisson" || d.Name == "negbinomial" || d.Name == "bernoulli" || d.Name == "beta") && !e.equate(of.Unit, units.One, c.Span()) {
		e.errCounts(c, of)
		return nil
	}
	out := &Dist{Name: d.Name, Span: c.Span()}
	for i, a := range c.Args {
		if v := e.distArg(s, a, rules[i], c, of); v != nil {
			out.Args = append(out.Args, v)
		}
	}
	if len(out.Args) < len(rules) {
		return nil
	}
	if d.Name == "uniform" {
		lo, ok1 := fold(out.Args[0])
		hi, ok2 := fold(out.Args[1])
		if ok1 && ok2 && !(lo[0] < hi[0]) {
			e.errEmptyUniform(c, lo[0], hi[0])
			return nil
		}
	}
	return out
}

func (e *dists) distArg(s *scope, x dsl.Expr, rule argRule, c *dsl.Call, of *Obj) *Expr {
	var v *Expr
	if rule.unit == logOfQuantity {
		v = e.logOf(s, x, of)
	} else {
		v = e.value(s, x)
	}
	if v == nil {
		return nil
	}
	if v.Shape.Rank != 0 && v.Shape != of.Shape {
		e.errValueShape(v, of)
		return nil
	}
	want := units.One
	if rule.unit == ofQuantity {
		want = of.Unit
	}
	if !e.demand(v, want) {
		e.errDistUnit(v, rule, c, of, want)
		return nil
	}
	if n, ok := fold(v); ok {
		for _, n := range n {
			if math.IsNaN(n) || math.IsInf(n, 0) || rule.positive && !(n > 0) {
				e.errDistValue(v, rule, c, n)
				return nil
			}
		}
	}
	return v
}

// logOf elaborates the location of a lognormal distribution. There log(q) may
// stand for a quantity q with the unit of the one that is drawn, alone or in
// a sum with numbers.
func (e *dists) logOf(s *scope, x dsl.Expr, of *Obj) *Expr {
	switch x := x.(type) {
	case *dsl.Paren:
		return e.logOf(s, x.X, of)
	case *dsl.Call:
		if x.Fun.Name != "log" || len(x.Args) != 1 {
			break
		}
		q := e.value(s, x.Args[0])
		if q == nil {
			return nil
		}
		if !e.demand(q, of.Unit) {
			e.errValueUnit(q, of)
			return nil
		}
		return e.add(&Expr{Kind: Op, Name: "log", Args: []*Expr{q}, Shape: q.Shape, Span: x.Span()})
	case *dsl.Binary:
		if x.Op != "+" && x.Op != "-" || !hasLog(x) {
			break
		}
		var a, b *Expr
		if x.Op == "-" || hasLog(x.X) {
			a, b = e.logOf(s, x.X, of), e.value(s, x.Y)
		} else {
			a, b = e.value(s, x.X), e.logOf(s, x.Y, of)
		}
		if a == nil || b == nil {
			return nil
		}
		shape, ok := common(a, b)
		if !ok {
			e.errShapes(x.OpSp, a, b)
			return nil
		}
		for _, v := range []*Expr{a, b} {
			if !e.demand(v, units.One) {
				e.errDimensionless("the logarithm of `"+of.Name+"`", v)
				return nil
			}
		}
		return e.add(&Expr{Kind: Op, Name: operatorBySymbol[x.Op].Name, Args: []*Expr{a, b}, Shape: shape, Span: x.Span()})
	}
	return e.value(s, x)
}

// hasLog reports whether a term of a sum is a logarithm.
func hasLog(x dsl.Expr) bool {
	switch x := x.(type) {
	case *dsl.Paren:
		return hasLog(x.X)
	case *dsl.Call:
		return x.Fun.Name == "log"
	case *dsl.Binary:
		return (x.Op == "+" || x.Op == "-") && (hasLog(x.X) || x.Op == "+" && hasLog(x.Y))
	}
	return false
}
