package estimate

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/simulate"
)

// covariance is that of the weights, and of the parameters with them, in the normal approximation at the
// optimum: the inverse of the curvature, in which a ridge tells what the data do not.
type covariance struct {
	chol  mat.Cholesky
	size  []float64   // by which coordinates are divided: the curvature has a diagonal of ones
	at    map[int]int // coordinate to row
	scale float64     // of standard errors
}

// mostBand is the number of unknowns up to which blocks have bands, and how many operations those of
// one trajectory take.
const (
	mostBand     = 1000
	bandProducts = 1e8
)

// newCovariance takes the curvature by some of the coordinates; nil where it is not that of a minimum.
func newCovariance(h *mat.SymDense, coords []int, scale float64) *covariance {
	n := len(coords)
	if n == 0 || n > mostBand {
		return nil
	}
	s := &covariance{size: make([]float64, n), at: map[int]int{}, scale: scale}
	for i, c := range coords {
		if v := h.At(c, c); !(v > 0) || math.IsInf(v, 0) {
			return nil
		} else {
			s.size[i] = 1 / math.Sqrt(v)
		}
		s.at[c] = i
	}
	unit := mat.NewSymDense(n, nil)
	for i, a := range coords {
		for j := i; j < n; j++ {
			unit.SetSym(i, j, h.At(a, coords[j])*s.size[i]*s.size[j])
		}
	}
	if !s.chol.Factorize(unit) {
		return nil
	}
	return s
}

// of is the standard error of a value with the derivatives by coordinates from first on; frozen ones do not move it.
func (s *covariance) of(first []int, by []float64) float64 {
	g := mat.NewVecDense(len(s.size), nil)
	for k, c := range first {
		if i, ok := s.at[c]; ok {
			g.SetVec(i, by[k]*s.size[i])
		}
	}
	var v mat.VecDense
	if err := s.chol.SolveVecTo(&v, g); err != nil {
		if _, poor := err.(mat.Condition); !poor {
			return math.NaN()
		}
	}
	return s.scale * math.Sqrt(math.Max(0, mat.Dot(g, &v)))
}

// blocks evaluates the neural blocks of a model along its trajectories.
type blocks struct {
	prog       *engine.Compiled
	programs   *engine.Blocks
	list       []compiler.LearnedBlock
	covariance *covariance
	coords     [][]int // of each block's weights; −1: frozen
}

// newBlocks are those of a fit, nil: there are none.
func newBlocks(f *Fit) (*blocks, error) {
	b := &blocks{prog: f.prog, list: f.prog.LearnedBlocks(), covariance: f.covariance}
	if len(b.list) == 0 {
		return nil, nil
	}
	var err error
	if b.programs, err = engine.NewBlocks(f.prog, f.covariance != nil); err != nil {
		return nil, err
	}
	sp := f.Objective.Space
	b.programs.Bind(sp.SharedAt(f.X, f.Objective.Natural), sp.Scales)
	for _, block := range b.list {
		var coords []int
		for _, t := range f.prog.Model.Layout.Weights {
			if t.Neural != block.Neural {
				continue
			}
			at := sp.CoordinateOf(t)
			for k := range t.Shape.Size() {
				if at < 0 {
					coords = append(coords, -1)
				} else {
					coords = append(coords, at+k)
				}
			}
		}
		b.coords = append(b.coords, coords)
	}
	return b, nil
}

// along are the blocks along a trajectory: those of jumps before each of their firings, others at rows of time,
// states and discrete variables.
func (b *blocks) along(rows [][]float64, events []simulate.Event) []Learned {
	out := make([]Learned, len(b.list))
	for i, block := range b.list {
		out[i] = Learned{Block: block.Neural.Name, In: block.Net.In, Out: block.Net.Out, Band: b.covariance != nil}
		at := rows
		if block.Event != nil && block.Event.Jump {
			at = nil
			name := b.prog.Checked.Model.Events[block.Event.Event].Name
			for _, e := range events {
				if e.Name == name {
					at = append(at, append([]float64{e.Time}, e.Before...))
				}
			}
		}
		every := 1
		if b.covariance != nil {
			n := float64(len(b.covariance.size))
			every += int(float64(len(at)*block.Net.Out) * n * n / bandProducts)
		}
		for k, row := range at {
			b.at(&out[i], i, row, b.covariance != nil && k%every == 0)
		}
	}
	return out
}

// at adds block i at a row.
func (b *blocks) at(to *Learned, i int, row []float64, band bool) {
	lay := &b.prog.Model.Layout
	y, d := make([]float64, lay.NY), make([]float64, lay.ND)
	copy(y, row[1:1+lay.NUser])
	copy(d, row[1+lay.NUser:])
	b.programs.At(row[0], y, d)
	b.programs.Arguments.Run()
	copy(b.programs.In, b.programs.Arguments.Value)
	b.programs.Results.Run()
	in, out, rates := 0, 0, 0
	for k := range i {
		n := b.list[k].Net
		in, out, rates = in+n.In, out+n.Out, rates+n.Out*n.NumWeights()
	}
	n := b.list[i].Net
	values := append([]float64{}, b.programs.Results.Value[out:out+n.Out]...)
	to.T, to.Args, to.Values = append(to.T, row[0]), append(to.Args, append([]float64{}, b.programs.Arguments.Value[in:in+n.In]...)), append(to.Values, values)
	if b.covariance == nil {
		return
	}
	lower, upper := make([]float64, n.Out), make([]float64, n.Out)
	if band {
		b.programs.Rates.Run()
	}
	for r := range values {
		se := math.NaN()
		if band {
			se = b.covariance.of(b.coords[i], b.programs.Rates.Value[rates+r*n.NumWeights():][:n.NumWeights()])
		}
		lower[r], upper[r] = values[r]-2*se, values[r]+2*se
	}
	to.Lower, to.Upper = append(to.Lower, lower), append(to.Upper, upper)
}
