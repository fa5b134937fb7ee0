package published

import (
	"fmt"
	"math"

	"github.com/pinode/pinode"
)

// spread is the truth: u' = 0.01 ∂²u/∂x² + u(1 − u) on a ring of so many cells, by central
// differences.
func spread(cells int) func(t float64, u, du []float64) {
	h := 1 / float64(cells)
	return func(_ float64, u, du []float64) {
		for i := range u {
			left, right := u[(i+cells-1)%cells], u[(i+1)%cells]
			du[i] = 0.01*(left-2*u[i]+right)/(h*h) + u[i]*(1-u[i])
		}
	}
}

// fisher learns diffusion and growth from 25 places at 11 times, and compares the growth
// with u(1 − u) between 0 and 1.
func fisher(s *study) error {
	const cells, of = 200, 8 // each 8th place is seen
	r, u, rhs := noise("fisher", 1), make([]float64, cells), spread(cells)
	at := func(i int) float64 { return (float64(i) + 4) / cells }
	for i := range u {
		u[i] = (math.Tanh(20*(at(i)-0.35)) - math.Tanh(20*(at(i)-0.65))) / 2
	}
	var rows [][]float64
	for k := range 11 {
		if k > 0 {
			integrate(rhs, 0, 0.5, 800, u)
		}
		for i := 0; i < cells; i += of {
			rows = append(rows, []float64{float64(k) / 2, at(i), u[i] + 0.0025*r.NormFloat64()})
		}
	}
	if err := s.table("densities.csv", []string{"t", "x", "u"}, rows); err != nil {
		return err
	}
	f, err := s.fit("fisher", 1, s.quickly(setting{"fit.optimizer.budget", "1"})...)
	if err != nil {
		return err
	}
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f, Rows: true})
	if err != nil {
		return err
	}
	u, sum := run.Column("density"), 0.
	if len(u) != len(rows) {
		return fmt.Errorf("%d rows of a simulation, and %d of data", len(u), len(rows))
	}
	for i, row := range rows {
		sum += sq(u[i] - row[2])
	}
	s.measured("sum of squared errors of 275 values", "4.49e-3", 4.49e-3, sum)
	s.measured("diffusion: relative error", "", 0.05, math.Abs(f.Params["D"].Value-0.01)/0.01)
	return s.growthOff(f)
}

// growthOff compares the learned growth with that of the data.
func (s *study) growthOff(f *pinode.Fit) error {
	var rows [][]float64
	for i := range 51 {
		rows = append(rows, []float64{float64(i) / 50})
	}
	if err := s.table("places.csv", []string{"u"}, rows); err != nil {
		return err
	}
	run, err := s.with("growth", f, true)
	if err != nil {
		return err
	}
	g, off, size := run.Column("g"), 0., 0.
	for i := range rows {
		want := rows[i][0] * (1 - rows[i][0])
		off, size = off+sq(g[i]-want), size+sq(want)
	}
	s.measured("growth between 0 and 1: relative error", "", 0.05, math.Sqrt(off/size))
	return nil
}
