package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/nlpodyssey/safetensors"
	"gopkg.in/yaml.v3"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/problem"
)

// paramYAML is an entry of params.yaml.
type paramYAML struct {
	Value  *float64  `yaml:"value"`
	Unit   string    `yaml:"unit,omitempty"`
	Start  float64   `yaml:"start"`
	StdErr *float64  `yaml:"stderr,omitempty"`
	Lo     *float64  `yaml:"lower,omitempty"`
	Hi     *float64  `yaml:"upper,omitempty"`
	Fixed  bool      `yaml:"fixed,omitempty"`
	Bound  bool      `yaml:"at_bound,omitempty"`
	Likely []float64 `yaml:"interval_95,omitempty,flow"` // infinite at the open end of an interval without end
}

// paramsFile is params.yaml.
type paramsFile struct {
	Params      map[string]paramYAML `yaml:"params"`
	Scales      map[string][]float64 `yaml:"scales,omitempty"`
	Certificate string               `yaml:"certificate,omitempty"` // off, where gradients were not compared with differences
}

// Keep writes the values that a fit has come to, if there are any, while it runs.
func (r *Folder) Keep(f *estimate.Fit, src Source) error {
	values, estimates := f.Kept()
	if values == nil {
		return nil
	}
	return r.writeValues(f, values, estimates, src)
}

// writeValues writes params.yaml and weights.safetensors.
func (r *Folder) writeValues(f *estimate.Fit, values *problem.Values, estimates []fit.Estimate, src Source) error {
	out := paramsFile{Params: map[string]paramYAML{}, Scales: values.Scales}
	if f.Plan.Certificate == "off" {
		out.Certificate = f.Plan.Certificate
	}
	finite := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	for _, e := range estimates {
		p := paramYAML{&e.Value, e.Unit, e.Start, finite(e.StdErr), finite(e.Lo), finite(e.Hi), e.Fixed, e.Bound, nil}
		if e.Likely != nil {
			p.Likely = e.Likely[:]
		}
		out.Params[e.Name] = p
	}
	text, err := yaml.Marshal(out)
	if err != nil {
		return err
	}
	if err := r.Write("params.yaml", text); err != nil {
		return err
	}
	if len(values.Weights) == 0 {
		return nil
	}
	tensors := map[string]safetensors.TensorView{}
	for name, w := range values.Weights {
		raw := make([]byte, 8*len(w))
		for i, v := range w {
			binary.LittleEndian.PutUint64(raw[8*i:], math.Float64bits(v))
		}
		t, err := safetensors.NewTensorView(safetensors.F64, shapeOf(src.Program, name, len(w)), raw)
		if err != nil {
			return err
		}
		tensors[name] = t
	}
	text, err = safetensors.Serialize(tensors, map[string]string{"format": "pinode", "model": src.Program.Checked.Model.Name})
	if err != nil {
		return err
	}
	return r.Write("weights.safetensors", text)
}

func shapeOf(p *compiler.Program, tensor string, n int) []uint64 {
	for _, t := range p.Model.Layout.Weights {
		if t.Name == tensor && t.Shape.Rank == 2 {
			return []uint64{uint64(t.Shape.M), uint64(t.Shape.N)}
		}
	}
	return []uint64{uint64(n)}
}

// Stored are the values that a folder holds.
type Stored struct {
	*problem.Values
	params, weights string // the files
	shapes          map[string][]uint64
}

// Values reads params.yaml and weights.safetensors.
func (r *Folder) Values() (*Stored, error) {
	v := &Stored{
		Values: &problem.Values{Params: map[string]float64{}, Weights: map[string][]float64{}},
		params: r.Path("params.yaml"), weights: r.Path("weights.safetensors"), shapes: map[string][]uint64{},
	}
	text, err := files.Read(v.params, files.Whole)
	if err != nil {
		return nil, Broken(v.params, reason(err))
	}
	var in paramsFile
	if err := files.YAML(text, &in); err != nil {
		return nil, Broken(v.params, err.Error())
	}
	if in.Params == nil {
		return nil, Broken(v.params, "there are no `params` in it")
	}
	v.Scales = in.Scales
	for name, p := range in.Params {
		if p.Value == nil {
			return nil, Broken(v.params, fmt.Sprintf("`%s` has no `value`", name))
		}
		if math.IsNaN(*p.Value) || math.IsInf(*p.Value, 0) {
			return nil, Broken(v.params, fmt.Sprintf("`%s` is %g, and not a finite number", name, *p.Value))
		}
		v.Params[name] = *p.Value
	}
	text, err = files.Read(v.weights, files.Whole)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, Broken(v.weights, reason(err))
	}
	st, err := safetensors.Deserialize(text)
	if err != nil {
		return nil, Broken(v.weights, err.Error())
	}
	for _, t := range st.Tensors() {
		raw := t.TensorView.Data()
		if t.TensorView.DType() != safetensors.F64 {
			return nil, Broken(v.weights, fmt.Sprintf("tensor `%s` is not of 64-bit floats", t.Name))
		}
		w := make([]float64, len(raw)/8)
		for i := range w {
			w[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
			if math.IsNaN(w[i]) || math.IsInf(w[i], 0) {
				return nil, Broken(v.weights, fmt.Sprintf("weight %d of `%s` is %g, and not a finite number", i, t.Name, w[i]))
			}
		}
		v.Weights[t.Name], v.shapes[t.Name] = w, t.TensorView.Shape()
	}
	return v, nil
}

// reason is an error of the operating system without the path.
func reason(err error) string {
	var re *files.ReadError
	if errors.As(err, &re) {
		err = re.Cause
	}
	return err.Error()
}

// Broken is the error of a file of a run that is not what a fit writes.
func Broken(path, text string) error {
	return &data.Error{File: path, Text: text, Help: "see what `pinode fit` writes into the folder of a run"}
}

// Complete refuses values that are not all of a model's, but for those that are given
// besides: a parameter or a tensor of weights that is missing, or of another shape,
// would be as it starts.
func (v *Stored) Complete(p *compiler.Program, besides map[string]float64) error {
	for _, slot := range p.Model.Layout.Params {
		for e := range slot.N {
			name := lower.ElementName(slot.Object.Info(), e)
			_, here := v.Params[name]
			if _, set := besides[name]; !here && !set && !slot.PerKey {
				return &data.Error{File: v.params, Text: fmt.Sprintf("there is no value of `%s`, which the model has", name), Help: fmt.Sprintf("take a run of this model, or give it: `--set %s=…`", name)}
			}
		}
	}
	for _, t := range p.Model.Layout.Weights {
		w, here := v.Weights[t.Name]
		want := shapeOf(p, t.Name, len(w))
		switch {
		case !here:
			return &data.Error{File: v.weights, Text: fmt.Sprintf("there is no tensor `%s`, which the model has", t.Name), Help: "take a run of this model"}
		case len(w) != t.Shape.Size() || !slices.Equal(want, v.shapes[t.Name]):
			want := shapeOf(p, t.Name, t.Shape.Size())
			return &data.Error{File: v.weights, Text: fmt.Sprintf("tensor `%s` has the shape %d, that of the model %d", t.Name, v.shapes[t.Name], want), Help: "take a run of this model"}
		}
	}
	return nil
}
