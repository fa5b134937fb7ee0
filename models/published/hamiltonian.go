package published

import (
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode"
)

// oscillator is a system of one degree of freedom with p' = −U'(q) and q' = 2p.
type oscillator struct {
	name, published string
	bar             float64
	paths, points   int
	low, high       float64 // the range of radii of starts
	energy          func(q, p float64) float64
	force           func(q float64) float64 // dU/dq
}

var oscillators = []oscillator{
	{"spring", "3.8e-4", 3.2e-4, 25, 30, 0.1, 1, func(q, p float64) float64 { return q*q + p*p }, func(q float64) float64 { return 2 * q }},
	{"pendulum", "2.5e-2", 2.5e-2, 25, 45, 1.3, 2.3, func(q, p float64) float64 { return 3*(1-math.Cos(q)) + p*p }, func(q float64) float64 { return 3 * math.Sin(q) }},
}

// rhs is the motion.
func (o *oscillator) rhs(_ float64, y, dy []float64) { dy[0], dy[1] = 2*y[1], -o.force(y[0]) }

// hamiltonian fits an energy to noisy states of 25 paths and their rates, and follows 15
// starts for six periods or so: the mean squared error of the energy along them.
func hamiltonian(s *study) error {
	for i := range oscillators {
		o := &oscillators[i]
		r := noise("hamiltonian "+o.name, 1)
		if err := s.table(o.name+".csv", []string{"id", "t", "q", "p", "dq", "dp"}, o.rates(r)); err != nil {
			return err
		}
		f, err := s.fit(o.name, 1, s.quickly(setting{"fit.optimizer.budget", "3"})...)
		if err != nil {
			return err
		}
		e, err := o.energyError(s, f, r)
		if err != nil {
			return err
		}
		s.say("%s: mean squared error of the energy %.3g", o.name, e)
		s.measured(o.name+": mean squared error of the energy over a fixed horizon", o.published, o.bar, e)
	}
	return nil
}

// start draws a start of a path.
func (o *oscillator) start(r *rand.Rand) []float64 {
	radius, angle := o.low+(o.high-o.low)*r.Float64(), 2*math.Pi*r.Float64()
	return []float64{radius * math.Cos(angle), radius * math.Sin(angle)}
}

// rates are exact rates at states with noise, along paths.
func (o *oscillator) rates(r *rand.Rand) (rows [][]float64) {
	dy := make([]float64, 2)
	step := 3 / float64(o.points-1)
	for path := range o.paths {
		y := o.start(r)
		for i := range o.points {
			if i > 0 {
				integrate(o.rhs, 0, step, 50, y)
			}
			o.rhs(0, y, dy)
			rows = append(rows, []float64{float64(path), step * float64(i), y[0] + 0.1*r.NormFloat64(), y[1] + 0.1*r.NormFloat64(), dy[0], dy[1]})
		}
	}
	return rows
}

// energyError compares the energy along learned paths with that of their starts, which true
// paths keep.
func (o *oscillator) energyError(s *study, f *pinode.Fit, r *rand.Rand) (float64, error) {
	var starts [][]float64
	for range 15 {
		y := o.start(r)
		if o.name == "spring" { // ±[0.2, 1] in each coordinate
			for k := range y {
				y[k] = math.Copysign(0.2+0.8*r.Float64(), r.Float64()-0.5)
			}
		}
		starts = append(starts, y)
	}
	if err := s.table("starts.csv", []string{"q", "p"}, starts); err != nil {
		return 0, err
	}
	run, err := s.with(o.name+"_motion", f, false)
	if err != nil {
		return 0, err
	}
	sum, n := 0.0, 0
	for i, tr := range run.Trajectories {
		want := o.energy(starts[i][0], starts[i][1])
		for _, row := range tr.Rows {
			sum += sq(o.energy(row[1], row[2]) - want)
			n++
		}
	}
	return sum / float64(n), nil
}
