package pinode

import (
	"context"

	"github.com/pinode/pinode/internal/gradcheck"
)

// GradientModes are the ways to a gradient that certificates compare.
func GradientModes() []string { return append([]string{}, gradcheck.Modes...) }

// Certificate compares derivatives in several gradient modes with finite
// differences, at the start values. The targets are the loss of a trajectory,
// or the states at the end where the file has no data, and the times of the
// first events. Every coordinate is compared on a trajectory on which it acts,
// and where there are several trajectories the loss of all of them along one
// direction through all coordinates.
type Certificate struct {
	Modes   []string
	Targets []CertifiedTarget
	Events  []CertifiedEvent
	Inert   []string // parameters that have no effect at the start values
	Notes   []string // what makes differences doubtful in this model

	InertWeights int // of those that were looked at

	// Worst is the largest disagreement, in the scale of its derivative; Mode
	// and Where say which it is. Up to Tolerance is agreement.
	Worst     float64
	Tolerance float64
	Mode      string
	Where     string

	// Compared and Doubtful count the derivatives of losses, or of the states
	// at the end: those that differences confirm, and those that they cannot
	// tell but on which the modes agree among each other.
	Compared, Doubtful int
}

// Certified reports whether no derivative disagrees, and one at least was
// compared.
func (c *Certificate) Certified() bool {
	return c.Worst <= c.Tolerance && c.Compared+c.Doubtful > 0
}

// CertifiedEvent is an event of the run.
type CertifiedEvent struct {
	Name           string
	Time           float64
	Transversality float64 // 0 at a graze, 1 far from one; NaN without a guard
}

// CertifiedTarget is a number and its derivatives.
type CertifiedTarget struct {
	Name  string
	Event int // of which it is the time, in Events, or -1
	Rows  []CertifiedPartial
}

// CertifiedPartial is the derivative by one coordinate, a parameter or a
// weight, or along a direction.
type CertifiedPartial struct {
	Name        string
	Weight      bool // of a network
	Difference  float64
	Uncertainty float64   // estimated error of Difference
	Failed      string    // why there is no difference; empty if there is one
	Gradient    []float64 // by mode
	Off         []float64 // by mode: the disagreement, in the scale of the derivative
	Doubtful    string    // why differences cannot tell; then the disagreement is that among the modes
	Direction   bool      // through all coordinates
}

func publicCertificate(c *gradcheck.Certificate, err error) (*Certificate, error) {
	if err != nil {
		return nil, public(err)
	}
	out := &Certificate{
		Modes: c.Modes, Inert: c.Inert, Notes: c.Notes, InertWeights: c.InertWeights,
		Worst: c.Worst, Tolerance: c.Tolerance, Mode: c.Mode, Where: c.Where, Compared: c.Compared, Doubtful: c.Doubtful,
	}
	for _, e := range c.Events {
		out.Events = append(out.Events, CertifiedEvent(e))
	}
	for _, t := range c.Targets {
		to := CertifiedTarget{Name: t.Name, Event: t.Event}
		for _, r := range t.Rows {
			to.Rows = append(to.Rows, CertifiedPartial{
				r.Name, r.Weight, r.Difference, r.Uncertainty, r.Failed, r.Gradient, r.Off, r.Doubtful, r.Direction,
			})
		}
		out.Targets = append(out.Targets, to)
	}
	return out, nil
}

// Certify compares the gradient of the loss in about n coordinates, parameters
// first, in the time that the fit has, which grows shorter by it. Without modes it is
// what the setting `certificate` says: the mode of the fit with differences as good as
// a warning before a fit needs them, or, in full, all modes that the solver has and
// every trajectory.
func (f *Fit) Certify(ctx context.Context, n int, modes ...string) (*Certificate, error) {
	return publicCertificate(f.inner.Certify(ctx, n, modes...))
}

// Certify compares derivatives in all modes that the solver has, in about n
// coordinates. With data it is that of the fit, on every trajectory, else that of the
// simulation.
func (m *Model) Certify(ctx context.Context, n int) (*Certificate, error) {
	if len(m.prog.Checked.Data) == 0 {
		return publicCertificate(gradcheck.WholeSimulation(ctx, m.simulator(), n))
	}
	f, err := m.NewFit(FitOptions{})
	if err != nil {
		return nil, err
	}
	f.inner.Plan.Certificate = "full"
	return f.Certify(ctx, n)
}
