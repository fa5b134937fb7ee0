package published

import (
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode"
)

// augmented tells a disc from the ring around it by flows of two and of three
// dimensions, six epochs of the first order each, and swaps -1 and 1.
func augmented(s *study) error {
	r := noise("augmented", 1)
	names := []string{"x", "y", "label"}
	if err := s.table("points.csv", names, ring(r)); err != nil {
		return err
	}
	held := ring(r)
	if err := s.table("held.csv", names, held); err != nil {
		return err
	}
	calls := map[string]float64{}
	for _, name := range []string{"plain", "augmented"} {
		f, err := s.fit(name, 1, s.quickly(setting{"fit.optimizer.epochs", "1"})...)
		if err != nil {
			return err
		}
		loss, n, err := s.huber(f, name, held)
		if err != nil {
			return err
		}
		s.say("%s: Huber's loss %.4g, %.1f evaluations a point", name, loss, n)
		if calls[name] = n; name == "augmented" {
			s.measured("disc and ring, one dimension more: Huber's loss of held-back points after 6 epochs", "0.008", 0.008, loss)
		}
	}
	s.measured("its evaluations of the field, of those of the plain flow", "20 of 26", 1, calls["augmented"]/calls["plain"])
	if err := s.table("flip.csv", []string{"x", "image"}, [][]float64{{1, -1}, {-1, 1}}); err != nil {
		return err
	}
	f, err := s.fit("flip", 1)
	if err != nil {
		return err
	}
	s.measured("swap of -1 and 1: Huber's loss", "0.514 plain; 0 augmented", 1e-4, sq(f.Train.RMSE["image"])/2)
	return nil
}

// ring are 1000 points of a disc, with the label -1, and 2000 of the ring around it,
// with the label 1.
func ring(r *rand.Rand) (rows [][]float64) {
	for i := range 3000 {
		low, high, label := 0.0, 0.5, -1.0
		if i%3 > 0 {
			low, high, label = 1, 1.5, 1
		}
		radius, angle := low+(high-low)*math.Sqrt(r.Float64()), 2*math.Pi*r.Float64()
		rows = append(rows, []float64{radius * math.Cos(angle), radius * math.Sin(angle), label})
	}
	return rows
}

// huber is the mean of Huber's loss, with threshold 1, over held-back points, and the
// evaluations of the field that each took.
func (s *study) huber(f *pinode.Fit, name string, held [][]float64) (loss, calls float64, err error) {
	m, err := s.model(name)
	if err != nil {
		return 0, 0, err
	}
	if err := m.SetData("points", s.path("held.csv")); err != nil {
		return 0, 0, err
	}
	run, err := m.Simulate(s.ctx, pinode.SimulateOptions{At: f, Rows: true})
	if err != nil {
		return 0, 0, err
	}
	guess := run.Column("label")
	for i, row := range held {
		d := math.Abs(guess[i] - row[2])
		if d < 1 {
			loss += d * d / 2
		} else {
			loss += d - 0.5
		}
	}
	n := float64(len(held))
	return loss / n, float64(run.Stats.Evaluations) / n, nil
}
