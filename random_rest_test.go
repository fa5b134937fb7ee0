package pinode

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// restSteps are the steps of the coarse run of the reference; the fine one has
// twice as many.
const restSteps = 600

// restTally counts what the random models had to say.
type restTally struct {
	models, events, slides, rests, terminated int
	values, partials                          int
	unknown                                   int // parameters near which the events change
	sensitive                                 int // models that agree at tighter tolerances only

	skipped map[string]int
	parts   map[string]int // of the models compared
	failed  map[string]int // by what went wrong
}

// restReference runs a model twice. It returns the fine run and how far it can
// be trusted, or why it cannot.
func restReference(m *refModel) (r *refRun, doubt float64, skip string) {
	coarse, err := m.reference(m.params, restSteps)
	if err == nil {
		r, err = m.reference(m.params, 2*restSteps)
	}
	switch {
	case errors.Is(err, errVague):
		return nil, 0, "not unique"
	case err != nil:
		return nil, 0, "the reference fails"
	case len(coarse.log) != len(r.log):
		return nil, 0, "the reference differs with its step"
	}
	if r.most > 2 {
		return nil, 0, "more than two surfaces at once"
	}
	for i, f := range r.log {
		if coarse.log[i].name != f.name {
			return nil, 0, "the reference differs with its step"
		}
		doubt = math.Max(doubt, math.Abs(f.t-coarse.log[i].t))
		if i > 0 {
			if gap := f.t - r.log[i-1].t; gap > refTie && gap < 1e-6 {
				return nil, 0, "events too near each other"
			}
		}
	}
	for i, v := range r.y {
		doubt = math.Max(doubt, math.Abs(v-coarse.y[i]))
	}
	if doubt > 1e-6 {
		return nil, 0, "the reference differs with its step"
	}
	return r, doubt, ""
}

// TestRandomRests: random models that rest on thresholds, saturate, stick and
// slip, switch with the time, and have events on each other and on the end,
// against a reference that shares nothing with the engine: events in their
// order, their times, and the values at the end; then the derivatives of these
// in every mode. PINODE_NIGHTLY says how many models, PINODE_FIRST the seed of the first; without it there are 50.
// The models are subtests, by their seeds.
func TestRandomRests(t *testing.T) {
	count := randomModels(50, 10)
	total := newRestTally()
	var lock sync.Mutex
	t.Run("models", func(t *testing.T) {
		for seed := firstModel(); seed < firstModel()+uint64(count); seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				tally := newRestTally()
				tally.model(t, seed, nightly())
				lock.Lock()
				defer lock.Unlock()
				total.add(tally)
			})
		}
	})
	total.print(t)
	require.Less(t, total.started()-total.models, count/10+1, "too many models are skipped")
}

func newRestTally() *restTally {
	return &restTally{skipped: map[string]int{}, parts: map[string]int{}, failed: map[string]int{}}
}

// model compares the model of a seed with its reference.
func (y *restTally) model(t *testing.T, seed uint64, nightly bool) {
	m, parts := randomRest(seed)
	r, doubt, skip := restReference(m)
	if skip != "" {
		y.skipped[skip]++
		return
	}
	y.models++
	y.events += len(r.log)
	y.slides += len(r.in)
	y.rests += r.rests
	if r.finished {
		y.terminated++
	}
	for _, p := range parts {
		y.parts[p]++
	}
	if kind, text := compareRest(y, m, r, doubt, nightly, seed); kind != "" {
		y.failed[kind]++
		t.Errorf("%s (%s): %s\n%s", kind, strings.Join(parts, ", "), text, m.write())
	}
}

// add adds what another tally has counted.
func (y *restTally) add(o *restTally) {
	for _, n := range []struct{ to, from *int }{
		{&y.models, &o.models},
		{&y.events, &o.events},
		{&y.slides, &o.slides},
		{&y.rests, &o.rests},
		{&y.terminated, &o.terminated},
		{&y.values, &o.values},
		{&y.partials, &o.partials},
		{&y.unknown, &o.unknown},
		{&y.sensitive, &o.sensitive},
	} {
		*n.to += *n.from
	}
	for _, n := range []struct{ to, from map[string]int }{{y.skipped, o.skipped}, {y.parts, o.parts}, {y.failed, o.failed}} {
		for k, v := range n.from {
			n.to[k] += v
		}
	}
}

// started is how many models there were.
func (y *restTally) started() int {
	n := y.models
	for _, k := range y.skipped {
		n += k
	}
	return n
}

func (y *restTally) print(t *testing.T) {
	list := func(m map[string]int) (s []string) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			s = append(s, fmt.Sprintf("%s %d", k, m[k]))
		}
		return s
	}
	t.Logf("%d models, %d events, %d sliding phases, %d rests, %d ended by an event", y.models, y.events, y.slides, y.rests, y.terminated)
	t.Logf("%d values and times, %d derivatives compared; near %d parameters the events change", y.values, y.partials, y.unknown)
	t.Logf("parts: %s", strings.Join(list(y.parts), ", "))
	t.Logf("%d models agree at tighter tolerances only", y.sensitive)
	t.Logf("skipped: %s", strings.Join(list(y.skipped), ", "))
	if len(y.failed) > 0 {
		t.Logf("failed: %s", strings.Join(list(y.failed), ", "))
	}
}

// compareRest runs a model and compares it with the reference. It returns the
// kind of what is wrong, and what it is.
func compareRest(tally *restTally, m *refModel, want *refRun, doubt float64, all bool, seed uint64) (kind, text string) {
	source := m.write() + fmt.Sprintf("simulate { until: %g, step: %g, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }\n", m.end, m.end/2)
	model, err := Parse("model.node", source)
	if err != nil {
		return "compile", err.Error()
	}
	for _, solver := range []string{"", "tsit5"} { // and with the tolerances of every day
		tol := 1e-8 + 10*doubt
		if solver != "" {
			tol = 1e-3
			if err := model.Set("simulate.solver", solver, "test"); err != nil {
				return "setting", err.Error()
			}
			if restNear(want, 1e-3) {
				continue // in which order these come depends on tolerances
			}
		}
		s, err := model.Simulate(context.Background(), SimulateOptions{Workers: 1})
		if err != nil {
			return "run", err.Error()
		}
		kind, text = restValues(tally, m, want, s, tol)
		if kind != "" && solver == "" && restConverges(tally, m, want, model, tol) {
			tally.sensitive++
			kind = ""
			break
		}
		if kind != "" {
			return kind + " " + solver, text
		}
	}
	model, err = Parse("model.node", source)
	if err != nil {
		return "compile", err.Error()
	}
	if kind, text = restPartials(tally, m, model, want, all, seed); kind != "" {
		return kind, text
	}
	if all || seed%4 == 0 {
		return restFit(tally, m, want, doubt)
	}
	return "", ""
}

// restConverges reports whether a run at tighter tolerances agrees: what was off then, as where a
// motion leaves its surface for a moment only, is that much more sensitive to the errors of steps.
func restConverges(tally *restTally, m *refModel, want *refRun, model *Model, tol float64) bool {
	if err := model.Set("simulate.solver", "dop853 { rtol: 1e-13, atol: 1e-14 }", "test"); err != nil {
		return false
	}
	s, err := model.Simulate(context.Background(), SimulateOptions{Workers: 1})
	if err != nil {
		return false
	}
	kind, _ := restValues(tally, m, want, s, tol)
	return kind == ""
}

// restFit has a fit predict the sum of all variables at the end, one more than
// what is measured, and looks at its loss and the gradients of it.
func restFit(tally *restTally, m *refModel, want *refRun, doubt float64) (kind, text string) {
	if want.finished || len(m.params) == 0 {
		return "", ""
	}
	dir, err := os.MkdirTemp("", "rest")
	if err != nil {
		return "folder", err.Error()
	}
	defer os.RemoveAll(dir)
	sum, names := 0., []string{}
	for i, v := range m.vars {
		sum += want.y[i]
		names = append(names, v.name)
	}
	csv := fmt.Sprintf("t,obs\n0,\n%g,%.17g\n", m.end, sum-1)
	if err := os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600); err != nil {
		return "folder", err.Error()
	}
	source := strings.TrimSuffix(m.write(), "}\n") + "  observe obs = " + strings.Join(names, " + ") + " ~ normal(1)\n}\n" +
		"data d from \"d.csv\" { time: t; obs: obs }\nfit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }\n"
	model, err := Parse(filepath.Join(dir, "m.node"), source)
	if err != nil {
		return "compile for a fit", err.Error()
	}
	f, err := model.NewFit(FitOptions{Workers: 1})
	if err != nil {
		return "fit", err.Error()
	}
	x, err := f.inner.Objective.Space.X0()
	if err != nil {
		return "fit", err.Error()
	}
	res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, nil)
	if err != nil {
		return "fit", err.Error()
	}
	tally.values++
	if due := 0.5 + math.Log(2*math.Pi)/2; !(math.Abs(res.Loss-due) <= 1e-7+10*float64(len(names))*doubt) {
		return "loss of a fit", fmt.Sprintf("%.12g, want %.12g", res.Loss, due)
	}
	cert, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
	if err != nil {
		return "certificate of a fit", err.Error()
	}
	tally.partials += cert.Compared * len(cert.Modes)
	if text := restCertified(cert); text != "" {
		return "gradients of a fit", text
	}
	return "", ""
}

// restCertified says where derivatives disagree with the differences of a
// certificate. The derivatives of what rests are 0, so that the scale of a
// target is 1 at least.
func restCertified(cert *Certificate) string {
	for _, target := range cert.Targets {
		scale := 1.
		none := func(row CertifiedPartial) bool { // a parameter that is exactly on a kink, where there is no derivative
			return row.Failed != "" || row.Doubtful != "" && math.IsNaN(row.Difference)
		}
		for _, row := range target.Rows {
			if !none(row) {
				scale = math.Max(scale, math.Abs(row.Difference))
			}
		}
		for _, row := range target.Rows {
			if none(row) {
				continue
			}
			for j, mode := range cert.Modes {
				off := math.Abs(row.Gradient[j] - row.Difference)
				if !(off <= 1e-6*scale+2*row.Uncertainty) || row.Uncertainty > 0.01*scale {
					return fmt.Sprintf("%s by %s, %s: %.9g, differences %.9g ± %.2g", target.Name, row.Name, mode, row.Gradient[j], row.Difference, row.Uncertainty)
				}
			}
		}
	}
	return ""
}

// restNear says whether events of different instants come this near.
func restNear(r *refRun, near float64) bool {
	for i := 1; i < len(r.log); i++ {
		if gap := r.log[i].t - r.log[i-1].t; gap > refTie && gap < near {
			return true
		}
	}
	return false
}

// events is the log of a trajectory without the lines of sliding.
func restEvents(tr *Trajectory) []Event {
	return slices.DeleteFunc(slices.Clone(tr.Events), func(e Event) bool { return strings.HasPrefix(e.Name, "slide") })
}

func restValues(tally *restTally, m *refModel, want *refRun, s *Simulation, tol float64) (kind, text string) {
	tr := s.Trajectories[0]
	var got []string
	events := restEvents(tr)
	for _, e := range events {
		got = append(got, fmt.Sprintf("%s %.9g", e.Name, e.Time))
	}
	var due []string
	for _, f := range want.log {
		due = append(due, fmt.Sprintf("%s %.9g", f.name, f.t))
	}
	story := fmt.Sprintf("%v, want %v", got, due)
	if len(events) != len(want.log) {
		return "number of events", story
	}
	for i, e := range events {
		if e.Name != want.log[i].name {
			return "order of events", story
		}
		tally.values++
		if math.Abs(e.Time-want.log[i].t) > tol {
			return "time of an event", fmt.Sprintf("%s is off by %g; %s", e.Name, e.Time-want.log[i].t, story)
		}
	}
	in, _ := slidingPhases(tr)
	for _, at := range want.pushed {
		tally.values++
		if !slices.ContainsFunc(in, func(x float64) bool { return math.Abs(x-at) <= tol }) {
			return "entry of sliding", fmt.Sprintf("%.9g is not among %.9g; %s", at, in, story)
		}
	}
	last := tr.Rows[len(tr.Rows)-1]
	for i, v := range m.vars {
		k := slices.Index(s.Columns, v.name)
		tally.values++
		if math.Abs(last[k]-want.y[i]) > tol*(1+math.Abs(want.y[i])) || math.IsNaN(last[k]) {
			return "value at the end", fmt.Sprintf("%s = %.12g, want %.12g; %s", v.name, last[k], want.y[i], story)
		}
	}
	return "", ""
}

// restPartials compares derivatives with those of the reference by
// differences: by one parameter, or by all.
func restPartials(tally *restTally, m *refModel, model *Model, want *refRun, all bool, seed uint64) (kind, text string) {
	if len(m.params) == 0 {
		return "", ""
	}
	cert, err := model.Certify(context.Background(), 1000)
	if err != nil {
		return "certificate", err.Error()
	}
	if text := restCertified(cert); text != "" {
		return "derivatives and differences", text
	}
	for k := range m.params {
		if !all && k != int(seed)%len(m.params) {
			continue
		}
		ends, times, doubt := restDifference(m, k, want)
		if ends == nil {
			tally.unknown++
			continue
		}
		name := fmt.Sprintf("p%d", k)
		for _, target := range cert.Targets {
			d := 0.
			if target.Event >= 0 {
				e := cert.Events[target.Event]
				i := slices.IndexFunc(want.log, func(f refFired) bool { return f.name == e.Name && math.Abs(f.t-e.Time) < 1e-6 })
				if i < 0 {
					continue // a line of sliding
				}
				d = times[i]
			} else {
				d = ends[m.index(strings.Fields(target.Name)[0])]
			}
			for _, row := range target.Rows {
				if row.Name != name {
					continue
				}
				for j, mode := range cert.Modes {
					tally.partials++
					if off := math.Abs(row.Gradient[j] - d); !(off <= 1e-5*(1+math.Abs(d))+10*doubt) {
						return "derivative", fmt.Sprintf("%s by %s, %s: %.9g, want %.9g", target.Name, name, mode, row.Gradient[j], d)
					}
				}
			}
		}
	}
	return "", ""
}

// restDifference has the derivatives of the ends and times of the reference by
// a parameter, and how well they are known; none where the events change.
func restDifference(m *refModel, k int, want *refRun) (ends, times []float64, doubt float64) {
	at := func(d float64) []float64 {
		p := slices.Clone(m.params)
		p[k] += d
		r, err := m.reference(p, restSteps)
		if err != nil || len(r.log) != len(want.log) || len(r.in) != len(want.in) || len(r.out) != len(want.out) {
			return nil
		}
		v := slices.Clone(r.y)
		for i, f := range r.log {
			if f.name != want.log[i].name {
				return nil
			}
			v = append(v, f.t)
		}
		return v
	}
	h := 1e-3 * math.Min(1, math.Max(0.05, math.Abs(m.params[k])))
	v := [][]float64{at(-2 * h), at(-h), at(h), at(2 * h)}
	for _, x := range v {
		if x == nil {
			return nil, nil, 0
		}
	}
	d := make([]float64, len(v[0]))
	for i := range d {
		near, far := (v[2][i]-v[1][i])/(2*h), (v[3][i]-v[0][i])/(4*h)
		d[i] = (4*near - far) / 3
		doubt = math.Max(doubt, math.Abs(near-far)/30)
		if math.Abs(near-far) > 2e-4*(1+math.Abs(near)) { // a kink: something meets the switch of a field beside
			return nil, nil, 0
		}
	}
	if doubt > 1e-3 {
		return nil, nil, 0
	}
	return d[:len(m.vars)], d[len(m.vars):], doubt
}
