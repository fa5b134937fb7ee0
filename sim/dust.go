package sim

import "math"

// dust follows states that have become smaller than their absolute tolerance. Nothing is known of such a
// state but that: where error takes it to the other side of zero, and what it stands for grows there, as the rates of reactions
// do whose concentrations are negative, the run goes astray without an error of any step. It follows steps of methods
// that take them stage by stage, since those that damp what is fast are the ones that do not notice.
type dust struct {
	largest []float64 // what each state was at most while its sign was known
	lost    []int     // steps in a row for which it has been below its tolerance
	side    []float64 // where it came from
	astray  []bool    // it has left to the other side
}

const (
	longLost  = 5   // steps below the tolerance, behind which a state is lost
	farAstray = 100 // tolerances that a state is beyond zero when it has gone astray,
	tenfold   = 10  // and times what it ever was: an oscillation rests near zero between swings to both sides
)

func newDust(n int) *dust {
	return &dust{make([]float64, n), make([]int, n), make([]float64, n), make([]bool, n)}
}

// forget begins anew, behind an instant, that may have moved states where they are; largest stays, as behind the
// beginning of a run it does not.
func (x *dust) forget(all bool) {
	clear(x.lost)
	clear(x.astray)
	if all {
		clear(x.largest)
	}
}

// follow goes on to the end y of a step.
func (x *dust) follow(s *stepping, y []float64) {
	for k, v := range y[:s.size.YError] {
		tol, size := s.opt.atol(k), math.Abs(v)
		switch {
		case size <= tol:
			if x.lost[k] == 0 {
				x.side[k] = s.y[k]
			}
			x.lost[k]++
			continue
		case v*x.side[k] > 0:
			x.astray[k] = false
		case x.lost[k] >= longLost:
			x.astray[k] = v*x.side[k] < 0
		}
		x.lost[k] = 0
		if st := &s.out.Stats.Astray; !x.astray[k] {
			x.largest[k] = math.Max(x.largest[k], size)
		} else if size > math.Max(farAstray*tol, tenfold*x.largest[k]) && st.State == 0 {
			st.State, st.T = k+1, s.t+s.try
		}
	}
}
