package check

import (
	"math"
	"slices"

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

// Distribution is a distribution of the language: all that the checker, and packages behind it, know
// of it by name.
type Distribution struct {
	Name string
	Doc  string

	// noise are the arguments behind an observation, whose prediction is the
	// location; draw those of a prior or a sample. nil: not for that use.
	noise, draw []argRule

	// Support is where it has a density; nil: all numbers, or, of uniform, between its arguments.
	Support *Interval

	// Shaped is on how many of its arguments, the first, its standard variate depends, and what lies
	// below a number has no form in graphs; 0: on none, and it has.
	Shaped int

	pure   bool     // of quantities without a unit
	limits bool     // what is beyond a limit of an observation has a probability
	others []string // names that it, or the loss that it is, has elsewhere
}

// Interval is one of numbers.
type Interval struct {
	Lo, Hi         float64
	LoOpen, HiOpen bool
}

var (
	mean  = argRule{"mean", ofQuantity, false}
	sd    = argRule{"sd", ofQuantity, true}
	scale = argRule{"scale", ofQuantity, true}
	sigma = argRule{"sigma", noUnit, true}
	nu    = argRule{"nu", noUnit, true}
	delta = argRule{"delta", noUnit, true}

	shapeArg = argRule{"shape", noUnit, true}

	fromZero  = &Interval{Lo: 0, Hi: math.Inf(1)}
	aboveZero = &Interval{Lo: 0, Hi: math.Inf(1), LoOpen: true}
	shares    = &Interval{0, 1, true, true}
)

// Distributions lists the distributions of the language.
var Distributions = []Distribution{
	{
		Name: "normal", Doc: "normal(sd) around a prediction; normal(mean, sd)", noise: []argRule{sd}, draw: []argRule{mean, sd},
		limits: true, others: []string{"gaussian", "gauss", "norm", "Normal", "mse", "l2"},
	},
	{
		Name: "lognormal", Doc: "lognormal(sigma): the logarithm is normal around that of the prediction; lognormal(mu, sigma)",
		noise: []argRule{sigma}, draw: []argRule{{"mu", logOfQuantity, false}, sigma},
		Support: aboveZero, limits: true, others: []string{"log_normal", "lognorm", "LogNormal"},
	},
	{
		Name: "student", Doc: "student(nu, scale) around a prediction; student(nu, mean, scale)", noise: []argRule{nu, scale}, draw: []argRule{nu, mean, scale},
		Shaped: 1, others: []string{"student_t", "studentt", "t", "StudentT", "arctan"},
	},
	{
		Name: "laplace", Doc: "laplace(scale) around a prediction; laplace(mean, scale)", noise: []argRule{scale}, draw: []argRule{mean, scale},
		limits: true, others: []string{"l1", "mae", "double_exponential", "Laplace"},
	},
	{
		Name: "huber", Doc: "huber(delta, scale) around a prediction: normal with the deviation scale within delta scales, and with the tails of laplace beyond; delta = 1.345 loses 5 % to normal noise",
		noise: []argRule{delta, scale}, others: []string{"soft_l1", "pseudo_huber", "smooth_l1", "fair", "Huber"},
	},
	{Name: "poisson", Doc: "counts with the prediction as mean", noise: []argRule{}, pure: true},
	{
		Name: "negbinomial", Doc: "negbinomial(α): counts with the prediction m as mean and the variance m + m²/α", noise: []argRule{{"α", noUnit, true}},
		pure: true, others: []string{"neg_binomial", "nbinom", "negative_binomial"},
	},
	{Name: "bernoulli", Doc: "0 or 1 with the prediction as probability", noise: []argRule{}, pure: true, others: []string{"binary", "logistic"}},
	{Name: exactDist, Doc: "exact: the density of the states themselves, whose initial values are drawn, along the flow; without parentheses", noise: []argRule{}},
	{Name: "uniform", Doc: "uniform(lo, hi)", draw: []argRule{{"lo", ofQuantity, false}, {"hi", ofQuantity, false}}},
	{Name: "exponential", Doc: "exponential(mean)", draw: []argRule{{"mean", ofQuantity, true}}, Support: fromZero},
	{
		Name: "cauchy", Doc: "cauchy(scale) around a prediction; cauchy(location, scale)", noise: []argRule{scale}, draw: []argRule{{"location", ofQuantity, false}, scale},
		others: []string{"lorentz", "lorentzian", "Cauchy"},
	},
	{
		Name: "halfnormal", Doc: "halfnormal(scale): the size of a normal quantity around 0", draw: []argRule{scale},
		Support: fromZero, others: []string{"half_normal", "HalfNormal"},
	},
	{
		Name: "halfcauchy", Doc: "halfcauchy(scale): the size of a Cauchy quantity around 0", draw: []argRule{scale},
		Support: fromZero, others: []string{"half_cauchy", "HalfCauchy"},
	},
	{Name: "gamma", Doc: "gamma(shape, scale), of mean shape · scale", draw: []argRule{shapeArg, scale}, Support: aboveZero, Shaped: 1},
	{
		Name: "inverse_gamma", Doc: "inverse_gamma(shape, scale): the inverse has gamma(shape, 1/scale)", draw: []argRule{shapeArg, scale},
		Support: aboveZero, Shaped: 1, others: []string{"invgamma", "inv_gamma"},
	},
	{Name: "beta", Doc: "beta(a, b), from 0 to 1", draw: []argRule{{"a", noUnit, true}, {"b", noUnit, true}}, Support: shares, Shaped: 2, pure: true},
}

// otherDistributions are names that distributions have elsewhere.
var otherDistributions = func() map[string]string {
	out := map[string]string{}
	for _, d := range Distributions {
		for _, o := range d.others {
			out[o] = d.Name
		}
	}
	return out
}()

// of is what is known of the distribution.
func (d *Dist) of() *Distribution { return distributionByName[d.Name] }

// Support is where the distribution has a density, whatever its arguments are; nil: all numbers.
func (d *Dist) Support() *Interval { return d.of().Support }

// ScaleOfNoise is the place of the scale among the arguments of an observation's distribution; −1: it
// has none.
func (d *Dist) ScaleOfNoise() int {
	return slices.IndexFunc(d.of().noise, func(r argRule) bool { return r == sd || r == scale || r == sigma })
}

// ofAnyNumber are the distributions that give every number a density, as weights are any.
var ofAnyNumber = func() (names []string) {
	for _, d := range Distributions {
		if d.draw != nil && d.Support == nil && d.Name != "uniform" {
			names = append(names, d.Name)
		}
	}
	return names
}()

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
	if d.pure && !e.equate(of.Unit, units.One, c.Span()) {
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
