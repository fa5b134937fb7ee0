package sim

import (
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	"github.com/pinode/pinode/solvers"
)

// Whether the motion comes to the state of rest that was found: see Hybrid.Steady.

const (
	undamped  = 1e-8  // real part of an eigenvalue beside its size that is none
	unchanged = 1e-12 // change of a state on its way to rest, beside its size, that is none
)

// staysAtRest refuses a state of rest, found from the given initial values, that the motion
// leaves or goes around: the eigenvalues of its linear part have negative real parts, or are
// zero as those of totals are. What started there, and is not driven by anything that did not,
// stays there whatever its eigenvalues are, like an infection that is absent.
func (s *steadyStart) staysAtRest(from []float64) *Failure {
	targets, m := s.slopesAtRest()
	targets, m = s.leavesOwn(from, targets, m)
	n := len(targets)
	values, size := solvers.Eigenvalues(n, slices.Clone(m))
	if values == nil && n > 0 || math.IsNaN(size) || math.IsInf(size, 0) {
		return s.restless("whether the state of rest is stable could not be found out")
	}
	worst := complex(math.Inf(-1), 0)
	for _, v := range values {
		if cmplx.Abs(v) <= 4*float64(n)*0x1p-52*size || real(v) < -undamped*cmplx.Abs(v) {
			continue
		}
		if real(v) > real(worst) {
			worst = v
		}
	}
	if math.IsInf(real(worst), 0) {
		return nil
	}
	f := s.restless(leaves(worst))
	most := 0.
	for i, x := range solvers.Eigenvector(n, m, worst) {
		k := targets[i]
		if size := cmplx.Abs(x) / (math.Abs(s.y[k]) + 100*s.opt.atol(k)); size > most {
			most, f.State = size, k
		}
	}
	return f
}

// leaves says how a motion leaves a state of rest with an eigenvalue.
func leaves(v complex128) string {
	re, im := real(v), math.Abs(imag(v))
	switch period := 2 * math.Pi / im; {
	case im <= undamped*re:
		return fmt.Sprintf("the state of rest is unstable, a deviation from it grows e-fold in %.4g", 1/re)
	case re <= undamped*im:
		return fmt.Sprintf("the motion oscillates about the state of rest and does not come to it, nothing damps it, with a period of %.4g", period)
	default:
		return fmt.Sprintf("the state of rest is unstable, an oscillation of period %.4g about it grows by a factor of %.4g in each", period, math.Exp(re*period))
	}
}

// slopesAtRest is the matrix, by rows, of how the rates of states change with these states at
// the current state, and the places of these.
func (s *steadyStart) slopesAtRest() (targets []int, m []float64) {
	targets = s.hy.Events[s.hy.Steady].Targets
	n := len(targets)
	m, dir := make([]float64, n*n), make([]float64, n)
	column := s.vals[:n]
	for j := range n {
		dir[j] = 1
		s.model.Jump(s.hy.Steady, s.t, s.y, s.d, dir, column)
		for i, x := range column {
			m[i*n+j] = x
		}
		dir[j] = 0
	}
	return targets, m
}

// leavesOwn leaves out states that are where they were at first, and that only such
// states move.
func (s *steadyStart) leavesOwn(from []float64, targets []int, m []float64) ([]int, []float64) {
	n := len(targets)
	moves := make([]bool, n)
	for i, k := range targets {
		moves[i] = !(math.Abs(s.y[k]-from[k]) <= unchanged*math.Abs(from[k]))
	}
	for changed := true; changed; {
		changed = false
		for i := range moves {
			for j := range moves {
				if !moves[i] && moves[j] && m[i*n+j] != 0 {
					moves[i], changed = true, true
				}
			}
		}
	}
	var left []int
	var rows []float64
	for i, k := range targets {
		if !moves[i] {
			continue
		}
		left = append(left, k)
		for j := range moves {
			if moves[j] {
				rows = append(rows, m[i*n+j])
			}
		}
	}
	return left, rows
}
