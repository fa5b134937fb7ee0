package pinode

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
)

// Estimate is one number that a model learns, or holds fixed.
type Estimate struct {
	Name   string // "e", "A[0,1]", "CL{subject=3}"
	Doc    string
	Unit   string
	Value  float64
	Start  float64
	StdErr float64 // NaN: not known
	Lo, Hi float64
	Fixed  bool
	Bound  bool // the estimate is at its bound
}

// Values are the parameters, weights and scales that a model runs with.
type Values struct {
	Params  map[string]float64   // by the names of Estimate
	Weights map[string][]float64 // tensors by name
	Scales  map[string][]float64
}

// coordinate is one number that is fitted: an element of a parameter, for one
// value of its key.
type coordinate struct {
	name  string
	param *check.Param
	slot  lower.Slot
	elem  int
	key   int // index of the key's value; 0 for shared parameters
}

// space maps the coordinates of a fit to the inputs of the model.
type space struct {
	prog    *compiler.Program
	coords  []coordinate // of the parameters that are fitted
	trans   fit.Transforms
	weights []weightRange
	dim     int

	p     []float64   // shared inputs with start values
	s     []float64   // scales
	perQ  [][]float64 // for each parameter per key: values of element e of key k at k·N+e
	keys  [][]string  // and the names of its keys
	start []Estimate
}

// weightRange is a run of fitted weights in P, and where it starts in x.
type weightRange struct {
	off, n, at int
	l2         float64
}

// keyName is the key of a trajectory for a parameter per key.
func keyName(p *check.Param, it *item) (string, error) {
	if len(p.Per) == 1 && p.Per[0] == "trajectory" {
		return it.name, nil
	}
	parts := make([]string, len(p.Per))
	for i, k := range p.Per {
		at := -1
		if it.set != nil {
			for j, have := range it.set.Keys {
				if have == k {
					at = j
				}
			}
		}
		if at < 0 {
			return "", fmt.Errorf("parameter `%s` is per %s, which is not among the keys that make a trajectory in the data block", p.Name, k)
		}
		parts[i] = k + "=" + it.traj.Key[at]
	}
	return strings.Join(parts, ","), nil
}

// newSpace lays out the coordinates over the trajectories of a run and sets
// the start values.
func newSpace(prog *compiler.Program, items []*item, seed uint64) (*space, error) {
	lm := prog.Model
	lay := &lm.Layout
	sp := &space{prog: prog, p: make([]float64, lay.NP), s: make([]float64, lay.NS)}
	started := map[*check.Param][]float64{}
	for _, slot := range lay.Params {
		p := slot.Object.(*check.Param)
		if slot.PerKey {
			if err := sp.perKey(p, slot, items, started); err != nil {
				return nil, err
			}
			continue
		}
		v, err := startOf(prog, p, nil, started)
		if err != nil {
			return nil, err
		}
		started[p] = v
		copy(sp.p[slot.Off:], v)
		for e := range slot.N {
			sp.addCoordinate(coordinate{lower.ElementName(&p.Obj, e), p, slot, e, 0}, v[e])
		}
	}
	sp.dim = len(sp.coords)
	for i, b := range lm.Blocks {
		w := b.Net.NewWeights(weightStream(b, seed, i))
		copy(sp.p[b.Off:], w)
		if b.Neural.Options.Bool("frozen") {
			continue
		}
		sp.weights = append(sp.weights, weightRange{b.Off, len(w), sp.dim, b.Neural.Options.Float("l2")})
		sp.dim += len(w)
	}
	for _, s := range lay.Scales {
		for k := range s.N {
			sp.s[s.Off+k] = 1
			if s.Fixed != nil {
				sp.s[s.Off+k] = s.Fixed[min(k, len(s.Fixed)-1)]
			}
		}
	}
	return sp, sp.transforms()
}

// perKey sets up a parameter that has a value for each key.
func (sp *space) perKey(p *check.Param, slot lower.Slot, items []*item, started map[*check.Param][]float64) error {
	index := map[string]int{}
	var names []string
	var values []float64
	for _, it := range items {
		k, err := keyName(p, it)
		if err != nil {
			return err
		}
		at, ok := index[k]
		if !ok {
			at = len(names)
			index[k] = at
			names = append(names, k)
			v, err := startOf(sp.prog, p, it, started)
			if err != nil {
				return err
			}
			values = append(values, v...)
			for e := range slot.N {
				c := coordinate{lower.ElementName(&p.Obj, e) + "{" + k + "}", p, slot, e, at}
				sp.addCoordinate(c, v[e])
			}
		}
		it.keys = append(it.keys, at)
	}
	sp.perQ, sp.keys = append(sp.perQ, values), append(sp.keys, names)
	return nil
}

// addCoordinate notes a parameter's number, and fits it unless it is fixed.
func (sp *space) addCoordinate(c coordinate, start float64) {
	p := c.param
	sp.start = append(sp.start, Estimate{
		Name: c.name, Doc: p.Doc, Unit: sp.prog.Checked.Model.Units.Name(p.Unit), Value: start, Start: start,
		StdErr: math.NaN(), Lo: p.Lo, Hi: p.Hi, Fixed: p.Fixed,
	})
	if !p.Fixed {
		sp.coords = append(sp.coords, c)
	}
}

func (sp *space) transforms() error {
	k := 0
	for _, e := range sp.start {
		if e.Fixed {
			continue
		}
		p := sp.coords[k].param
		scale := math.Abs(e.Start)
		if scale == 0 {
			scale = 1
		}
		t, err := fit.NewTransform(fit.Interval{Lo: p.Lo, Hi: p.Hi, LoOpen: p.LoOpen, HiOpen: p.HiOpen}, scale)
		if err != nil {
			return fmt.Errorf("parameter `%s`: %w", e.Name, err)
		}
		sp.trans = append(sp.trans, t)
		k++
	}
	return nil
}

// startOf evaluates a parameter's start value, for a trajectory if it is per
// key.
func startOf(prog *compiler.Program, p *check.Param, it *item, started map[*check.Param][]float64) ([]float64, error) {
	v, ok := check.Evaluate(p.Init, func(x *check.Expr) ([]float64, bool) {
		if x.Kind == check.Ref {
			if q, ok := x.Object.(*check.Param); ok && started[q] != nil {
				return started[q], true
			}
		}
		if it == nil {
			return nil, false
		}
		kind := map[check.Kind]lower.TrajectoryKind{check.FirstOf: lower.FromFirst, check.SlopeOf: lower.FromSlope, check.Ref: lower.FromCovariate}
		for _, s := range prog.Model.Layout.Trajectory {
			if k, known := kind[x.Kind]; known && s.Object == x.Object && s.Kind == k {
				return it.q[s.Off : s.Off+s.N], true
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

// natural are the start values of the parameters that are fitted, as they are.
func (sp *space) natural() []float64 {
	nat := make([]float64, 0, len(sp.coords))
	for _, e := range sp.start {
		if !e.Fixed {
			nat = append(nat, e.Value)
		}
	}
	return nat
}

// x0 is the start of a fit in coordinates. Values at the closed end of an
// interval start a little inside.
func (sp *space) x0() ([]float64, error) {
	x := make([]float64, sp.dim)
	nat := sp.natural()
	if _, err := sp.trans.Start(x[:len(nat)], nat); err != nil {
		return nil, err
	}
	for _, w := range sp.weights {
		copy(x[w.at:w.at+w.n], sp.p[w.off:])
	}
	return x, nil
}

// shared are the parameters and weights that all trajectories share, at the
// coordinates x with natural values nat: x itself, if there are only weights, all
// of them fitted, else p, which is set.
func (sp *space) shared(x, nat, p []float64) []float64 {
	if len(sp.coords) == 0 && len(x) == len(p) {
		return x
	}
	last := 0 // the end of what x has set: the rest is as it starts
	for _, w := range sp.weights {
		copy(p[last:w.off], sp.p[last:])
		last = w.off + copy(p[w.off:w.off+w.n], x[w.at:])
	}
	copy(p[last:], sp.p[last:])
	for i, c := range sp.coords {
		if !c.slot.PerKey {
			p[c.slot.Off+c.elem] = nat[i]
		}
	}
	return p
}

// sharedAt are the shared inputs at the coordinates x, whose natural values it
// puts into nat.
func (sp *space) sharedAt(x, nat []float64) []float64 {
	sp.trans.Forward(nat, x[:len(sp.coords)])
	return sp.shared(x, nat, make([]float64, len(sp.p)))
}

// perItem appends to q what an item has of its own: what its data say, and
// its values of parameters per key.
func (sp *space) perItem(nat []float64, it *item, q []float64) []float64 {
	q = append(q[:0], it.q...)
	k := 0
	for _, slot := range sp.prog.Model.Layout.Params {
		if slot.PerKey {
			copy(q[slot.Off:slot.Off+slot.N], sp.perQ[k][it.keys[k]*slot.N:])
			k++
		}
	}
	for i, c := range sp.coords {
		if c.slot.PerKey && it.keys[sp.perIndex(c.param)] == c.key {
			q[c.slot.Off+c.elem] = nat[i]
		}
	}
	return q
}

// perIndex is which of the parameters per key p is.
func (sp *space) perIndex(p *check.Param) int {
	k := 0
	for _, slot := range sp.prog.Model.Layout.Params {
		if slot.PerKey {
			if slot.Object == check.Object(p) {
				return k
			}
			k++
		}
	}
	return -1
}

// pull adds the gradient by the inputs of a trajectory to that by the natural
// parameters.
func (sp *space) pull(bp, bq []float64, it *item, gNat []float64) {
	for i, c := range sp.coords {
		switch {
		case !c.slot.PerKey:
			gNat[i] += bp[c.slot.Off+c.elem]
		case it.keys[sp.perIndex(c.param)] == c.key:
			gNat[i] += bq[c.slot.Off+c.elem]
		}
	}
}

// values are the numbers at x, by name.
func (sp *space) values(x []float64) *Values {
	v := &Values{Params: map[string]float64{}, Weights: map[string][]float64{}, Scales: map[string][]float64{}}
	nat := make([]float64, len(sp.coords))
	sp.trans.Forward(nat, x[:len(sp.coords)])
	k := 0
	for _, e := range sp.start {
		if e.Fixed {
			v.Params[e.Name] = e.Value
			continue
		}
		v.Params[e.Name] = nat[k]
		k++
	}
	p := append([]float64{}, sp.p...)
	for _, w := range sp.weights {
		copy(p[w.off:w.off+w.n], x[w.at:])
	}
	lay := &sp.prog.Model.Layout
	for _, t := range lay.Weights {
		v.Weights[t.Name] = p[t.Off : t.Off+t.Shape.Size()]
	}
	for _, s := range lay.Scales {
		if s.Kind == lower.ScaleLoss {
			continue // of the rows of a batch
		}
		v.Scales[scaleName(s)] = append([]float64{}, sp.s[s.Off:s.Off+s.N]...)
	}
	return v
}

func scaleName(s lower.Scale) string {
	kind := [...]string{"observe", "conserve", "input", "output", "loss"}[s.Kind]
	return kind + "." + s.Object.Info().Name
}

// use takes over given values; names that the model does not have are an
// error, those that are missing keep their start.
func (sp *space) use(v *Values) error {
	if v == nil {
		return nil
	}
	known := map[string]int{}
	for i := range sp.start {
		known[sp.start[i].Name] = i
	}
	lay := &sp.prog.Model.Layout
	for name, val := range v.Params {
		i, ok := known[name]
		if !ok {
			if strings.Contains(name, "{") {
				continue // of a trajectory that this run does not have
			}
			return sp.unknown(name)
		}
		e := &sp.start[i]
		iv := fit.Interval{Lo: e.Lo, Hi: e.Hi}
		if !iv.Contains(val) {
			return fmt.Errorf("%s = %g is outside of its interval [%g, %g]", name, val, e.Lo, e.Hi)
		}
		e.Value = val
	}
	i := 0
	per := 0
	for _, slot := range lay.Params {
		if !slot.PerKey {
			for e := range slot.N {
				sp.p[slot.Off+e] = sp.start[i].Value
				i++
			}
			continue
		}
		for k := range sp.perQ[per] {
			sp.perQ[per][k] = sp.start[i].Value
			i++
		}
		per++
	}
	for _, t := range lay.Weights {
		if w, ok := v.Weights[t.Name]; ok {
			if len(w) != t.Shape.Size() {
				return fmt.Errorf("weights `%s` have %d numbers, the model needs %d", t.Name, len(w), t.Shape.Size())
			}
			copy(sp.p[t.Off:], w)
		}
	}
	for _, s := range lay.Scales {
		if w, ok := v.Scales[scaleName(s)]; ok && len(w) == s.N && s.Kind != lower.ScaleLoss {
			copy(sp.s[s.Off:], w)
		}
	}
	return nil
}

func (sp *space) unknown(name string) error {
	var have []string
	for _, e := range sp.start {
		have = append(have, e.Name)
	}
	sort.Strings(have)
	return fmt.Errorf("the model has no parameter `%s`; it has %s", name, strings.Join(have, ", "))
}
