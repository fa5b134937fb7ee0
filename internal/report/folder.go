// Package report writes what is kept of runs: tables of trajectories and events, and
// the folder of a fit with its estimates and weights.
package report

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/problem"
)

// Folder is the folder of one fit.
type Folder struct{ Dir string }

// layout is the version of the layout of folders of runs.
const layout = 1

// Info is run.json.
type Info struct {
	Version  int                `json:"version"`
	Pinode   string             `json:"pinode"`
	Argv     []string           `json:"argv"`
	Model    string             `json:"model"`
	From     string             `json:"from,omitempty"` // the folder that the path of the model is relative to
	Main     string             `json:"main"`           // the name of the model that was fitted
	Seed     uint64             `json:"seed"`
	Hashes   map[string]string  `json:"sha256"`
	Started  time.Time          `json:"started"`
	Finished *time.Time         `json:"finished,omitempty"`
	Start    map[string]float64 `json:"start,omitempty"`  // values of the parameters
	Params   string             `json:"params,omitempty"` // the run that weights started from
	Data     map[string]string  `json:"data,omitempty"`   // files in the place of those that data blocks name
	Status   string             `json:"status"`
	Message  string             `json:"message,omitempty"`
	Labels   map[string]string  `json:"labels"` // of axes: see explain.Labels

	Verdict   *fit.Verdict `json:"verdict,omitempty"`
	Basins    []fit.Basin  `json:"basins,omitempty"`    // optima that starts have led to, by loss
	Decisions []string     `json:"decisions,omitempty"` // what was done in the fit, and why

	Certificate string `json:"certificate"` // full, quick or off: how gradients were compared with differences
}

// Source is the model of a fit as its folder keeps it.
type Source struct {
	Path    string
	Program *compiler.Program
	Data    *problem.Problem
	Config  map[string]any // the resolved settings
	Params  string         // the run that weights start from
}

// Info is what run.json says.
func (r *Folder) Info() (info Info, err error) {
	text, err := files.Read(r.Path("run.json"), files.MaxText)
	if err != nil {
		return info, err
	}
	if err := json.Unmarshal(text, &info); err != nil {
		return info, Broken(r.Path("run.json"), err.Error())
	}
	if info.Version > layout {
		return info, Broken(r.Path("run.json"), fmt.Sprintf("the folder has the layout %d of a later pinode, and this one reads up to %d", info.Version, layout))
	}
	return info, nil
}

// ModelPath is where the model file was, as it is found from any folder.
func (i *Info) ModelPath() string {
	if _, err := os.Stat(i.Model); err == nil || i.From == "" {
		return i.Model
	}
	return filepath.Join(i.From, i.Model)
}

// Label is what an axis of the figures says.
func (r *Folder) Label(of string) string {
	if info, err := r.Info(); err == nil && info.Labels[of] != "" {
		return info.Labels[of]
	}
	return of
}

// NewName is a folder below runs/ that is named after the model and the time.
func NewName(model string, now time.Time) (string, error) {
	tail := make([]byte, 2)
	if _, err := rand.Read(tail); err != nil {
		return "", err
	}
	name := strings.TrimSuffix(filepath.Base(model), filepath.Ext(model))
	return filepath.Join("runs", fmt.Sprintf("%s-%s-%s", name, now.Format("20060102-150405"), hex.EncodeToString(tail))), nil
}

// Empty reports whether a folder has nothing in it, but for its lock, or is not there.
func Empty(dir string) bool {
	list, err := os.ReadDir(dir)
	if st, gone := os.Stat(dir); gone != nil || !st.IsDir() {
		return gone != nil // whoever makes it finds what is wrong
	}
	return err == nil && (len(list) == 0 || len(list) == 1 && list[0].Name() == ".lock")
}

// Create makes a new folder.
func Create(dir string) (*Folder, error) {
	if !Empty(dir) {
		return nil, fmt.Errorf("%s is there already and is not overwritten; choose another folder", dir)
	}
	return &Folder{dir}, files.Unwritable(dir, os.MkdirAll(filepath.Join(dir, "checkpoints"), 0o777))
}

// Open finds a run: a folder, or "last" for the newest below runs/, of a model file or, of
// the empty path, of any.
func Open(name, model string) (*Folder, error) {
	if name != "last" {
		if _, err := os.Stat(filepath.Join(name, "run.json")); err != nil {
			return nil, noRun(name + " is not the folder of a run (it has no run.json)")
		}
		return &Folder{name}, nil
	}
	list, err := filepath.Glob("runs/*/run.json")
	if err != nil || len(list) == 0 {
		return nil, noRun("there is no run below runs/ yet; `pinode fit` makes one")
	}
	newest, at := "", time.Time{}
	for _, p := range list {
		if st, err := os.Stat(p); err == nil && st.ModTime().After(at) && (&Folder{filepath.Dir(p)}).isOf(model) {
			newest, at = filepath.Dir(p), st.ModTime()
		}
	}
	if newest == "" {
		return nil, noRun(fmt.Sprintf("no run below runs/ is of %s; name the folder of a run, or see `ls runs`", model))
	}
	return &Folder{newest}, nil
}

// noRun says of a run that it is not there.
type noRun string

func (n noRun) Error() string { return string(n) }

// Is makes it an input that does not exist.
func (noRun) Is(target error) bool { return target == fs.ErrNotExist }

// isOf reports whether the run is of a model file, whatever way leads to it.
func (r *Folder) isOf(model string) bool {
	if model == "" {
		return true
	}
	info, err := r.Info()
	if err != nil {
		return false
	}
	a, err1 := filepath.Abs(info.ModelPath())
	b, err2 := filepath.Abs(model)
	return err1 == nil && err2 == nil && a == b
}

// Path is that of a file of the folder.
func (r *Folder) Path(name string) string { return filepath.Join(r.Dir, name) }

// Write writes a file of the folder.
func (r *Folder) Write(name string, text []byte) error { return files.Replace(r.Path(name), text) }

// stream writes a file of the folder a part at a time.
func (r *Folder) stream(name string, write func(io.Writer) error) error {
	return files.Stream(r.Path(name), write)
}

func (r *Folder) writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return r.Write(name, append(text, '\n'))
}

// Begin writes what is known of a fit before it runs: the model, its settings, and
// run.json.
func (r *Folder) Begin(f *estimate.Fit, src Source) (Info, error) {
	text := src.Program.Checked.Source.Text
	info := Info{
		Version: layout, Pinode: Version(), Argv: os.Args, Model: src.Path, Main: src.Program.Checked.Model.Name, Seed: f.Plan.Trainer.Seed,
		Hashes: map[string]string{src.Path: hash([]byte(text))}, Started: time.Now(), Status: "running",
		Labels: explain.Labels(src.Program), Certificate: f.Plan.Certificate, Start: map[string]float64{}, Params: absolute(src.Params), Data: map[string]string{},
	}
	for block, path := range src.Data.Files {
		info.Data[block] = absolute(path)
	}
	for _, e := range f.Estimates {
		info.Start[e.Name] = e.Start
	}
	if was, err := r.Info(); err == nil && f.State != nil { // it goes on
		info.Started = was.Started
	}
	for _, d := range src.DataFiles() {
		info.Hashes[d] = hashFile(d)
	}
	if dir, err := os.Getwd(); err == nil && !filepath.IsAbs(src.Path) {
		info.From = dir
	}
	config, err := yaml.Marshal(src.Config)
	if err != nil {
		return info, err
	}
	info.Hashes["config.resolved.yaml"], info.Hashes["pinode"] = hash(config), executable()
	if err := r.Write("model.node", []byte(text)); err != nil {
		return info, err
	}
	if err := r.Write("config.resolved.yaml", config); err != nil {
		return info, err
	}
	return info, r.writeJSON("run.json", info)
}

// Finish writes what a fit found, or the error that ended it.
func (r *Folder) Finish(f *estimate.Fit, src Source, info Info, failed error) error {
	saved := make(chan error, 1)
	saved <- nil
	if f.State != nil {
		<-saved
		go func() { saved <- r.WriteCheckpoint(f.State) }() // it is the largest file
		if err := r.writeMetrics(f.State); err != nil {
			<-saved
			return err
		}
		info.Status, info.Message = string(f.State.Status), f.State.Message
	}
	info.Verdict, info.Basins, info.Decisions = f.Verdict, f.Basins, f.Decisions
	now := time.Now()
	info.Finished = &now
	if failed != nil {
		info.Status, info.Message = "failed", failed.Error()
		err := r.writeJSON("run.json", info)
		return first(err, <-saved)
	}
	if failed = first(r.writeValues(f, f.Values, f.Estimates, src), r.writeProfiles(f), r.writeResults(f, src.Program), <-saved); failed != nil {
		info.Status, info.Message = "failed", failed.Error()
	}
	return first(failed, r.writeJSON("run.json", info))
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Model is the text of the model as it was fitted, and its settings.
func (r *Folder) Model() (text string, config map[string]any, err error) {
	model, err := files.Read(r.Path("model.node"), files.MaxText)
	if err != nil {
		return "", nil, err
	}
	settings, err := files.Read(r.Path("config.resolved.yaml"), files.MaxText)
	if err != nil {
		return "", nil, err
	}
	if err := files.YAML(settings, &config); err != nil {
		return "", nil, Broken(r.Path("config.resolved.yaml"), err.Error())
	}
	return string(model), config, nil
}

// writeMetrics writes the history, one line an iteration.
func (r *Folder) writeMetrics(s *fit.State) error {
	var b strings.Builder
	for _, one := range s.All() {
		for _, h := range one.History {
			line, err := json.Marshal(struct {
				Start int    `json:"start,omitempty"` // of several, from 0
				Stage string `json:"stage_name"`
				fit.Record
			}{one.Start, one.Stages[h.Stage], h})
			if err != nil {
				return err
			}
			b.Write(line)
			b.WriteByte('\n')
		}
	}
	return r.Write("metrics.jsonl", []byte(b.String()))
}

// absolute is a path as it is found from any folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		return abs
	}
	return path
}

func hash(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

func hashFile(path string) string {
	f, err := files.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// DataFiles are the paths of a model's data.
func (src Source) DataFiles() []string {
	out := src.Data.Paths()
	sort.Strings(out)
	return out
}

// Version names the revision and the Go version.
func Version() string {
	rev, dirty := "unknown revision", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				rev = s.Value[:min(12, len(s.Value))]
			case "vcs.modified":
				if s.Value == "true" {
					dirty = "+changes"
				}
			}
		}
	}
	return fmt.Sprintf("pinode %s%s, %s %s/%s", rev, dirty, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
