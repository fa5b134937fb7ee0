package published

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pinode/pinode"
)

// predation is the law of prey and predators of which missing_physics knows a part.
func predation(_ float64, y, dy []float64) {
	dy[0], dy[1] = 1.3*y[0]-0.9*y[0]*y[1], 0.8*y[0]*y[1]-1.8*y[1]
}

// predators are prey and predators at so many steps of 0.1, with normal noise of a part of
// the mean of each, and the sizes of that noise.
func predators(r *rand.Rand, steps int, level float64) (list [][2]float64, size [2]float64) {
	y := []float64{0.44249296, 4.6280594}
	for i := range steps + 1 {
		if i > 0 {
			integrate(predation, 0, 0.1, 20, y)
		}
		list = append(list, [2]float64{y[0], y[1]})
		for k := range size {
			size[k] += level * y[k] / float64(steps+1)
		}
	}
	for i := range list {
		for k := range size {
			list[i][k] += size[k] * r.NormFloat64()
		}
	}
	return list, size
}

// recoveries are the sizes of noise with how many of 100 repetitions of the source found the
// right structure, and how many it is to be.
var recoveries = []struct {
	level      float64
	found, bar int
}{{0.001, 75, 80}, {0.005, 72, 75}, {0.01, 58, 60}, {0.025, 29, 30}, {0.05, 18, 20}}

// repeats is the number of repetitions at each size of noise.
const repeats = 8

// formulas repeats the search for the missing terms, and fits scenario 2.
func formulas(s *study) error {
	n, levels := repeats, recoveries
	if s.quick {
		n, levels = 1, levels[1:2]
	}
	for _, c := range levels {
		missed := 0
		for k := range n {
			right, err := s.recovered(c.level, uint64(k))
			if err != nil {
				return err
			}
			if !right {
				missed++
			}
		}
		what := fmt.Sprintf("noise of %g %%: another structure than one product for each, percent of %d samples", 100*c.level, n)
		s.measured(what, fmt.Sprint(100-c.found), float64(100-c.bar), 100*float64(missed)/float64(n))
	}
	return s.fewPredators()
}

// recovered reports whether the formula of a noisy sample is one product for each rate.
func (s *study) recovered(level float64, k uint64) (bool, error) {
	list, size := predators(noise(fmt.Sprintf("formulas %g", level), k), 30, level)
	var rows [][]float64
	for i, v := range list {
		rows = append(rows, []float64{float64(i) / 10, v[0], v[1], size[0], size[1]})
	}
	if err := s.table("counts.csv", []string{"t", "x", "y", "sx", "sy"}, rows); err != nil {
		return false, err
	}
	f, err := s.fit("repeat", k, s.quickly(setting{"fit.optimizer.budget", "2"})...)
	if err != nil {
		return false, err
	}
	o := pinode.DistillOptions{Draws: 1, Seed: k}
	if s.quick {
		o.Trials = 40
	}
	d, err := f.Model.Distill(s.ctx, f, o)
	if err != nil {
		return false, err
	}
	b := &d.Blocks[0]
	right := b.Found
	for i := range b.Formulas {
		var in []string
		for _, t := range b.Formulas[i].Terms {
			if t.In {
				in = append(in, t.Text)
			}
		}
		right = right && slices.Equal(in, []string{"x*y"})
		s.say("noise %g, sample %d: %s = %s", level, k, b.Formulas[i].Element, b.Formulas[i].Text)
	}
	return right, nil
}

// fewPredators fits scenario 2: predators are seen six times on [0, 6] and die at an unknown
// rate.
func (s *study) fewPredators() error {
	list, _ := predators(noise("few predators", 1), 60, 0.005)
	var rows [][]float64
	for i, v := range list {
		row := []float64{float64(i) / 10, v[0], math.NaN()}
		if i%12 == 0 {
			row[2] = v[1]
		}
		rows = append(rows, row)
	}
	if err := s.table("few.csv", []string{"t", "x", "y"}, rows); err != nil {
		return err
	}
	f, err := s.fit("few", 1, s.quickly(setting{"fit.optimizer.budget", "2"})...)
	if err != nil {
		return err
	}
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return err
	}
	x, y, sum := run.Column("x"), run.Column("y"), 0.
	if len(x) != len(rows) {
		return fmt.Errorf("%d rows of a simulation, and %d of data", len(x), len(rows))
	}
	for i, row := range rows {
		sum += sq(x[i] - row[1])
		if i%12 == 0 {
			sum += sq(y[i] - row[2])
		}
	}
	s.measured("scenario 2, predators seen six times: sum of squared errors", "1.22e-2", 1.22e-2, sum)
	return nil
}
