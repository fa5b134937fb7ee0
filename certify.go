package pinode

import (
	"context"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/gradcheck"
)

// GradientModes are the ways to a gradient that certificates compare.
func GradientModes() []string { return append([]string{}, gradcheck.Modes...) }

// Certificate says how far derivatives are from finite differences, and its parts.
type (
	Certificate      = fit.Certificate
	CertifiedEvent   = fit.CertifiedEvent
	CertifiedTarget  = fit.CertifiedTarget
	CertifiedPartial = fit.CertifiedPartial
)

// Certify compares the gradient of the loss in about n coordinates, parameters
// first, in the time that the fit has, which grows shorter by it. Without modes it is
// what the setting `certificate` says: the mode of the fit with differences as good as
// a warning before a fit needs them, or, in full, all modes that the solver has and
// every trajectory.
func (f *Fit) Certify(ctx context.Context, n int, modes ...string) (*Certificate, error) {
	c, err := f.inner.Certify(ctx, n, modes...)
	return c, public(err)
}

// Certify compares derivatives in all modes that the solver has, in about n
// coordinates. With data it is that of the fit, on every trajectory, else that of the
// simulation.
func (m *Model) Certify(ctx context.Context, n int) (*Certificate, error) {
	if len(m.prog.Checked.Data) == 0 {
		c, err := gradcheck.WholeSimulation(ctx, m.simulator(), n)
		return c, public(err)
	}
	f, err := m.NewFit(FitOptions{})
	if err != nil {
		return nil, err
	}
	f.inner.Plan.Certificate = "full"
	return f.Certify(ctx, n)
}
