package loss

import (
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// Scorer counts what scores are made of, by component of observations.
type Scorer struct {
	noise     *Noise // nil: none of them has arguments
	of        []*check.Observe
	at, first []int // the observation of each component, and its first component
	names     []string
	n, known  []float64
	squares   []float64
	inside    [2][]float64 // in the central shares
	args      []float64    // of a distribution
}

// shares are those of the intervals whose coverage is counted.
var shares = [2]float64{0.5, 0.95}

// NewScorer is one that has counted nothing yet.
func NewScorer(c *engine.Compiled) (*Scorer, error) {
	noise, err := NewNoise(c)
	if err != nil {
		return nil, err
	}
	s := &Scorer{noise: noise}
	for i, slot := range c.Model.Layout.Observes {
		o := slot.Object.(*check.Observe)
		for k := range slot.N {
			s.of, s.at, s.first = append(s.of, o), append(s.at, i), append(s.first, slot.Off)
			s.names = append(s.names, lower.ElementName(&o.Obj, k))
		}
	}
	room := func() []float64 { return make([]float64, len(s.of)) }
	s.n, s.known, s.squares, s.inside = room(), room(), room(), [2][]float64{room(), room()}
	return s, nil
}

// Row counts the measured values of the row that a system is at, and adds their residuals to a list.
func (s *Scorer) Row(list []fit.Residual, it *problem.Trajectory, r problem.Row, sys *engine.System) []fit.Residual {
	pred := sys.Predict()
	if s.noise != nil {
		s.noise.At(sys)
	}
	for i, o := range s.of {
		if r.Seen()[i] == 0 || o.Unpredicted {
			continue
		}
		y, d := r.Data()[i], r.Data()[i]-pred[i]
		list = append(list, fit.Residual{Trajectory: it.Name, Observation: s.names[i], Time: it.Span.Saves[r.Save()], Data: y, Prediction: pred[i]})
		s.n[i]++
		s.squares[i] += d * d
		if o.Dist == nil {
			continue
		}
		s.args = s.args[:0]
		for j := range o.Dist.Args {
			v := s.noise.Argument(s.at[i], j)
			s.args = append(s.args, v[min(i-s.first[i], len(v)-1)])
		}
		for k, share := range shares {
			inside, known := Central(o.Dist.Name, y, pred[i], s.args, share)
			if inside {
				s.inside[k][i]++
			}
			if known && k == 0 {
				s.known[i]++
			}
		}
	}
	return list
}

// Scores are those of the observations that were measured.
func (s *Scorer) Scores() (list []fit.Score) {
	for i, name := range s.names {
		if s.n[i] == 0 {
			continue
		}
		list = append(list, fit.Score{
			Observation: name, Values: int(s.n[i]), RMSE: math.Sqrt(s.squares[i] / s.n[i]),
			Coverage50: s.inside[0][i] / s.known[i], Coverage95: s.inside[1][i] / s.known[i],
		})
	}
	return list
}
