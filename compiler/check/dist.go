package check

// distribution is the rule for the arguments of a distribution in its uses.
type distribution struct {
	name string
	// observe are the arguments behind the predicted value, draw those of a
	// prior or a sample. Their units: 'u' that of the quantity, '1' none, 'l'
	// the logarithm of the quantity.
	observe, draw string
	observed      bool // may follow an observation
	drawn         bool // may be a prior or be sampled
	doc           string
}

var distributions = []distribution{
	{"normal", "u", "uu", true, true, "normal(σ), or normal(mean, sd)"},
	{"lognormal", "1", "l1", true, true, "lognormal(σ): log of the value around the log of the prediction; or lognormal(mu, sigma)"},
	{"student", "1u", "1uu", true, true, "student(ν, scale), or student(ν, mean, scale)"},
	{"laplace", "u", "uu", true, true, "laplace(scale), or laplace(mean, scale)"},
	{"poisson", "", "", true, false, "counts with the prediction as mean"},
	{"negbinomial", "1", "", true, false, "negbinomial(α): variance m + m²/α around the prediction m"},
	{"bernoulli", "", "", true, false, "0 or 1 with the prediction as probability"},
	{"uniform", "", "uu", false, true, "uniform(lo, hi)"},
	{"exponential", "", "u", false, true, "exponential(mean)"},
}

func findDistribution(name string) *distribution {
	for i := range distributions {
		if distributions[i].name == name {
			return &distributions[i]
		}
	}
	return nil
}
