package problem

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
)

// WeightStream is the stream of random numbers of a block's initial weights.
func WeightStream(b lower.Block, seed uint64, i int) *rand.Rand {
	if b.Neural.Options.Given("seed") {
		seed = uint64(b.Neural.Options.Int("seed"))
	}
	return fit.Stream(seed, "weights", i)
}

// Parameter is one number that is fitted: an element of a parameter, for one
// value of its key.
type Parameter struct {
	Name    string
	Param   *check.Param
	Slot    lower.Slot
	Element int
	Key     int // index of the key's value; 0 for shared parameters
}

// Space maps the coordinates of a fit to the inputs of the model.
type Space struct {
	Prog       *compiler.Program
	Params     []Parameter // of the parameters that are fitted
	Transforms fit.Transforms
	Weights    []WeightRange
	Dim        int

	P            []float64   // shared inputs with start values
	Scales       []float64   // scales
	perKeyValues [][]float64 // for each parameter per key: values of element e of key k at k·N+e
	keys         [][]string  // and the names of its keys
	Estimates    []fit.Estimate
	of           []*check.Param // the parameter of each
	noise        *noise         // of draws; nil: there are none
	copies       int
	Nodes        []float64 // the start of the coordinates behind all others: states where segments begin
}

// WithNodes is the space with more coordinates, which start as given, behind the others.
func (sp *Space) WithNodes(start []float64) *Space {
	more := *sp
	more.Nodes = start
	more.Dim = sp.Dim + len(start)
	return &more
}

// WeightRange is a run of fitted weights in P, and where it starts in x.
type WeightRange struct {
	Off, N, At int
	L2         float64
}

// keyOf is the key of a trajectory for what has a value for each.
func keyOf(name string, per []string, it *Trajectory) (string, error) {
	if len(per) == 1 && per[0] == "trajectory" {
		return it.Name, nil
	}
	parts := make([]string, len(per))
	for i, k := range per {
		at := -1
		if it.Set != nil {
			for j, have := range it.Set.Keys {
				if have == k {
					at = j
				}
			}
		}
		if at < 0 {
			return "", fmt.Errorf("`%s` is per %s, which is not among the keys that make a trajectory in the data block, %s", name, k, keyList(it))
		}
		parts[i] = k + "=" + it.Data.Key[at]
	}
	return strings.Join(parts, ","), nil
}

// keyList are the keys of a trajectory, for messages.
func keyList(it *Trajectory) string {
	if it.Set == nil || len(it.Set.Keys) == 0 {
		return "which has none: name the column by `trajectory:`"
	}
	return "`trajectory: [" + strings.Join(it.Set.Keys, ", ") + "]`"
}

// NewSpace lays out the coordinates over the trajectories of a run and sets
// the start values.
func NewSpace(prog *compiler.Program, trajectories []*Trajectory, seed uint64) (*Space, error) {
	lm := prog.Model
	lay := &lm.Layout
	sp := &Space{Prog: prog, P: make([]float64, lay.NP), Scales: make([]float64, lay.NS)}
	for _, slot := range lay.Params {
		p := slot.Object.(*check.Param)
		if slot.PerKey {
			if err := sp.addPerKey(p, slot, trajectories); err != nil {
				return nil, err
			}
			continue
		}
		v, err := startOf(prog, p, nil)
		if err != nil {
			return nil, err
		}
		copy(sp.P[slot.Off:], v)
		for e := range slot.N {
			sp.addParameter(Parameter{lower.ElementName(&p.Obj, e), p, slot, e, 0}, v[e])
		}
	}
	sp.Dim = len(sp.Params)
	for i, b := range lm.Blocks {
		w := b.Net.NewWeights(WeightStream(b, seed, i))
		copy(sp.P[b.Off:], w)
	}
	sp.layOutWeights()
	for _, s := range lay.Scales {
		for k := range s.N {
			sp.Scales[s.Off+k] = 1
			if s.Fixed != nil {
				sp.Scales[s.Off+k] = s.Fixed[min(k, len(s.Fixed)-1)]
			}
		}
	}
	var err error
	if sp.noise, err = newNoise(sp, trajectories, seed); err != nil {
		return nil, err
	}
	return sp, sp.transforms()
}

// layOutWeights gives weights that are fitted their coordinates: runs of arrays of a block
// between those that are frozen.
func (sp *Space) layOutWeights() {
	end := -1
	var of *check.Neural
	for _, t := range sp.Prog.Model.Layout.Weights {
		if t.Frozen {
			continue
		}
		n := t.Shape.Size()
		if t.Off != end || t.Neural != of {
			sp.Weights = append(sp.Weights, WeightRange{Off: t.Off, At: sp.Dim, L2: t.Neural.Options.Float("l2")})
		}
		sp.Weights[len(sp.Weights)-1].N += n
		sp.Dim += n
		end, of = t.Off+n, t.Neural
	}
}

// CoordinateOf is where the weights of an array start among the coordinates; −1: they are
// frozen.
func (sp *Space) CoordinateOf(t lower.Tensor) int {
	for _, w := range sp.Weights {
		if t.Off >= w.Off && t.Off < w.Off+w.N {
			return w.At + t.Off - w.Off
		}
	}
	return -1
}

// addPerKey sets up a parameter that has a value for each key.
func (sp *Space) addPerKey(p *check.Param, slot lower.Slot, trajectories []*Trajectory) error {
	index := map[string]int{}
	var names []string
	var values []float64
	for _, it := range trajectories {
		k, err := keyOf(p.Name, p.Per, it)
		if err != nil {
			return err
		}
		at, ok := index[k]
		if !ok {
			at = len(names)
			index[k] = at
			names = append(names, k)
			v, err := startOf(sp.Prog, p, it)
			if err != nil {
				return err
			}
			values = append(values, v...)
			for e := range slot.N {
				c := Parameter{lower.ElementName(&p.Obj, e) + "{" + k + "}", p, slot, e, at}
				sp.addParameter(c, v[e])
			}
		}
		it.Keys = append(it.Keys, at)
	}
	sp.perKeyValues, sp.keys = append(sp.perKeyValues, values), append(sp.keys, names)
	return nil
}

// addParameter notes a parameter's number, and fits it unless it is fixed.
func (sp *Space) addParameter(c Parameter, start float64) {
	p := c.Param
	sp.Estimates = append(sp.Estimates, fit.Estimate{
		Name: c.Name, Doc: p.Doc, Unit: p.UnitName(sp.Prog.Checked.Model.Units), Value: start, Start: start,
		StdErr: math.NaN(), Lo: p.Lo, Hi: p.Hi, Fixed: p.Fixed,
	})
	sp.of = append(sp.of, p)
	if !p.Fixed {
		sp.Params = append(sp.Params, c)
	}
}

func intervalOf(p *check.Param) fit.Interval {
	return fit.Interval{Lo: p.Lo, Hi: p.Hi, LoOpen: p.LoOpen, HiOpen: p.HiOpen}
}

func (sp *Space) transforms() error {
	k := 0
	for _, e := range sp.Estimates {
		if e.Fixed {
			continue
		}
		p := sp.Params[k].Param
		scale := math.Abs(e.Start)
		if scale == 0 {
			scale = 1
		}
		t, err := fit.NewTransform(intervalOf(p), scale)
		if err != nil {
			return fmt.Errorf("parameter `%s`: %w", e.Name, err)
		}
		sp.Transforms = append(sp.Transforms, t)
		k++
	}
	return nil
}

// startOf evaluates a parameter's start value, for a trajectory if it is per
// key.
func startOf(prog *compiler.Program, p *check.Param, it *Trajectory) ([]float64, error) {
	v, ok := check.Evaluate(p.Init, func(x *check.Expr) ([]float64, bool) {
		if it == nil {
			return nil, false
		}
		kind := map[check.Kind]lower.TrajectoryKind{check.FirstOf: lower.FromFirst, check.SlopeOf: lower.FromSlope, check.Ref: lower.FromCovariate}
		for _, s := range prog.Model.Layout.Trajectory {
			if k, known := kind[x.Kind]; known && s.Object == x.Object && s.Kind == k {
				return it.Given[s.Off : s.Off+s.N], true
			}
		}
		return nil, false
	})
	n := p.Shape.Size()
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: the start value of `%s` cannot be computed before the run", p.Init.Span.Pos(), p.Name)
	case len(v) == 1 && n > 1:
		out := make([]float64, n)
		for i := range out {
			out[i] = v[0]
		}
		return out, nil
	}
	return append([]float64{}, v...), nil
}

// Natural are the start values of the parameters that are fitted, as they are.
func (sp *Space) Natural() []float64 {
	nat := make([]float64, 0, len(sp.Params))
	for _, e := range sp.Estimates {
		if !e.Fixed {
			nat = append(nat, e.Value)
		}
	}
	return nat
}

// X0 is the start of a fit in coordinates. Values at the closed end of an
// interval start a little inside.
func (sp *Space) X0() ([]float64, error) {
	x := make([]float64, sp.Dim)
	nat := sp.Natural()
	if _, err := sp.Transforms.Start(x[:len(nat)], nat); err != nil {
		return nil, err
	}
	for _, w := range sp.Weights {
		copy(x[w.At:w.At+w.N], sp.P[w.Off:])
	}
	copy(x[sp.Dim-len(sp.Nodes):], sp.Nodes)
	return x, nil
}

// Exact are the coordinates of the start values as they are: infinite where one is at
// the closed end of its interval.
func (sp *Space) Exact() ([]float64, error) {
	x, err := sp.X0()
	for i, v := range sp.Natural() {
		switch iv := sp.Transforms[i].Interval(); {
		case v == iv.Lo && !iv.LoOpen:
			x[i] = math.Inf(-1)
		case v == iv.Hi && !iv.HiOpen:
			x[i] = math.Inf(1)
		}
	}
	return x, err
}

// SharedInputs are the parameters and weights that all trajectories share, at the
// coordinates x with natural values nat: x itself, if there are only weights, all
// of them fitted, else p, which is set.
func (sp *Space) SharedInputs(x, nat, p []float64) []float64 {
	if len(sp.Params) == 0 && len(x) == len(p) {
		return x
	}
	last := 0 // the end of what x has set: the rest is as it starts
	for _, w := range sp.Weights {
		copy(p[last:w.Off], sp.P[last:])
		last = w.Off + copy(p[w.Off:w.Off+w.N], x[w.At:])
	}
	copy(p[last:], sp.P[last:])
	for i, c := range sp.Params {
		if !c.Slot.PerKey {
			p[c.Slot.Off+c.Element] = nat[i]
		}
	}
	return p
}

// SharedAt are the shared inputs at the coordinates x, whose natural values it
// puts into nat.
func (sp *Space) SharedAt(x, nat []float64) []float64 {
	sp.Transforms.Forward(nat, x[:len(sp.Params)])
	return sp.SharedInputs(x, nat, make([]float64, len(sp.P)))
}

// OwnInputs appends to q what a trajectory has of its own: what its data say, and
// its values of parameters per key.
func (sp *Space) OwnInputs(nat []float64, it *Trajectory, q []float64) []float64 {
	q = append(q[:0], it.Given...)
	sp.held(q, it)
	k := 0
	for _, slot := range sp.Prog.Model.Layout.Params {
		if slot.PerKey {
			copy(q[slot.Off:slot.Off+slot.N], sp.perKeyValues[k][it.Keys[k]*slot.N:])
			k++
		}
	}
	for i, c := range sp.Params {
		if c.Slot.PerKey && it.Keys[sp.PerKeyIndex(c.Param)] == c.Key {
			q[c.Slot.Off+c.Element] = nat[i]
		}
	}
	return q
}

// PerKeyIndex is which of the parameters per key p is.
func (sp *Space) PerKeyIndex(p *check.Param) int {
	k := 0
	for _, slot := range sp.Prog.Model.Layout.Params {
		if slot.PerKey {
			if slot.Object == check.Object(p) {
				return k
			}
			k++
		}
	}
	return -1
}

// Pullback adds the gradient by the inputs of a trajectory to that by the natural
// parameters.
func (sp *Space) Pullback(pBar, qBar []float64, it *Trajectory, gNat []float64) {
	for i, c := range sp.Params {
		switch {
		case !c.Slot.PerKey:
			gNat[i] += pBar[c.Slot.Off+c.Element]
		case it.Keys[sp.PerKeyIndex(c.Param)] == c.Key:
			gNat[i] += qBar[c.Slot.Off+c.Element]
		}
	}
}
