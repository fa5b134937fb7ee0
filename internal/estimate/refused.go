package estimate

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/sim"
)

// What a fit refuses.

// checkSolver refuses a precision or a gradient that does not go with the solver.
func checkSolver(prog *compiler.Program, settings *setting.Values, p *fit.Plan, opt sim.Options) error {
	if err := checkPrecision(prog, p, opt); err != nil {
		return err
	}
	return checkGradient(prog, settings, opt)
}

// checkPrecision refuses single precision where it has no effect or no sense.
func checkPrecision(prog *compiler.Program, p *fit.Plan, opt sim.Options) error {
	if !p.Single {
		return nil
	}
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	switch {
	case len(prog.Model.Blocks) == 0:
		l.Errorf("no-effect", at, "`precision: f32` has no effect: it is that of networks, and the model has none")
	case opt.Method.Adaptive() && opt.RTol < singleNoise:
		l.Errorf("precision", at, "`rtol: %g` asks for more digits than networks with `precision: f32` have", opt.RTol).
			WithHelp("write `precision: f64`, or a tolerance of 1e-6 or more")
	}
	return l.Err()
}

// checkGradient refuses a gradient that the solver cannot give.
func checkGradient(prog *compiler.Program, settings *setting.Values, opt sim.Options) error {
	mode := opt.Gradient(settings.Word("gradient"))
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	if prog.Encoder != nil && (mode == "forward" || !opt.HasGradient("unrolled")) {
		l.Errorf("not-supported", at, "the runs of an encoder are differentiated backwards, step by step: not with `gradient: %s` and `solver: %s`", mode, opt.Method.Name).
			WithHelp("leave out `gradient`, and take `solver: tsit5` or another explicit one")
		return l.Err()
	}
	if opt.HasGradient(mode) {
		return nil
	}
	why, help := "backwards, what falls quickly in a stiff model grows quickly", "write `gradient: adjoint` or `gradient: forward`"
	switch {
	case mode == "unrolled":
		why = "its steps go on from several before, which a derivative of one step does not know"
	case mode == "adjoint":
		why = "its dense output is too coarse for the adjoint equation"
	}
	if opt.HasGradient("unrolled") {
		help = "write `gradient: unrolled`, which is exact, or `gradient: forward`"
	}
	l.Errorf("not-supported", at, "`gradient: %s` is not supported with `solver: %s`: %s", mode, opt.Method.Name, why).WithHelp("%s", help)
	return l.Err()
}

// planUnsupported refuses settings that are accepted and not obeyed yet.
func planUnsupported(prog *compiler.Program, p *fit.Plan) error {
	l := &diag.List{}
	at := prog.Checked.Model.Span
	if s := prog.Checked.Fit; s != nil {
		at = s.Span
	}
	if p.Draws > 1 && len(prog.Checked.Model.Draws) == 0 {
		l.Errorf("no-effect", at, "`draws: %d` has no effect: the model draws nothing", p.Draws)
	}
	no := func(what string) { l.Errorf("not-supported", at, "%s is not supported yet", what) }
	if p.Bounded && prog.Encoder == nil {
		l.Errorf("no-effect", at, "`bound` and `kl` have no effect: no draw has a posterior")
	}
	if p.Segments > 1 && prog.Encoder != nil {
		no("`shooting` of a model with an encoder")
	}
	if p.Loss == "mse" {
		for _, o := range prog.Checked.Model.Observes {
			if o.Dist != nil {
				no("`loss: mse` for observations with a distribution")
				break
			}
		}
	}
	if p.Starts > 1 && searches(p) {
		l.Errorf("no-effect", at, "`starts: %d` has no effect: `optimizer: auto` begins from starts of its own", p.Starts).
			WithHelp("write a chain such as `optimizer: adam { epochs: 300 } then lbfgs { iterations: 200 }`, or leave out `starts`")
	}
	return l.Err()
}
