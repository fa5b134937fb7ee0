package solvers

import "gonum.org/v1/gonum/floats"

// TangentColumns is the forward derivative of a right-hand side in several directions at
// once, its columns: number l in column c of n stands at l·n+c. RHSColumns is that at
// stage i of the step that stands.
type TangentColumns interface {
	RHSColumns(i int, tDot, yDot, dyDot []float64)
}

// columns is the memory of JVPColumns.
type columns struct {
	kDot  [][]float64 // by stage
	yi    []float64
	tau   []float64 // of the time of a stage
	theta []float64
	moves bool // some length changes
}

func (s *Stepper) columns(n int) *columns {
	if s.cols == nil || len(s.cols.tau) != n {
		s.cols = &columns{kDot: matrix(len(s.K), s.n*n), yi: make([]float64, s.n*n), tau: make([]float64, n), theta: make([]float64, n)}
	}
	return s.cols
}

// JVPColumns pushes n tangents of the start, the start time and the length through the
// step whose stages stand, and sets y1Dot to those of its end. With dense, the tangents
// of all stages stay for DenseJVPColumns.
func (s *Stepper) JVPColumns(sys TangentColumns, n int, tDot, hDot, yDot, y1Dot []float64, dense bool) {
	w := s.columns(n)
	w.moves = false
	for _, h := range hDot {
		w.moves = w.moves || h != 0
	}
	for i := range s.K {
		copy(w.yi, yDot)
		for j, a := range s.tab.A[i] {
			if a == 0 {
				continue
			}
			floats.AddScaled(w.yi, s.H*a, w.kDot[j])
			if w.moves {
				for l, k := range s.K[j] {
					floats.AddScaled(w.yi[l*n:(l+1)*n], a*k, hDot)
				}
			}
		}
		if i == s.tab.End() {
			copy(y1Dot, w.yi)
			if !dense {
				return
			}
		}
		copy(w.tau, tDot)
		if w.moves {
			floats.AddScaled(w.tau, s.tab.C[i], hDot)
		}
		sys.RHSColumns(i, w.tau, w.yi, w.kDot[i])
	}
}

// DenseJVPColumns sets dst to the tangents of the dense output at the fixed time T + θH,
// after JVPColumns with the tangents tDot, hDot and yDot.
func (s *Stepper) DenseJVPColumns(theta float64, n int, tDot, hDot, yDot, dst []float64) {
	w := s.columns(n)
	shifts := w.moves
	for c, t := range tDot {
		w.theta[c] = -(t + theta*hDot[c])
		shifts = shifts || t != 0
	}
	copy(dst, yDot)
	for i := range s.K {
		b, db := s.tab.Weight(i, theta)
		if b != 0 {
			floats.AddScaled(dst, s.H*b, w.kDot[i])
		}
		if !shifts {
			continue
		}
		for l, k := range s.K[i] {
			to := dst[l*n : (l+1)*n]
			floats.AddScaled(to, b*k, hDot)
			floats.AddScaled(to, db*k, w.theta)
		}
	}
}
