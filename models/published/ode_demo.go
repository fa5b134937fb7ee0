package published

import (
	"fmt"
	"math"

	"github.com/pinode/pinode"
)

// cubicMatrix is A of y' = y³·A, by rows.
var cubicMatrix = [2][2]float64{{-0.1, 2}, {-2, -0.1}}

// odeDemo fits the network to the whole path, and the matrix.
func odeDemo(s *study) error {
	path := cubicSpiral()
	if err := s.table("path.csv", []string{"t", "x", "y"}, path); err != nil {
		return err
	}
	f, err := s.fit("network", 1, s.quickly(setting{"fit.optimizer", "lbfgs"}, setting{"fit.optimizer.iterations", "5"})...)
	if err != nil {
		return err
	}
	mae, err := pathError(s, f, path)
	if err != nil {
		return err
	}
	s.measured("network: mean absolute error over the whole path", "0.17 … 0.46", 0.05, mae)
	if f, err = s.fit("matrix", 1); err != nil {
		return err
	}
	worst := 0.0
	for i := range 2 {
		for j := range 2 { // A @ y³ is y³·Aᵀ
			worst = max(worst, math.Abs(f.Params[fmt.Sprintf("A[%d,%d]", i, j)].Value-cubicMatrix[j][i]))
		}
	}
	s.measured("matrix: largest error of an entry", "", 1e-6, worst)
	return nil
}

// pathError is the mean absolute distance of a simulated path from a table of t and
// the components of z.
func pathError(s *study, f *pinode.Fit, path [][]float64) (float64, error) {
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return 0, err
	}
	n := len(path[0]) - 1
	sum := 0.0
	for k := range n {
		z := run.Column(fmt.Sprintf("z[%d]", k))
		if len(z) != len(path) {
			return 0, fmt.Errorf("%d rows of a path of %d", len(z), len(path))
		}
		for i, row := range path {
			sum += math.Abs(z[i] - row[k+1])
		}
	}
	return sum / float64(n*len(path)), nil
}

// cubicSpiral is the path from (2, 0) at 1000 times on [0, 25].
func cubicSpiral() (rows [][]float64) {
	y := []float64{2, 0}
	rhs := func(_ float64, y, dy []float64) {
		a, b := y[0]*y[0]*y[0], y[1]*y[1]*y[1]
		dy[0] = a*cubicMatrix[0][0] + b*cubicMatrix[1][0]
		dy[1] = a*cubicMatrix[0][1] + b*cubicMatrix[1][1]
	}
	for i := range 1000 {
		t := 25 * float64(i) / 999
		if i > 0 {
			integrate(rhs, t-25.0/999, t, 20, y)
		}
		rows = append(rows, []float64{t, y[0], y[1]})
	}
	return rows
}
