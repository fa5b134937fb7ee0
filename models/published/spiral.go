package published

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode"
)

// spirals fits fifteen noisy paths of each spiral, 50 points on [0, 1] with deviations
// of 0.1, and compares with the paths without noise.
func spirals(s *study) error {
	for _, c := range []struct {
		name, what, published string
		bar                   float64
		at                    func(t float64) (x, y float64)
	}{
		{
			"logarithmic", "logarithmic spiral, mean squared distance from the clean path, median of 15", "6e-4 … 3e-3", 6e-4,
			func(t float64) (float64, float64) {
				return 2 * math.Exp(-t) * math.Cos(4*math.Pi*t), -2 * math.Exp(-t) * math.Sin(4*math.Pi*t)
			},
		},
		{
			"archimedean", "spiral of Archimedes, mean squared error over the noisy path, worst of 15", "0.15 … 0.19", 0.02,
			func(t float64) (float64, float64) { return t * math.Cos(4*math.Pi*t), t * math.Sin(4*math.Pi*t) },
		},
	} {
		var clean, noisy []float64
		for seed := range s.seeds(15) {
			rows := spiral(seed, c.at)
			if err := s.table(c.name+".csv", []string{"t", "x", "y"}, rows); err != nil {
				return err
			}
			f, err := s.fit(c.name, seed+1)
			if err != nil {
				return err
			}
			run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
			if err != nil {
				return err
			}
			x, y := run.Column("z[0]"), run.Column("z[1]")
			if len(x) != len(rows) {
				return fmt.Errorf("%d rows of a path of %d", len(x), len(rows))
			}
			var dc, dn float64
			for i, row := range rows {
				cx, cy := c.at(row[0])
				dc += sq(x[i]-cx) + sq(y[i]-cy)
				dn += sq(x[i]-row[1]) + sq(y[i]-row[2])
			}
			if seed == 0 {
				if err := s.curl(c.at, rows, x, y); err != nil {
					return err
				}
			}
			clean, noisy = append(clean, dc/float64(2*len(rows))), append(noisy, dn/float64(2*len(rows)))
		}
		slices.Sort(clean)
		s.say("distances from the clean path: %.3g", clean)
		if c.name == "logarithmic" {
			s.measured(c.what, c.published, c.bar, clean[len(clean)/2])
		} else {
			s.measured(c.what, c.published, c.bar, slices.Max(noisy))
		}
	}
	return nil
}

// curl draws a spiral, what was seen of it and what was learned; that of the last spiral stays.
func (s *study) curl(at func(float64) (x, y float64), rows [][]float64, x, y []float64) error {
	drawn := []series{{name: "learned"}, {name: "without noise"}, {name: "seen", dots: true}}
	for i, row := range rows {
		cx, cy := at(row[0])
		drawn[0].add(x[i], y[i])
		drawn[1].add(cx, cy)
		drawn[2].add(row[1], row[2])
	}
	return s.picture("x", "y", drawn...)
}

// spiral is a noisy path: rows of t, x and y.
func spiral(seed uint64, at func(float64) (x, y float64)) (rows [][]float64) {
	r := noise("spiral", seed)
	for i := range 50 {
		t := float64(i) / 49
		x, y := at(t)
		rows = append(rows, []float64{t, x + 0.1*r.NormFloat64(), y + 0.1*r.NormFloat64()})
	}
	return rows
}

func sq(x float64) float64 { return x * x }
