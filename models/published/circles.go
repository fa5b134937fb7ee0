package published

import (
	"math"
	"math/cmplx"

	"github.com/pinode/pinode"
)

// equation is one on a circle that networks have been trained for.
type equation struct {
	of             *periodic
	start          func(x float64) complex128
	places, steps  int // of the reference
	until          float64
	published      string
	bar, barOfGrid float64
	drawn          string // what a picture shows
}

// samples are the times of a reference, ends included.
const samples = 201

var (
	allenCahn = periodic{
		-1, 2,
		func(k float64) complex128 { return complex(5-1e-4*k*k, 0) },
		func(float64) complex128 { return -5 },
		func(u complex128) complex128 { return u * u * u },
	}
	kdv = periodic{
		-1, 2,
		func(k float64) complex128 { return complex(0, 0.0025*k*k*k) },
		func(k float64) complex128 { return complex(0, -k/2) },
		func(u complex128) complex128 { return u * u },
	}
	schroedinger = periodic{
		-5, 10,
		func(k float64) complex128 { return complex(0, -k*k/2) },
		func(float64) complex128 { return 1i },
		func(u complex128) complex128 { return u * complex(real(u)*real(u)+imag(u)*imag(u), 0) },
	}
)

// onCircles are the rows of such equations.
var onCircles = map[string]*equation{
	"allen_cahn": {
		&allenCahn,
		func(x float64) complex128 { return complex(x*x*math.Cos(math.Pi*x), 0) }, 512, 10, 1, "2.2e-5 … 7e-3", 1e-4, 1e-4, "u",
	},
	"korteweg_de_vries": {
		&kdv,
		func(x float64) complex128 { return complex(math.Cos(math.Pi*x), 0) }, 512, 40, 1, "8.2e-11 … 2e-3", 1e-6, 1e-6, "u",
	},
	"schroedinger": {
		&schroedinger,
		func(x float64) complex128 { return complex(2/math.Cosh(x), 0) }, 256, 40, math.Pi / 2, "2.0e-3", 1e-4, 1e-4, "|h|",
	},
}

// onCircle solves an equation by a network and on cells, and compares the size of the field with a spectral
// reference.
func onCircle(s *study) error {
	e := onCircles[s.row.Name]
	want := e.of.run(e.start, e.places, e.until/(samples-1), samples, e.steps)
	var drawn snapshots
	off := func(run *pinode.Simulation) float64 {
		sum, size := 0., 0.
		drawn = snapshots{}
		for i, row := range run.Trajectories[0].Rows {
			h := cmplx.Abs(want[i/e.places][i%e.places])
			ours := row[2]
			if len(row) > 3 { // two parts
				ours = math.Hypot(row[2], row[3])
			} else {
				h = real(want[i/e.places][i%e.places])
			}
			sum, size = sum+sq(ours-h), size+sq(h)
			if i/e.places%(samples/2) == 0 {
				drawn.add(row[0], row[1], ours, h)
			}
		}
		return math.Sqrt(sum / size)
	}
	m, err := s.model("cells")
	if err != nil {
		return err
	}
	run, err := m.Simulate(s.ctx, pinode.SimulateOptions{})
	if err != nil {
		return err
	}
	s.measured("on cells: relative error over all places and 201 times", "", e.barOfGrid, off(run))
	name := "network"
	if s.quick {
		name = "small"
	}
	f, err := s.fit(name, 1)
	if err != nil {
		return err
	}
	if run, err = f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f}); err != nil {
		return err
	}
	s.measured("by a network: likewise", e.published, e.bar, off(run))
	return s.picture("x", e.drawn, drawn.series()...)
}
