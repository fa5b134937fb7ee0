package field

import (
	"github.com/pinode/pinode/internal/problem"
)

// spaceInputs map the coordinates of a space to the inputs of programs.
type spaceInputs struct {
	sp      *problem.Space
	natural []float64
	held    bool
}

// Of are the inputs of a space. Its parameters may be held: data alone tell them.
func Of(sp *problem.Space, held bool) Inputs {
	return &spaceInputs{sp: sp, natural: make([]float64, len(sp.Params)), held: held}
}

func (s *spaceInputs) Dim() int                     { return s.sp.Dim }
func (s *spaceInputs) Shared(x []float64) []float64 { return s.sp.SharedAt(x, s.natural) }

func (s *spaceInputs) Runs() (list []Range) {
	for _, w := range s.sp.Weights {
		list = append(list, Range{Off: w.Off, N: w.N, At: w.At})
	}
	return list
}

func (s *spaceInputs) Single(x []float64) (list []Slope) {
	for i, p := range s.sp.Params {
		if s.held {
			break
		}
		list = append(list, Slope{Coord: i, Off: p.Slot.Off + p.Element, D: s.sp.Transforms[i].Derivative(x[i])})
	}
	return list
}
