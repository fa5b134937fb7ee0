package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/nlpodyssey/safetensors"
	"gopkg.in/yaml.v3"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/problem"
)

// paramYAML is an entry of params.yaml.
type paramYAML struct {
	Value  float64  `yaml:"value"`
	Unit   string   `yaml:"unit,omitempty"`
	Start  float64  `yaml:"start"`
	StdErr *float64 `yaml:"stderr,omitempty"`
	Lo     *float64 `yaml:"lower,omitempty"`
	Hi     *float64 `yaml:"upper,omitempty"`
	Fixed  bool     `yaml:"fixed,omitempty"`
	Bound  bool     `yaml:"at_bound,omitempty"`
}

// paramsFile is params.yaml.
type paramsFile struct {
	Params      map[string]paramYAML `yaml:"params"`
	Scales      map[string][]float64 `yaml:"scales,omitempty"`
	Certificate string               `yaml:"certificate,omitempty"` // off, where gradients were not compared with differences
}

// writeValues writes params.yaml and weights.safetensors.
func (r *Folder) writeValues(f *estimate.Fit, src Source) error {
	out := paramsFile{Params: map[string]paramYAML{}, Scales: f.Values.Scales}
	if f.Plan.Certificate == "off" {
		out.Certificate = f.Plan.Certificate
	}
	finite := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	for _, e := range f.Estimates {
		out.Params[e.Name] = paramYAML{e.Value, e.Unit, e.Start, finite(e.StdErr), finite(e.Lo), finite(e.Hi), e.Fixed, e.Bound}
	}
	text, err := yaml.Marshal(out)
	if err != nil {
		return err
	}
	if err := r.Write("params.yaml", text); err != nil {
		return err
	}
	if len(f.Values.Weights) == 0 {
		return nil
	}
	tensors := map[string]safetensors.TensorView{}
	for name, w := range f.Values.Weights {
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

// Values reads params.yaml and weights.safetensors.
func (r *Folder) Values() (*problem.Values, error) {
	text, err := files.Read(r.Path("params.yaml"), files.Whole)
	if err != nil {
		return nil, err
	}
	var in paramsFile
	if err := yaml.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path("params.yaml"), err)
	}
	v := &problem.Values{Params: map[string]float64{}, Weights: map[string][]float64{}, Scales: in.Scales}
	for name, p := range in.Params {
		v.Params[name] = p.Value
	}
	text, err = files.Read(r.Path("weights.safetensors"), files.Whole)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := safetensors.Deserialize(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path("weights.safetensors"), err)
	}
	for _, t := range st.Tensors() {
		raw := t.TensorView.Data()
		if t.TensorView.DType() != safetensors.F64 {
			return nil, fmt.Errorf("%s: tensor `%s` is not of 64-bit floats", r.Path("weights.safetensors"), t.Name)
		}
		w := make([]float64, len(raw)/8)
		for i := range w {
			w[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		v.Weights[t.Name] = w
	}
	return v, nil
}
