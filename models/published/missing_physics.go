package published

import (
	"math"

	"github.com/pinode/pinode"
)

// counts is the noisy sample of the repository: x and y at 0, 0.1, …, 3.
var counts = [31][2]float64{
	{0.44495468, 4.62309837}, {0.34441178, 3.98747928}, {0.27787291, 3.40663122}, {0.24636163, 2.91875515},
	{0.21606318, 2.47136238}, {0.20033903, 2.10782241}, {0.19212212, 1.78384377}, {0.18896463, 1.51678153},
	{0.18366358, 1.28098707}, {0.19331726, 1.07813036}, {0.19696380, 0.92319404}, {0.20593578, 0.77778061},
	{0.22706836, 0.65594073}, {0.24274897, 0.56854580}, {0.26283977, 0.49064173}, {0.28783228, 0.40768171},
	{0.31770863, 0.35353909}, {0.34702207, 0.29783610}, {0.38770101, 0.25912177}, {0.43012611, 0.22089438},
	{0.48457861, 0.18834594}, {0.54175297, 0.17011521}, {0.60680009, 0.15656470}, {0.68773552, 0.12570705},
	{0.77145392, 0.12283696}, {0.86957042, 0.10884036}, {0.98045279, 0.10351352}, {1.11179284, 0.08770988},
	{1.25420216, 0.08107387}, {1.41630886, 0.07725390}, {1.60944541, 0.06722186},
}

// missingPhysics fits the network, and compares what it says on the path with the
// terms −0.9xy and 0.8xy that made the data.
func missingPhysics(s *study) error {
	var table [][]float64
	for i, c := range counts {
		table = append(table, []float64{float64(i) / 10, c[0], c[1]})
	}
	if err := s.table("counts.csv", []string{"t", "x", "y"}, table); err != nil {
		return err
	}
	f, err := s.fit("missing", 1)
	if err != nil {
		return err
	}
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return err
	}
	x, y := run.Column("x"), run.Column("y")
	m := [2][]float64{run.Column("m[0]"), run.Column("m[1]")}
	var sse, off, size float64
	for i, c := range counts {
		sse += sq(x[i]-c[0]) + sq(y[i]-c[1])
		off += sq(m[0][i]+0.9*x[i]*y[i]) + sq(m[1][i]-0.8*x[i]*y[i])
		size += sq(0.9*x[i]*y[i]) + sq(0.8*x[i]*y[i])
	}
	s.measured("sum of squared errors of the noisy sample", "9.94e-4", 1.1e-3, sse)
	s.measured("missing terms on the path: relative error", "", 0.1, math.Sqrt(off/size))
	return nil
}
