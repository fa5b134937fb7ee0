package problem

import (
	"hash/fnv"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/fit"
)

// Which numbers are drawn.

// noise draws the standard variates of a model's draws. Each is a function of the seed, the
// set, the copy, who has it (a trajectory, a row of one, or the value of a key), the name of
// the draw and the element: neither batches nor workers nor other draws change it.
type noise struct {
	seed uint64
	own  []drawn // of trajectories and keys, into their own inputs
	rows []drawn // of rows, into what these have of their own
}

// drawn is a draw with its place.
type drawn struct {
	draw *check.Draw
	off  int
	name uint64
}

// Drawing says which of the draws are wanted: set 0 is held, and of first-order methods each
// epoch has a set of its own; a copy is one of several that are averaged, or a sample.
type Drawing struct{ Set, Copy uint64 }

// newNoise lists the draws of a model, and notes whose they are in each trajectory; nil if
// there are none.
func newNoise(sp *Space, trajectories []*Trajectory, seed uint64) (*noise, error) {
	lay := &sp.Prog.Model.Layout
	n := &noise{seed: seed}
	for _, s := range lay.Trajectory {
		if d, ok := s.Object.(*check.Draw); ok {
			n.own = append(n.own, drawn{d, s.Off, hashed(d.Name)})
		}
	}
	for _, s := range lay.RowDraws {
		d := s.Object.(*check.Draw)
		n.rows = append(n.rows, drawn{d, s.Off, hashed(d.Name)})
	}
	if n.own == nil && n.rows == nil {
		return nil, nil
	}
	for _, it := range trajectories {
		it.owners = it.owners[:0]
		for _, d := range n.own {
			k, err := keyOf(d.draw.Name, d.draw.Per, it)
			if err != nil {
				return nil, err
			}
			it.owners = append(it.owners, hashed(k))
		}
		it.owner = hashed(it.Name)
		for i := range it.Rows {
			if r := it.Rows[i]; n.rows != nil {
				r.of.ownRoom(lay.NR)
				n.ofRow(r.Own(), it, r.Line(), Drawing{})
			}
		}
	}
	return n, nil
}

func hashed(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text)) //nolint:errcheck // never fails
	return h.Sum64()
}

// ofTrajectory sets what a trajectory draws among its own inputs q.
func (n *noise) ofTrajectory(q []float64, it *Trajectory, w Drawing) {
	for i, d := range n.own {
		n.fill(q[d.off:], &d, it.owners[i], 0, w)
	}
}

// ofRow sets what a row draws among what it has of its own.
func (n *noise) ofRow(own []float64, it *Trajectory, line int, w Drawing) {
	for _, d := range n.rows {
		n.fill(own[d.off:], &d, it.owner, uint64(line), w)
	}
}

// fill draws the elements of a draw.
func (n *noise) fill(to []float64, d *drawn, owner, row uint64, w Drawing) {
	var words [4]uint64
	for k, shape := range d.draw.Shapes {
		if k%4 == 0 {
			words = fit.Philox([2]uint64{n.seed, w.Set}, [4]uint64{owner, row<<32 | uint64(k/4), d.name, w.Copy})
		}
		u := (float64(words[k%4]>>11) + 0.5) * 0x1p-53 // within (0, 1)
		to[k] = standard(d.draw.Dist.Name, shape, u)
	}
}

// standard is the quantile of a standard variate: of location 0 and scale 1, or uniform
// from 0 to 1.
func standard(dist string, shape []float64, u float64) float64 {
	switch dist {
	case "normal", "lognormal":
		return -math.Sqrt2 * math.Erfcinv(2*u)
	case "student":
		return distuv.StudentsT{Sigma: 1, Nu: shape[0]}.Quantile(u)
	case "laplace":
		if u < 0.5 {
			return math.Log(2 * u)
		}
		return -math.Log(2 * (1 - u))
	case "uniform":
		return u
	case "exponential":
		return -math.Log1p(-u)
	case "cauchy":
		return -1 / math.Tan(math.Pi*u)
	case "halfnormal":
		return math.Sqrt2 * math.Erfinv(u)
	case "halfcauchy":
		return math.Tan(math.Pi / 2 * u)
	case "gamma", "inverse_gamma":
		return distuv.Gamma{Alpha: shape[0], Beta: 1}.Quantile(u)
	case "beta":
		return distuv.Beta{Alpha: shape[0], Beta: shape[1]}.Quantile(u)
	}
	panic("problem: no standard variate of " + dist)
}

// Redraw sets what a trajectory draws among its own inputs.
func (sp *Space) Redraw(q []float64, it *Trajectory, w Drawing) {
	if sp.noise != nil && w != (Drawing{}) {
		sp.noise.ofTrajectory(q, it, w)
	}
}

// RowOwn is what a row has of its own with draws w, in room.
func (sp *Space) RowOwn(room []float64, it *Trajectory, r Row, w Drawing) []float64 {
	room = append(room[:0], r.Own()...)
	if w != (Drawing{}) { // else they are there
		sp.noise.ofRow(room, it, r.Line(), w)
	}
	return room
}

// DrawRow sets what the row of a line draws among what it has of its own.
func (sp *Space) DrawRow(own []float64, it *Trajectory, line int, w Drawing) {
	sp.noise.ofRow(own, it, line, w)
}

// RowDraws reports whether something is drawn for each row.
func (sp *Space) RowDraws() bool { return sp.noise != nil && sp.noise.rows != nil }

// Copies is how many copies of each trajectory there are, each with draws of its own.
func (sp *Space) Copies() int { return max(1, sp.copies) }

// Copy asks for so many of them.
func (sp *Space) Copy(n int) { sp.copies = n }

// Draws reports whether something is drawn.
func (sp *Space) Draws() bool { return sp.noise != nil }

// held draws what a trajectory has of its own where nothing else is asked for.
func (sp *Space) held(q []float64, it *Trajectory) {
	if sp.noise != nil {
		sp.noise.ofTrajectory(q, it, Drawing{})
	}
}
