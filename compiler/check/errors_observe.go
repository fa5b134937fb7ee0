package check

import "github.com/pinode/pinode/dsl"

func (e *dists) errDistribution(c *dsl.Call, d *Distribution, use distUse) {
	var have []string
	for i := range Distributions {
		if Distributions[i].rules(use) != nil {
			have = append(have, Distributions[i].Name)
		}
	}
	what := map[distUse]string{asNoise: "distribution of an observation", asPrior: "prior", asDraw: "distribution to draw from"}[use]
	if like := otherDistributions[c.Fun.Name]; d == nil && contains(have, like) {
		e.diags.Errorf(unknownName, c.Fun.Span(), "there is no distribution `%s`", c.Fun.Name).
			WithHelp("did you mean `%s`? %s", like, distributionByName[like].Doc)
		return
	}
	if d == nil {
		e.errUnknown("distribution", c.Fun.Span(), c.Fun.Name, have)
		return
	}
	e.diags.Errorf(badDistribution, c.Fun.Span(), "`%s` is no %s", d.Name, what).WithHelp("there are: %s", oneOf(have))
}

func (e *dists) errDistArity(c *dsl.Call, d *Distribution, want int) {
	e.diags.Errorf(wrongArguments, c.Span(), "`%s` takes %s here, not %d", d.Name, plural(want, "argument"), len(c.Args)).
		WithHelp("%s", d.Doc)
}

func (e *dists) errDistValue(v *Expr, rule argRule, c *dsl.Call, got float64) {
	want := "a number"
	if rule.positive {
		want = "positive"
	}
	e.diags.Errorf(badDistribution, v.Span, "`%s` of `%s` is %s, not %g", rule.name, c.Fun.Name, want, got)
}

func (e *dists) errEmptyUniform(c *dsl.Call, lo, hi float64) {
	e.diags.Errorf(badDistribution, c.Span(), "there is no number between %g and %g", lo, hi)
}

func (e *observations) errAlwaysConserved(c *Conserve) {
	e.diags.Warnf(idleConserve, c.Span, "nothing changes `%s`, so it is conserved anyway", c.Name)
}

func (e *observations) errRequire(x dsl.Expr) {
	e.diags.Errorf(badRequire, x.Span(), "`require` takes one comparison").
		WithHelp("as in `require x >= 0` or `require a == b`; a second condition is a line of its own")
}

func (e *observations) errLimit(opt *dsl.Option, o *Observe) {
	what := "without a distribution"
	if o.Dist != nil {
		what = "of the distribution `" + o.Dist.Name + "`"
	}
	e.diags.Errorf(badOption, opt.Span(), "`%s` is not supported for an observation %s", opt.Name.Name, what).
		WithHelp("it is for normal, lognormal and laplace")
}
