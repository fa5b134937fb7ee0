package published

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode"
)

// inverse is the model of a row that finds parameters of an equation.
func (s *study) inverse() string {
	if s.quick {
		return "small"
	}
	return "inverse"
}

// kdvInverse finds speed and dispersion of Korteweg and de Vries' equation from two snapshots.
func kdvInverse(s *study) error {
	const places = 512
	r := noise("korteweg_de_vries_inverse", 1)
	path := kdv.run(onCircles["korteweg_de_vries"].start, places, 0.2, 5, 1600)
	var rows [][]float64
	for _, of := range []struct{ at, n int }{{1, 199}, {4, 201}} {
		for _, i := range r.Perm(places)[:of.n] {
			rows = append(rows, []float64{0.2 * float64(of.at), -1 + 2*float64(i)/places, real(path[of.at][i])})
		}
	}
	if err := s.table("snapshots.csv", []string{"t", "x", "u"}, rows); err != nil {
		return err
	}
	f, err := s.fit(s.inverse(), 1)
	if err != nil {
		return err
	}
	s.measured("speed: relative error, from two snapshots without noise", "2.3e-4", 2.3e-4, math.Abs(f.Params["λ"].Value-1))
	s.measured("dispersion: likewise", "6e-5", 6e-5, math.Abs(f.Params["ν"].Value/0.0025-1))
	return s.snapshots(f, rows)
}

// snapshots draws what was seen and what lies between: the field at t = 0.2, 0.5 and 0.8.
func (s *study) snapshots(f *pinode.Fit, rows [][]float64) error {
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return err
	}
	drawn := []series{{name: "t = 0.2"}, {name: "t = 0.5"}, {name: "t = 0.8"}, {name: "seen", dots: true}}
	for _, row := range run.Trajectories[0].Rows {
		for k, t := range []float64{0.2, 0.5, 0.8} {
			if math.Abs(row[0]-t) < 1e-9 {
				drawn[k].add(row[1], row[2])
			}
		}
	}
	for _, row := range rows {
		drawn[3].add(row[1], row[2])
	}
	return s.picture("x", "u", drawn...)
}

// The flow of the row: vortices that decay by their viscosity and drift.
const (
	flowViscosity    = 0.01
	driftX, driftY   = 0.3, 0.2
	flowFrom, flowTo = 0, 10
)

// vortices are velocity and pressure of the vortices of Taylor and Green, seen from one who moves: a
// solution of Navier and Stokes' equations.
//
// G.I. Taylor, A.E. Green, Proc. R. Soc. Lond. A 158, 499–521, 1937.
func vortices(x, y, t float64) (u, v, p float64) {
	x, y = x-driftX*t, y-driftY*t
	f := math.Exp(-2 * flowViscosity * t)
	return driftX - math.Cos(x)*math.Sin(y)*f, driftY + math.Sin(x)*math.Cos(y)*f, -(math.Cos(2*x) + math.Cos(2*y)) * f * f / 4
}

// flowRows are velocities at random places and times with normal noise of a size.
func flowRows(r *rand.Rand, n int, size float64) (rows [][]float64) {
	for range n {
		t := flowFrom + (flowTo-flowFrom)*float64(r.IntN(101))/100
		x, y := 2*math.Pi*r.Float64(), 2*math.Pi*r.Float64()
		u, v, _ := vortices(x, y, t)
		rows = append(rows, []float64{t, x, y, u + size*r.NormFloat64(), v + size*r.NormFloat64()})
	}
	return rows
}

// flowNoise is a part of the deviation of a velocity, whose mean square over places is exp(−4νt)/4.
func flowNoise(level float64) float64 {
	const fall = 4 * flowViscosity * (flowTo - flowFrom)
	return level * math.Sqrt((1-math.Exp(-fall))/fall) / 2
}

// navierStokes finds convection and viscosity of a flow from 5000 velocities.
func navierStokes(s *study) error {
	n, levels := 5000, []float64{0, 0.01}
	if s.quick {
		n, levels = 600, levels[:1]
	}
	for i, level := range levels {
		rows := flowRows(noise("navier_stokes", uint64(i+1)), n, flowNoise(level))
		if err := s.table("flow.csv", []string{"t", "x", "y", "u", "v"}, rows); err != nil {
			return err
		}
		f, err := s.fit(s.inverse(), 1)
		if err != nil {
			return err
		}
		of := fmt.Sprintf("noise of %g %%: ", 100*level)
		s.measured(of+"convection, relative error", []string{"7.8e-4", "1.7e-3"}[i], 0.01, math.Abs(f.Params["λ"].Value-1))
		s.measured(of+"viscosity, relative error", []string{"0.047", "0.057"}[i], 0.01, math.Abs(f.Params["ν"].Value/flowViscosity-1))
		if err := s.pressure(f); err != nil {
			return err
		}
	}
	return nil
}

// pressure draws velocity and pressure halfway through, along the line y = π/2: what is not seen is known but for a number.
func (s *study) pressure(f *pinode.Fit) error {
	const n, y, t = 64, math.Pi / 2, 5.
	var rows [][]float64
	for i := range n {
		rows = append(rows, []float64{t, 2 * math.Pi * float64(i) / n, y})
	}
	if err := s.table("line.csv", []string{"t", "x", "y"}, rows); err != nil {
		return err
	}
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return err
	}
	drawn := []series{{name: "u"}, {name: "pressure"}, {name: "exact u", dots: true}, {name: "exact pressure", dots: true}}
	mean := 0.
	for _, row := range run.Trajectories[0].Rows {
		_, _, p := vortices(row[1], row[2], row[0])
		mean += (row[5] - p) / n
	}
	for _, row := range run.Trajectories[0].Rows {
		u, _, p := vortices(row[1], row[2], row[0])
		for k, v := range []float64{row[3], row[5] - mean, u, p} {
			drawn[k].add(row[1], v)
		}
	}
	return s.picture("x", "at y = π/2 and t = 5", drawn...)
}

// burgersStep solves Burgers' equation from 0.1 to 0.5 in one implicit step, whose stages are a network.
func burgersStep(s *study) error {
	const places, end = 513, 16 // the last of the fields
	var begin [][]float64
	for i := range places {
		begin = append(begin, []float64{coleHopf(-1+2*float64(i)/(places-1), 0.1)})
	}
	if err := s.table("begin.csv", []string{"# u at 0.1"}, begin); err != nil {
		return err
	}
	f, err := s.fit("step", 1, s.quickly(setting{"fit.optimizer.budget", "1"})...)
	if err != nil {
		return err
	}
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return err
	}
	off, size := 0., 0.
	drawn := []series{{name: "first stage"}, {name: "eighth"}, {name: "the end"}, {name: "exact end", dots: true}}
	for i, row := range run.Trajectories[0].Rows { // time, place, fields
		want := coleHopf(row[1], 0.5)
		off, size = off+sq(row[2+end]-want), size+sq(want)
		for k, stage := range []int{0, 7, end} {
			drawn[k].add(row[1], row[2+stage])
		}
		if i%4 == 0 {
			drawn[3].add(row[1], want)
		}
	}
	s.measured("relative error at 0.5 over 256 places", "3.8e-4 … 8.2e-4", 3.8e-4, math.Sqrt(off/size))
	return s.picture("x", "u", drawn...)
}
