package estimate

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

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

	best    []float64   // shared inputs at the estimate
	members [][]float64 // and those of an ensemble, whose spread is the band; nil: there is none
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
	if f.Plan.Uncertainty == "ensemble" {
		nat := make([]float64, len(f.Objective.Natural))
		for _, x := range f.members {
			b.members = append(b.members, sp.SharedAt(x, nat))
		}
	}
	b.best = sp.SharedAt(f.X, f.Objective.Natural)
	b.programs.Bind(b.best, sp.Scales)
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
		out[i] = Learned{Block: block.Neural.Name, In: block.Net.In, Out: block.Net.Out, Band: b.covariance != nil || b.members != nil}
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
		if b.members != nil {
			b.spread(&out[i], i)
		}
	}
	return out
}

// spread puts a band around the results of block i: two standard deviations of the members of an
// ensemble about their mean, at the arguments of the best.
func (b *blocks) spread(to *Learned, i int) {
	in, out := 0, 0
	for k := range i {
		in, out = in+b.list[k].Net.In, out+b.list[k].Net.Out
	}
	n := b.list[i].Net
	values := make([][][]float64, len(to.Args)) // by row and result
	for _, inputs := range b.members {
		b.programs.Bind(inputs, b.programs.S)
		for r, args := range to.Args {
			copy(b.programs.In[in:], args)
			b.programs.Results.Run()
			if values[r] == nil {
				values[r] = make([][]float64, n.Out)
			}
			for k, v := range b.programs.Results.Value[out : out+n.Out] {
				values[r][k] = append(values[r][k], v)
			}
		}
	}
	b.programs.Bind(b.best, b.programs.S)
	for _, row := range values {
		lower, upper := make([]float64, n.Out), make([]float64, n.Out)
		for k, list := range row {
			mean, sd := stat.MeanStdDev(list, nil)
			lower[k], upper[k] = mean-2*sd, mean+2*sd
		}
		to.Lower, to.Upper = append(to.Lower, lower), append(to.Upper, upper)
	}
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
