package published

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/pinode/pinode"
)

// latent learns to tell the frequency and the level of sinusoids from half of their points,
// and measures all points of paths that were held back.
func latent(s *study) error {
	r := noise("latent", 1)
	train, held := 800, 200
	if s.quick {
		train, held = 40, 20
	}
	times := make([]float64, 100)
	for i := range times[1:] {
		times[i+1] = 5 * r.Float64()
	}
	sort.Float64s(times)
	names := []string{"path", "t", "x", "shown"}
	if err := s.table("paths.csv", names, sinusoids(r, times, train)); err != nil {
		return err
	}
	rows := sinusoids(r, times, held)
	if err := s.table("held.csv", names, rows); err != nil {
		return err
	}
	f, err := s.fit("oscillator", 1, s.quickly(setting{"fit.optimizer.epochs", "3"})...)
	if err != nil {
		return err
	}
	m, err := s.model("oscillator")
	if err != nil {
		return err
	}
	if err := m.SetData("paths", s.path("held.csv")); err != nil {
		return err
	}
	run, err := m.Simulate(s.ctx, pinode.SimulateOptions{At: f, Rows: true})
	if err != nil {
		return err
	}
	guess, sum := run.Column("x"), 0.
	if len(guess) != len(rows) {
		return fmt.Errorf("%d rows of a simulation, and %d of the data", len(guess), len(rows))
	}
	for k, row := range rows {
		sum += sq(guess[k] - row[2])
	}
	s.measured("oscillator, half of the points shown: mean squared error of all points of held-back paths", "–", 1e-4, sum/float64(len(rows)))
	return nil
}

// sinusoids are paths of unit size at common times, with a frequency and a level of their
// own; 50 points of each are marked as shown.
func sinusoids(r *rand.Rand, times []float64, n int) (rows [][]float64) {
	for id := range n {
		f, level := 0.4+0.4*r.Float64(), 1+0.1*r.NormFloat64()
		shown := r.Perm(len(times))
		for k, t := range times {
			x := math.Sin(2*math.Pi*f*t) + level
			if k > 0 {
				x += 0.01 * r.Float64()
			}
			mark := 0.
			if shown[k] < len(times)/2 {
				mark = 1
			}
			rows = append(rows, []float64{float64(id), t, x, mark})
		}
	}
	return rows
}
