// Package published reproduces published systems: for each a model in its natural
// words, a generator of its data, the number of its source, and the number that this
// project has set itself. `pinode reproduce` runs them; docs/published.md is the
// table that it prints.
package published

import (
	"context"
	"embed"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/files"
)

//go:embed */*.node */page.md
var pages embed.FS

// Row is a published system.
type Row struct {
	Name   string // of its folder
	Title  string
	Source string // where it was published
	run    func(*study) error
}

// Figure is a number of a reproduction beside that of its source.
type Figure struct {
	What      string
	Published string  // of the source, in its words; empty where there is none
	Bar       float64 // the number to beat, from above
	Ours      float64
}

// Holds reports whether the figure is as good as it is to be.
func (f *Figure) Holds() bool {
	return f.Ours <= f.Bar // which a NaN is not
}

// Result is what reproducing a row gave.
type Result struct {
	Row     *Row
	Quick   bool // a short form, whose figures are not held to their bars
	Figures []Figure
	Took    time.Duration
}

// Rows are the published systems, in the order of the table.
func Rows() []*Row { return slices.Clone(rows) }

// Find returns the row of a name.
func Find(name string) (*Row, bool) {
	i := slices.IndexFunc(rows, func(r *Row) bool { return r.Name == name })
	if i < 0 {
		return nil, false
	}
	return rows[i], true
}

// Page is the text about a row: source, recipe, what differs.
func (r *Row) Page() string {
	text, err := pages.ReadFile(r.Name + "/page.md")
	if err != nil {
		return ""
	}
	return string(text)
}

// Options say how a row is reproduced.
type Options struct {
	Dir   string    // where its models and data are written; it must exist
	Quick bool      // a short form, which shows that all works and not how well
	Log   io.Writer // what is being done, a line each; nil for nobody
}

// Reproduce makes the data of a row, fits its models and measures what came out.
// The models and data stay in Options.Dir.
func (r *Row) Reproduce(ctx context.Context, o Options) (*Result, error) {
	start := time.Now()
	s := &study{ctx: ctx, row: r, dir: o.Dir, quick: o.Quick, log: o.Log, result: &Result{Row: r, Quick: o.Quick}}
	if err := s.copyModels(); err != nil {
		return nil, err
	}
	if err := r.run(s); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	s.result.Took = time.Since(start)
	return s.result, nil
}

// study is a reproduction at work.
type study struct {
	ctx    context.Context
	row    *Row
	dir    string
	quick  bool
	log    io.Writer
	result *Result
}

// say tells what is being done.
func (s *study) say(format string, args ...any) {
	if s.log != nil {
		fmt.Fprintf(s.log, "%s: %s\n", s.row.Name, fmt.Sprintf(format, args...))
	}
}

// copyModels writes the models of the row to its folder.
func (s *study) copyModels() error {
	list, err := pages.ReadDir(s.row.Name)
	if err != nil {
		return err
	}
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), ".node") {
			continue
		}
		text, err := pages.ReadFile(s.row.Name + "/" + e.Name())
		if err != nil {
			return err
		}
		if err := files.Replace(filepath.Join(s.dir, e.Name()), text); err != nil {
			return err
		}
	}
	return nil
}

// setting is a setting that is not as the model file says.
type setting struct{ path, value string }

// quickly are the settings of the short form, none of the whole one.
func (s *study) quickly(list ...setting) []setting {
	if s.quick {
		return list
	}
	return nil
}

// model loads a model of the row with some settings.
func (s *study) model(name string, settings ...setting) (*pinode.Model, error) {
	m, err := pinode.Load(filepath.Join(s.dir, name+".node"))
	if err != nil {
		return nil, err
	}
	for _, c := range settings {
		if err := m.Set(c.path, c.value, "reproduce"); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// fit fits a model, and says what came of it.
func (s *study) fit(name string, seed uint64, settings ...setting) (*pinode.Fit, error) {
	m, err := s.model(name, settings...)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	f, err := m.Fit(s.ctx, pinode.FitOptions{Seed: seed})
	if err != nil {
		return nil, err
	}
	if err := s.ctx.Err(); err != nil { // what was interrupted has no verdict
		return nil, err
	}
	s.say("%s, seed %d: loss %.4g after %.1f s, %s", name, seed, f.Train.Loss, time.Since(start).Seconds(), f.Verdict.Text)
	return f, nil
}

// with runs another model of the row with the weights of a fit, along its data or at their rows.
func (s *study) with(name string, f *pinode.Fit, rows bool) (*pinode.Simulation, error) {
	m, err := s.model(name)
	if err != nil {
		return nil, err
	}
	return m.Simulate(s.ctx, pinode.SimulateOptions{At: &pinode.Values{Weights: f.Values().Weights}, Rows: rows})
}

// measured adds a figure that is to be no more than its bar.
func (s *study) measured(what, published string, bar, ours float64) {
	s.result.Figures = append(s.result.Figures, Figure{What: what, Published: published, Bar: bar, Ours: ours})
}

// table writes a table of the row's data: a line of names, then rows.
func (s *study) table(file string, names []string, rows [][]float64) error {
	var b strings.Builder
	b.WriteString(strings.Join(names, ",") + "\n")
	for _, row := range rows {
		for i, v := range row {
			if i > 0 {
				b.WriteByte(',')
			}
			if !math.IsNaN(v) { // else an empty cell: not measured
				fmt.Fprintf(&b, "%.17g", v)
			}
		}
		b.WriteByte('\n')
	}
	return files.Replace(filepath.Join(s.dir, file), []byte(b.String()))
}

// rows are the systems, in the order of the table.
var rows = []*Row{
	{
		"spiral", "a neural differential equation for one noisy spiral",
		"a tutorial's example of a neural ordinary differential equation; two spirals that its text allows", spirals,
	},
	{"ode_demo", "a cubic spiral, by a network and by its matrix", "torchdiffeq, examples/ode_demo.py", odeDemo},
	{
		"augmented", "augmented neural differential equations: a disc in a ring, and a flip of the line",
		"Dupont, Doucet, Teh, Augmented neural ODEs, arXiv 1904.01681", augmented,
	},
	{
		"events", "events with closed forms: impacts, a thermostat, the fan, discs, arrivals",
		"Chen, Amos, Nickel, Learning neural event functions for ordinary differential equations, arXiv 2011.03902; torchdiffeq, examples/bouncing_ball.py and learn_physics.py", eventSystems,
	},
	{
		"missing_physics", "the missing terms of prey and predators",
		"Rackauckas et al., Universal differential equations, arXiv 2001.04385, scenario 1 with the sample of its repository", missingPhysics,
	},
	{
		"formulas", "formulas for the missing terms at five sizes of noise, and from six counts of predators",
		"Rackauckas et al., arXiv 2001.04385, its repeat study and scenario 2", formulas,
	},
	{
		"fisher", "a wave of advance with learned growth, on cells",
		"Rackauckas et al., arXiv 2001.04385, scenario 3", fisher,
	},
	{
		"burgers", "Burgers' equation by a network",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019", burgersEquation,
	},
	{
		"burgers_step", "Burgers' equation in one implicit step, whose stages are a network",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019", burgersStep,
	},
	{
		"burgers_inverse", "speed and viscosity of Burgers' equation from noisy values",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019", burgersInverse,
	},
	{
		"schroedinger", "the cubic equation of Schrödinger, by a network and on cells",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019", onCircle,
	},
	{
		"allen_cahn", "the equation of Allen and Cahn, by a network and on cells",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019; Wang, Li, Chen, Perdikaris, PirateNets, arXiv 2402.00326", onCircle,
	},
	{
		"korteweg_de_vries", "the equation of Korteweg and de Vries, by a network and on cells",
		"Wang, Li, Chen, Perdikaris, PirateNets, arXiv 2402.00326", onCircle,
	},
	{
		"korteweg_de_vries_inverse", "speed and dispersion of Korteweg and de Vries' equation from two snapshots",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019", kdvInverse,
	},
	{
		"navier_stokes", "convection and viscosity of a flow whose pressure is not seen",
		"Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378, 2019", navierStokes,
	},
	{
		"seir", "how a disease is caught, learned from three weeks",
		"Rackauckas et al., arXiv 2001.04385, the example of an epidemic", seir,
	},
	{
		"jumps", "neural jump equations: growth and return to a mean, seen now and then",
		"Herrera, Krach, Teichmann, Neural jump ordinary differential equations, arXiv 2006.04727", neuralJumps,
	},
	{
		"flow_matching", "flow matching of two moons",
		"facebookresearch/flow_matching, the notebook of two moons", flowMatching,
	},
	{
		"checkerboard", "flow matching of the squares of a board",
		"facebookresearch/flow_matching, the notebook of a checkerboard", checkerboard,
	},
	{
		"latent", "a latent equation: sinusoids from half of their points",
		"Rubanova, Chen, Duvenaud, Latent ordinary differential equations for irregularly-sampled time series, arXiv 1907.03907", latent,
	},
	{
		"hamiltonian", "Hamiltonian networks: a spring and a pendulum",
		"Greydanus, Dzamba, Yosinski, Hamiltonian neural networks, arXiv 1906.01563", hamiltonian,
	},
	{
		"double_pendulum", "a Lagrangian network for a double pendulum",
		"Cranmer, Greydanus, Hoyer, Battaglia, Spergel, Ho, Lagrangian neural networks, arXiv 2003.04630", doublePendulum,
	},
	{
		"two_bodies", "a Hamiltonian network for two bodies", "Greydanus, Dzamba, Yosinski, arXiv 1906.01563", twoBodies,
	},
}

// seeds are those of n repetitions, the first one alone in the short form.
func (s *study) seeds(n uint64) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for seed := range n {
			if s.quick && seed > 0 || !yield(seed) {
				return
			}
		}
	}
}

// path is where a file of the row lies.
func (s *study) path(file string) string { return filepath.Join(s.dir, file) }
