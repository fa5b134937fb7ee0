package engine

import (
	"fmt"
	"math"
)

// nearlySingular is the ratio of pivots below which a matrix counts as singular to working
// precision, where a run has failed: its last step ends a little before the singularity.
const nearlySingular = 1e-12

// Why implements sim.Explained: the matrix of the model that has no inverse at a state.
func (s *guardPrograms) Why(t float64, y, d []float64) string {
	if s.pivots == nil {
		return ""
	}
	s.At(t, y, d)
	s.pivots.Run()
	v := s.pivots.Value
	for _, x := range s.Prog.Model.Systems {
		least, most := math.Inf(1), 0.
		for _, p := range v[:x.Size] {
			least, most = math.Min(least, math.Abs(p)), math.Max(most, math.Abs(p))
		}
		sign := v[x.Size]
		v = v[x.Size+1:]
		switch {
		case sign == 0:
			return fmt.Sprintf("the matrix of `%s` at %s is singular there: its rows depend on each other", x.Text, x.Span.Pos())
		case least <= nearlySingular*most:
			return fmt.Sprintf("the matrix of `%s` at %s is singular there to working precision", x.Text, x.Span.Pos())
		}
	}
	return ""
}
