package problem

import (
	"fmt"
	"sort"
	"strings"

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

// ValuesAt are the numbers at x, by name.
func (sp *Space) ValuesAt(x []float64) *Values {
	v := &Values{Params: map[string]float64{}, Weights: map[string][]float64{}, Scales: map[string][]float64{}}
	nat := make([]float64, len(sp.Params))
	sp.Transforms.Forward(nat, x[:len(sp.Params)])
	k := 0
	for _, e := range sp.Estimates {
		if e.Fixed {
			v.Params[e.Name] = e.Value
			continue
		}
		v.Params[e.Name] = nat[k]
		k++
	}
	p := append([]float64{}, sp.P...)
	for _, w := range sp.Weights {
		copy(p[w.Off:w.Off+w.N], x[w.At:])
	}
	lay := &sp.Prog.Model.Layout
	for _, t := range lay.Weights {
		v.Weights[t.Name] = p[t.Off : t.Off+t.Shape.Size()]
	}
	for _, s := range lay.Scales {
		if s.Kind == lower.ScaleLoss {
			continue // of the rows of a batch
		}
		v.Scales[scaleName(s)] = append([]float64{}, sp.Scales[s.Off:s.Off+s.N]...)
	}
	return v
}

func scaleName(s lower.Scale) string {
	kind := [...]string{"observe", "conserve", "input", "output", "loss"}[s.Kind]
	return kind + "." + s.Object.Info().Name
}

// SetValues takes over given values; names that the model does not have are an
// error, those that are missing keep their start.
func (sp *Space) SetValues(v *Values) error {
	if v == nil {
		return nil
	}
	known := map[string]int{}
	for i := range sp.Estimates {
		known[sp.Estimates[i].Name] = i
	}
	lay := &sp.Prog.Model.Layout
	for name, val := range v.Params {
		i, ok := known[name]
		if !ok {
			if strings.Contains(name, "{") {
				continue // of a trajectory that this run does not have
			}
			return sp.unknown(name)
		}
		e := &sp.Estimates[i]
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
				sp.P[slot.Off+e] = sp.Estimates[i].Value
				i++
			}
			continue
		}
		for k := range sp.perKeyValues[per] {
			sp.perKeyValues[per][k] = sp.Estimates[i].Value
			i++
		}
		per++
	}
	for _, t := range lay.Weights {
		if w, ok := v.Weights[t.Name]; ok {
			if len(w) != t.Shape.Size() {
				return fmt.Errorf("weights `%s` have %d numbers, the model needs %d", t.Name, len(w), t.Shape.Size())
			}
			copy(sp.P[t.Off:], w)
		}
	}
	for _, s := range lay.Scales {
		if w, ok := v.Scales[scaleName(s)]; ok && len(w) == s.N && s.Kind != lower.ScaleLoss {
			copy(sp.Scales[s.Off:], w)
		}
	}
	return nil
}

func (sp *Space) unknown(name string) error {
	var have []string
	for _, e := range sp.Estimates {
		have = append(have, e.Name)
	}
	sort.Strings(have)
	return fmt.Errorf("the model has no parameter `%s`; it has %s", name, strings.Join(have, ", "))
}
