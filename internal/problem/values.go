package problem

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl/diag"
)

// Values are the parameters, weights and scales that a model runs with.
type Values struct {
	Params  map[string]float64   // by the names of Estimate
	Weights map[string][]float64 // tensors by name
	Scales  map[string][]float64
}

// With are the values with some parameters replaced; nil has none of its own.
func (v *Values) With(set map[string]float64) *Values {
	out := &Values{Params: maps.Clone(set)}
	if v == nil {
		return out
	}
	out.Weights, out.Scales = v.Weights, v.Scales
	for name, x := range v.Params {
		of, _, _ := strings.Cut(name, "{") // a parameter with a value for each key
		_, one := set[name]
		if _, all := set[of]; !one && !all {
			out.Params[name] = x
		}
	}
	return out
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
	for _, name := range slices.Sorted(maps.Keys(v.Params)) {
		val := v.Params[name]
		i, ok := known[name]
		if !ok && sp.perKey(name) {
			if err := sp.setAll(name, val); err != nil {
				return err
			}
			continue
		}
		if !ok {
			if of, _, per := strings.Cut(name, "{"); per && sp.perKey(of) {
				continue // of a trajectory that this run does not have
			}
			return sp.unknown(name)
		}
		if iv := intervalOf(sp.of[i]); !iv.Contains(val) {
			return fmt.Errorf("%s = %g is outside of its interval %s", name, val, iv)
		}
		sp.Estimates[i].Value = val
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
	if err := sp.setWeights(v.Weights); err != nil {
		return err
	}
	for _, s := range lay.Scales {
		if w, ok := v.Scales[scaleName(s)]; ok && len(w) == s.N && s.Kind != lower.ScaleLoss {
			copy(sp.Scales[s.Off:], w)
		}
	}
	return nil
}

// Told refuses values that have a parameter for some keys and not for one that is asked for: its
// start value would pass for what was learned. Besides the values, names are told.
func (sp *Space) Told(v *Values, names ...string) error {
	if v == nil {
		return nil
	}
	told := func(name string) bool {
		_, ok := v.Params[name]
		return ok || slices.Contains(names, name)
	}
	some := map[string]bool{} // parameters that have a value for a key
	for name := range v.Params {
		if of, _, per := strings.Cut(name, "{"); per {
			some[of] = true
		}
	}
	for i, e := range sp.Estimates {
		of, key, per := strings.Cut(strings.TrimSuffix(e.Name, "}"), "{")
		if !per || sp.of[i].Fixed || !some[of] || told(e.Name) || told(of) {
			continue
		}
		l := &diag.List{}
		l.Errorf("held-back", sp.of[i].Span, "nothing tells `%s`: the values are those of a fit without %s", e.Name, strings.ReplaceAll(key, ",", ", ")).
			WithHelp("a value is given by `--set '%s=…'`, one for all by `--set %s=…`; or leave these rows out, or fit with them: in `validate`, with some rows `given`, nothing else is learned of them", e.Name, of)
		return l.Err()
	}
	return nil
}

// setAll gives a parameter that has a value for each key one for all of them.
func (sp *Space) setAll(name string, v float64) error {
	for i := range sp.Estimates {
		if of, _, _ := strings.Cut(sp.Estimates[i].Name, "{"); of != name {
			continue
		}
		if iv := intervalOf(sp.of[i]); !iv.Contains(v) {
			return fmt.Errorf("%s = %g is outside of its interval %s", name, v, iv)
		}
		sp.Estimates[i].Value = v
	}
	return nil
}

// setWeights takes over given tensors of weights.
func (sp *Space) setWeights(given map[string][]float64) error {
	var names []string
	used := 0
	for _, t := range sp.Prog.Model.Layout.Weights {
		names = append(names, t.Name)
		w, ok := given[t.Name]
		if !ok {
			continue
		}
		used++
		if len(w) != t.Shape.Size() {
			return fmt.Errorf("weights `%s` have %d numbers, the model needs %d", t.Name, len(w), t.Shape.Size())
		}
		for i, x := range w {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("weight %d of `%s` is %g, and not a finite number", i, t.Name, x)
			}
		}
		copy(sp.P[t.Off:], w)
	}
	if used == len(given) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			if len(names) == 0 {
				names = []string{"none"}
			}
			return fmt.Errorf("the model has no weights `%s`; it has %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// perKey reports whether a name is that of an element of a parameter with a value for
// each key.
func (sp *Space) perKey(name string) bool {
	for _, slot := range sp.Prog.Model.Layout.Params {
		for e := range slot.N {
			if slot.PerKey && lower.ElementName(slot.Object.Info(), e) == name {
				return true
			}
		}
	}
	return false
}

func (sp *Space) unknown(name string) error {
	var have []string
	for _, e := range sp.Estimates {
		have = append(have, e.Name)
	}
	sort.Strings(have)
	return fmt.Errorf("the model has no parameter `%s`; it has %s", name, strings.Join(have, ", "))
}
