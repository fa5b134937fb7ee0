package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/nlpodyssey/safetensors"
	"gopkg.in/yaml.v3"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

// runFolder is the folder of one fit.
type runFolder struct{ dir string }

// runInfo is run.json.
type runInfo struct {
	Version  int               `json:"version"`
	Pinode   string            `json:"pinode"`
	Argv     []string          `json:"argv"`
	Model    string            `json:"model"`
	Seed     uint64            `json:"seed"`
	Hashes   map[string]string `json:"sha256"`
	Started  time.Time         `json:"started"`
	Finished *time.Time        `json:"finished,omitempty"`
	Status   string            `json:"status"`
	Message  string            `json:"message,omitempty"`
	Labels   map[string]string `json:"labels"` // of axes: see pinode.Model.Labels

	Certificate string `json:"certificate"` // full, quick or off: how gradients were compared with differences
}

// info reads run.json.
func (r *runFolder) info() (info runInfo, err error) {
	text, err := os.ReadFile(r.path("run.json"))
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err != nil {
		return info, usageError("%s: %s", r.path("run.json"), err)
	}
	return info, nil
}

// label is what an axis of the figures says.
func (r *runFolder) label(of string) string {
	info, _ := r.info() // without it the axis has the plain name
	if l := info.Labels[of]; l != "" {
		return l
	}
	return of
}

// newRunFolder makes a new folder: dir, or one below runs/ that is named after
// the model and the time.
func newRunFolder(dir, model string, now time.Time) (*runFolder, error) {
	if dir == "" {
		tail := make([]byte, 2)
		if _, err := rand.Read(tail); err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(model), filepath.Ext(model))
		dir = filepath.Join("runs", fmt.Sprintf("%s-%s-%s", name, now.Format("20060102-150405"), hex.EncodeToString(tail)))
	} else if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		return nil, usageError("%s is there already and is not overwritten; choose another --out", dir)
	}
	return &runFolder{dir}, os.MkdirAll(filepath.Join(dir, "checkpoints"), 0o755)
}

// openRun finds a run: a folder, or "last" for the newest below runs/.
func openRun(name string) (*runFolder, error) {
	if name != "last" {
		if _, err := os.Stat(filepath.Join(name, "run.json")); err != nil {
			return nil, usageError("%s is not the folder of a run (it has no run.json)", name)
		}
		return &runFolder{name}, nil
	}
	list, err := filepath.Glob("runs/*/run.json")
	if err != nil || len(list) == 0 {
		return nil, usageError("there is no run below runs/ yet; `pinode fit` makes one")
	}
	newest, at := "", time.Time{}
	for _, p := range list {
		if st, err := os.Stat(p); err == nil && st.ModTime().After(at) {
			newest, at = filepath.Dir(p), st.ModTime()
		}
	}
	return &runFolder{newest}, nil
}

func (r *runFolder) path(name string) string { return filepath.Join(r.dir, name) }

func (r *runFolder) write(name string, text []byte) error { return replaceFile(r.path(name), text) }

func (r *runFolder) writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return r.write(name, append(text, '\n'))
}

func hashFile(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

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
func (r *runFolder) writeValues(f *pinode.Fit) error {
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
	if err := r.write("params.yaml", text); err != nil {
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
		t, err := safetensors.NewTensorView(safetensors.F64, shapeOf(f.Model, name, len(w)), raw)
		if err != nil {
			return err
		}
		tensors[name] = t
	}
	text, err = safetensors.Serialize(tensors, map[string]string{"format": "pinode", "model": f.Model.Name})
	if err != nil {
		return err
	}
	return r.write("weights.safetensors", text)
}

func shapeOf(m *pinode.Model, tensor string, n int) []uint64 {
	for _, t := range m.Program().Model.Layout.Weights {
		if t.Name == tensor && t.Shape.Rank == 2 {
			return []uint64{uint64(t.Shape.M), uint64(t.Shape.N)}
		}
	}
	return []uint64{uint64(n)}
}

// readValues reads params.yaml and weights.safetensors.
func (r *runFolder) readValues() (*pinode.Values, error) {
	text, err := os.ReadFile(r.path("params.yaml"))
	if err != nil {
		return nil, err
	}
	var in paramsFile
	if err := yaml.Unmarshal(text, &in); err != nil {
		return nil, usageError("%s: %s", r.path("params.yaml"), err)
	}
	v := &pinode.Values{Params: map[string]float64{}, Weights: map[string][]float64{}, Scales: in.Scales}
	for name, p := range in.Params {
		v.Params[name] = p.Value
	}
	text, err = os.ReadFile(r.path("weights.safetensors"))
	if os.IsNotExist(err) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := safetensors.Deserialize(text)
	if err != nil {
		return nil, usageError("%s: %s", r.path("weights.safetensors"), err)
	}
	for _, t := range st.Tensors() {
		raw := t.TensorView.Data()
		if t.TensorView.DType() != safetensors.F64 {
			return nil, usageError("%s: tensor `%s` is not of 64-bit floats", r.path("weights.safetensors"), t.Name)
		}
		w := make([]float64, len(raw)/8)
		for i := range w {
			w[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		v.Weights[t.Name] = w
	}
	return v, nil
}

// writeResults writes the curves, residuals and events of a fit.
func (r *runFolder) writeResults(f *pinode.Fit) error {
	curves, err := f.Curves(201)
	if err != nil {
		return err
	}
	if len(curves) == 0 {
		return nil
	}
	err = r.write("trajectories.csv", trajectoriesTable(curves[0].Columns, func(row func(string, float64, []float64)) {
		for _, c := range curves {
			for i, t := range c.T {
				row(c.Name, t, c.Rows[i])
			}
		}
	}))
	if err != nil {
		return err
	}
	res, some := newTable("trajectory", "split", "t", "observation", "data", "prediction", "residual"), false
	for _, c := range curves {
		split := "train"
		if c.Validation {
			split = "validate"
		}
		for _, p := range c.Observed {
			some = true
			res.row(c.Name, split, number(p.T), p.Observation, number(p.Data), number(p.Prediction), number(p.Data-p.Prediction))
		}
	}
	if some {
		if err := r.write("residuals.csv", res.bytes()); err != nil {
			return err
		}
	}
	if len(curves[0].Learned) > 0 {
		if err := r.write("learned.csv", learnedTable(curves)); err != nil {
			return err
		}
	}
	return r.write("events.csv", eventsTable(f.Model.StateNames(), func(row func(string, pinode.Event)) {
		for _, c := range curves {
			for _, e := range c.Events {
				row(c.Name, e)
			}
		}
	}))
}

// learnedTable is learned.csv: what the neural blocks gave along the
// trajectories.
func learnedTable(curves []pinode.Curve) []byte {
	width := [2]int{}
	for _, l := range curves[0].Learned {
		width[0], width[1] = max(width[0], len(l.Args[0])), max(width[1], len(l.Values[0]))
	}
	header := []string{"trajectory", "t", "block"}
	for k, what := range []string{"argument", "value"} {
		for i := range width[k] {
			header = append(header, fmt.Sprintf("%s_%d", what, i))
		}
	}
	t := newTable(header...)
	for _, c := range curves {
		for _, l := range c.Learned {
			for i := range l.Args {
				cells := []string{c.Name, number(c.T[i]), l.Block}
				for k, v := range [][]float64{l.Args[i], l.Values[i]} {
					for j := range width[k] {
						if j < len(v) {
							cells = append(cells, number(v[j]))
						} else {
							cells = append(cells, "")
						}
					}
				}
				t.row(cells...)
			}
		}
	}
	return t.bytes()
}

// writeCheckpoint writes where a fit stands.
func (r *runFolder) writeCheckpoint(s *fit.State) error {
	text, err := s.Encode()
	if err != nil {
		return err
	}
	return r.write("checkpoints/last.json", text)
}

// writeMetrics writes the history, one line an iteration.
func (r *runFolder) writeMetrics(s *fit.State) error {
	var b strings.Builder
	for _, h := range s.History {
		line, err := json.Marshal(struct {
			Stage string `json:"stage_name"`
			fit.Record
		}{s.Stages[h.Stage], h})
		if err != nil {
			return err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return r.write("metrics.jsonl", []byte(b.String()))
}

// resolvedConfig is config.resolved.yaml.
func resolvedConfig(m *pinode.Model) ([]byte, error) {
	return yaml.Marshal(map[string]any{"fit": m.FitSettings().Tree(), "simulate": m.SimulateSettings().Tree()})
}

// dataFiles are the paths of the model's data.
func dataFiles(m *pinode.Model) []string {
	var out []string
	for _, d := range m.Program().Checked.Data {
		p := d.Path
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(m.Path), p)
		}
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}
