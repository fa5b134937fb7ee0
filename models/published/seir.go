package published

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/files"
)

// epidemic is the spread of a disease: healthy, exposed, ill and recovered.
func epidemic(_ float64, y, dy []float64) {
	caught := y[0] * y[2]
	dy[0], dy[1], dy[2], dy[3] = -caught, caught-y[1]/3, y[1]/3-y[2]/5, y[2]/5
}

// seir learns how the disease is caught from three weeks, and predicts sixty days by the
// formula that is found for it.
func seir(s *study) error {
	r, y := noise("seir", 1), []float64{0.999, 0, 0.001, 0}
	var rows [][]float64
	var truth []float64
	for day := range 61 {
		if day > 0 {
			integrate(epidemic, 0, 1, 50, y)
		}
		if truth = append(truth, y[2]); day <= 21 {
			rows = append(rows, []float64{float64(day), y[2] + 5e-4*r.NormFloat64(), y[0] + 2e-3*r.NormFloat64()})
		}
	}
	if err := s.table("days.csv", []string{"day", "i", "s"}, rows); err != nil {
		return err
	}
	f, err := s.fit("exposure", 1)
	if err != nil {
		return err
	}
	o := pinode.DistillOptions{Draws: 1}
	if s.quick {
		o.Trials = 40
	}
	d, err := f.Model.Distill(s.ctx, f, o)
	if err != nil {
		return err
	}
	if err := files.Replace(s.path("formula.node"), []byte(d.Text)); err != nil {
		return err
	}
	by, err := s.fit("formula", 1)
	if err != nil {
		return err
	}
	network, err := worstIll(s, f, truth)
	if err != nil {
		return err
	}
	s.say("the network itself is off by %.3g of the peak", network)
	formula, err := worstIll(s, by, truth)
	if err != nil {
		return err
	}
	s.measured("by the formula: largest error of the ill to day 60, of their peak", "", 0.05, formula)
	return nil
}

// worstIll is the largest error of a run to day 60, beside the peak.
func worstIll(s *study, f *pinode.Fit, truth []float64) (float64, error) {
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f, Until: 60})
	if err != nil {
		return 0, err
	}
	worst, ill := 0., run.Column("i")
	if len(ill) != len(truth) {
		return 0, fmt.Errorf("%d rows of a simulation for %d days", len(ill), len(truth))
	}
	for k, v := range ill {
		worst = math.Max(worst, math.Abs(v-truth[k]))
	}
	return worst / slices.Max(truth), nil
}
