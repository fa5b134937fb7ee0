package start

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// network is a block with its fitted weights.
type network struct {
	*lower.Block
	index int
	at    problem.WeightRange
	args  int // where its arguments stand in the program nets; −1: it is not used there
}

// networks are the blocks all of whose weights are fitted.
func (d *Data) networks() (list []network) {
	for i := range d.prog.Model.Blocks {
		b := &d.prog.Model.Blocks[i]
		for _, r := range d.space.Weights {
			if r.Off == b.Off && r.N == b.Net.NumWeights() {
				args, _ := d.placeOf(b.Neural)
				list = append(list, network{b, i, r, args})
			}
		}
	}
	return list
}

// layer has the weights and biases of a layer in x.
func (n *network) layer(x []float64, l int) (weight, bias []float64, in int) {
	t := n.Net.Tensors()
	part := func(t nn.Tensor) []float64 { return x[n.at.At+t.Off:][:t.Shape.Size()] }
	return part(t[2*l]), part(t[2*l+1]), t[2*l].Shape.Size() / t[2*l+1].Shape.Size()
}

// last is the number of the last layer.
func (n *network) last() int { return len(n.Net.Hidden) }

// squared reports whether weight i of layer l stands for its square.
func (n *network) squared(l, i int) bool {
	if !slices.ContainsFunc(n.Net.Monotone, func(m int) bool { return m != 0 }) {
		return false
	}
	return l > 0 || n.Net.Monotone[i%n.Net.In] != 0
}

// multiply multiplies what weight i of layer l stands for.
func (n *network) multiply(w []float64, l, i int, by float64) {
	if n.squared(l, i) {
		by = math.Sqrt(by)
	}
	w[i] *= by
}

// multiplyResult multiplies the result of a block by numbers above 0, one for each of its
// elements. That of a positive one is multiplied where its last layer is its bias.
func (n *network) multiplyResult(x, by []float64) {
	if !n.Net.Plain() {
		return
	}
	weight, bias, in := n.layer(x, n.last())
	for e, f := range by {
		if n.Net.Positive {
			bias[e] = inverseSoftplus(f * softplus(bias[e]))
			continue
		}
		bias[e] *= f
		for i := range in {
			n.multiply(weight, n.last(), e*in+i, f)
		}
	}
}

func softplus(x float64) float64        { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
func inverseSoftplus(y float64) float64 { return y + math.Log(-math.Expm1(-y)) }

// drawn are the random numbers of a block's weights in a draw: those of the space in
// draw 0, where the block's own seed counts.
func (n *network) drawn(seed uint64, draw int) *rand.Rand {
	if draw == 0 {
		return problem.WeightStream(*n.Block, seed, n.index)
	}
	return fit.Stream(problem.WeightStream(*n.Block, seed, n.index).Uint64(), "draw", draw)
}

// Redraw draws the weights in x as the blocks say.
func (d *Data) Redraw(x []float64, seed uint64, draw int) {
	for _, n := range d.networks() {
		copy(x[n.at.At:], n.Net.NewWeights(n.drawn(seed, draw)))
	}
}

// Spread draws the weights in x, with the hidden units of first layers spread over the data
// as these stand at the parameters in x: of one argument at centres between quantiles
// of the data and an even grid; of several at random data, in random directions. The
// slopes are such that each unit bends over some neighbours. The last layer of a monotone block
// is ten times what is usual, since a square is at rest at zero.
func (d *Data) Spread(x []float64, seed uint64, draw int) {
	d.Redraw(x, seed, draw)
	d.bind(x)
	points := d.arguments()
	for _, n := range d.networks() {
		if len(n.Net.Hidden) == 0 || n.args < 0 || !n.Net.Plain() {
			continue
		}
		rng := n.drawn(seed, draw+1<<20)
		at := n.points(points, d.scaleOf(lower.ScaleNetIn, n))
		weight, bias, in := n.layer(x, 0)
		if in == 1 {
			n.spreadLine(weight, bias, at, rng)
		} else {
			n.spreadSpace(weight, bias, at, rng)
		}
		if n.squared(n.last(), 0) {
			w, _, _ := n.layer(x, n.last())
			for i := range w {
				n.multiply(w, n.last(), i, 10)
			}
		}
	}
}

// scaleOf are the scales of a kind of a block.
func (d *Data) scaleOf(kind lower.ScaleKind, n network) []float64 {
	for _, s := range d.prog.Model.Layout.Scales {
		if s.Kind == kind && s.Object == n.Neural {
			return d.space.Scales[s.Off : s.Off+s.N]
		}
	}
	return nil
}

// arguments are those of all blocks at all rows.
func (d *Data) arguments() (rows [][]float64) {
	if d.system.Nets == nil {
		return nil
	}
	s := d.measure()
	d.eachRow(func(_ *smoothed, _ float64, y, _ []float64) {
		copy(d.system.Y, d.filled(y, s.states))
		d.system.Nets.Run()
		if engine.Finite(d.system.NetArgs) {
			rows = append(rows, slices.Clone(d.system.NetArgs))
		}
	})
	return rows
}

// points are the arguments of a block, scaled, at the rows of the data. Where one does
// not move, since nothing tells the state that it is made of, values from 0 to its size stand
// for it; of an odd or even block the sizes count.
func (n *network) points(rows [][]float64, scale []float64) [][]float64 {
	at := make([][]float64, len(rows))
	for r := range rows {
		at[r] = make([]float64, n.Net.In)
	}
	for k := range n.Net.In {
		lo, hi := math.Inf(1), math.Inf(-1)
		for r := range rows {
			v := rows[r][n.args+k] / scale[k]
			if n.Net.Odd || n.Net.Even {
				v = math.Abs(v)
			}
			at[r][k] = v
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
		if hi-lo > 1e-9*math.Max(math.Abs(lo), math.Abs(hi)) {
			continue
		}
		if hi == 0 {
			hi = 1
		}
		for r := range rows { // the same order in no two arguments
			at[r][k] = hi * math.Mod((float64(r)+0.5)*math.Sqrt(float64(k+2)), 1)
		}
	}
	if len(at) == 0 {
		at = [][]float64{make([]float64, n.Net.In), slices.Repeat([]float64{1}, n.Net.In)}
	}
	return at
}

// set gives hidden unit u the slope along each argument and the centre.
func (n *network) set(weight, bias []float64, u int, slope, centre []float64) {
	bias[u] = 0
	for k, s := range slope {
		i := u*len(slope) + k
		if n.squared(0, i) {
			weight[i], s = math.Sqrt(math.Abs(s)), math.Abs(s)*float64(n.Net.Monotone[k])
		} else {
			weight[i] = s
		}
		bias[u] -= s * centre[k]
	}
}

// spreadLine spreads the units over one argument.
func (n *network) spreadLine(weight, bias []float64, at [][]float64, rng *rand.Rand) {
	h := len(bias)
	v := make([]float64, len(at))
	for i := range at {
		v[i] = at[i][0]
	}
	sort.Float64s(v)
	lo, width := v[0], v[len(v)-1]-v[0]
	centre := make([]float64, h)
	for u := range centre {
		f := (float64(u) + 0.5) / float64(h)
		centre[u] = (quantile(v, f) + lo + f*width) / 2
	}
	for u, c := range centre {
		spacing := math.Inf(1)
		if u > 0 {
			spacing = c - centre[u-1]
		}
		if u+1 < h {
			spacing = math.Min(spacing, centre[u+1]-c)
		}
		if math.IsInf(spacing, 1) {
			spacing = width
		}
		slope := 0.5 / math.Max(spacing, width/(10*float64(h)))
		if rng.IntN(2) == 0 {
			slope = -slope
		}
		n.set(weight, bias, u, []float64{slope}, []float64{c})
	}
}

// spreadSpace spreads the units over several arguments.
func (n *network) spreadSpace(weight, bias []float64, at [][]float64, rng *rand.Rand) {
	dim := n.Net.In
	for u := range bias {
		along := make([]float64, dim)
		norm := 0.
		for k := range along {
			along[k] = rng.NormFloat64()
			norm += along[k] * along[k]
		}
		lo, hi := math.Inf(1), math.Inf(-1)
		for k := range along {
			along[k] /= math.Sqrt(norm)
		}
		for _, p := range at {
			v := engine.Dot(along, p)
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
		slope := 0.5 * math.Sqrt(float64(len(bias))) / math.Max(hi-lo, 1e-3)
		for k := range along {
			along[k] *= slope
		}
		n.set(weight, bias, u, along, at[rng.IntN(len(at))])
	}
}

// quantile is that of sorted values, by linear interpolation.
func quantile(v []float64, f float64) float64 {
	x := f * float64(len(v)-1)
	i := min(int(x), len(v)-2)
	if i < 0 {
		return v[0]
	}
	return v[i] + (x-float64(i))*(v[i+1]-v[i])
}
