package published

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/pinode/pinode"
)

// latent learns to tell the frequency and the level of sinusoids from half of their points, once with the
// equation of an oscillator and once with a network in its place, and measures all points of paths that were held back.
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
	for _, of := range []struct {
		model, what, published string
		bar                    float64
		quick                  []setting
	}{
		{"oscillator", "oscillator", "–", 1e-4, []setting{{"fit.optimizer.epochs", "3"}}},
		{"network", "law of the motion by a network", "0.0172", 0.0172, []setting{{"fit.optimizer.epochs", "100"}, {"fit.curriculum.over", "40"}}},
	} {
		off, err := s.heldBack(of.model, rows, s.quickly(of.quick...))
		if err != nil {
			return err
		}
		s.measured(of.what+", half of the points shown: mean squared error of all points of held-back paths", of.published, of.bar, off)
	}
	return nil
}

// heldBack fits a model to the paths of the row, and returns its mean squared error at all points of those held back.
func (s *study) heldBack(model string, rows [][]float64, settings []setting) (float64, error) {
	f, err := s.fit(model, 1, settings...)
	if err != nil {
		return 0, err
	}
	m, err := s.model(model)
	if err != nil {
		return 0, err
	}
	if err := m.SetData("paths", s.path("held.csv")); err != nil {
		return 0, err
	}
	run, err := m.Simulate(s.ctx, pinode.SimulateOptions{At: f, Rows: true})
	if err != nil {
		return 0, err
	}
	guess, sum := run.Column("x"), 0.
	if len(guess) != len(rows) {
		return 0, fmt.Errorf("%d rows of a simulation, and %d of the data", len(guess), len(rows))
	}
	drawn := []series{{name: "first path"}, {name: "second"}, {name: "shown", dots: true}, {name: "not shown", dots: true}}
	for k, row := range rows {
		sum += sq(guess[k] - row[2])
		if row[0] < 2 {
			drawn[int(row[0])].add(row[1], guess[k])
			drawn[3-int(row[3])].add(row[1], row[2])
		}
	}
	if err := s.picture("t", "x", drawn...); err != nil {
		return 0, err
	}
	return sum / float64(len(rows)), nil
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
