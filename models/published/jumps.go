package published

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode"
)

// process is a stochastic differential equation that is seen now and then, with what is
// known of it: the conditional mean a gap later.
type process struct {
	name  string
	start float64
	step  func(r *rand.Rand, s []float64) // a step of 0.01, by Euler's method; s[0] is what is seen
	state []float64                       // at the start, what is not seen behind
	mean  func(x float64, steps int) float64

	bar    float64 // to beat: by how much the loss of the network exceeds the least one
	theirs string
	truth  map[string]float64 // parameters of the drift that these data tell to a percent
}

const jumpSteps = 100

// root is √0.01, by which the noise of a step is scaled.
const root = 0.1

var processes = []process{
	{
		name: "black_scholes", start: 1, state: []float64{1}, bar: 0.04, theirs: "0.043",
		step:  func(r *rand.Rand, s []float64) { s[0] += 0.02*s[0] + 0.3*root*s[0]*r.NormFloat64() },
		mean:  func(x float64, n int) float64 { return x * math.Pow(1.02, float64(n)) },
		truth: map[string]float64{"μ": 2},
	},
	{
		name: "ornstein_uhlenbeck", start: 1, state: []float64{1}, bar: 0.10, theirs: "0.121",
		step:  func(r *rand.Rand, s []float64) { s[0] += 0.02*(4-s[0]) + 0.3*root*r.NormFloat64() },
		mean:  func(x float64, n int) float64 { return 4 + (x-4)*math.Pow(0.98, float64(n)) },
		truth: map[string]float64{"κ": 2, "θ": 4},
	},
	{
		name: "heston", start: 1, state: []float64{1, 0.09}, bar: 0.04,
		step: func(r *rand.Rand, s []float64) {
			w, v := r.NormFloat64(), math.Sqrt(math.Max(s[1], 0))
			z := 0.5*w + math.Sqrt(0.75)*r.NormFloat64()
			s[0] += 0.002*s[0] + v*root*s[0]*w
			s[1] += 0.02*(0.09-s[1]) + 0.3*v*root*z
		},
		mean: func(x float64, n int) float64 { return x * math.Pow(1.002, float64(n)) },
	},
}

// paths draws n paths, each seen at its start and at a tenth of the steps behind, and the
// least loss of a prediction of what is seen next: that of the conditional mean.
func (p *process) paths(r *rand.Rand, n int) (rows [][]float64, least float64) {
	for id := range n {
		s := append([]float64(nil), p.state...)
		var own [][]float64
		sum, last, at := 0., p.start, 0
		for k := 1; k <= jumpSteps; k++ {
			p.step(r, s)
			if r.Float64() >= 0.1 {
				continue
			}
			sum += sq(s[0] - p.mean(last, k-at))
			last, at = s[0], k
			own = append(own, []float64{float64(id), float64(k) / jumpSteps, s[0]})
		}
		for _, row := range own {
			rows = append(rows, append(row, float64(len(own))))
		}
		if len(own) > 0 {
			least += sum / float64(len(own))
		}
	}
	return rows, least / float64(n)
}

// neuralJumps predicts what is seen next, by a network that moves between what is seen, and
// by the form of the drift with parameters.
func neuralJumps(s *study) error {
	train, held := 16000, 4000
	if s.quick {
		train, held = 200, 100
	}
	for i := range processes {
		p := &processes[i]
		r := noise("jumps "+p.name, 1)
		names := []string{"id", "t", "x", "n"}
		rows, _ := p.paths(r, train)
		if err := s.table(p.name+".csv", names, rows); err != nil {
			return err
		}
		rows, least := p.paths(r, held)
		if err := s.table(p.name+"_held.csv", names, rows); err != nil {
			return err
		}
		if err := p.learn(s, rows, float64(held), least); err != nil {
			return err
		}
	}
	return nil
}

// learn fits both models of a process and measures them on held-back rows.
func (p *process) learn(s *study, held [][]float64, n, least float64) error {
	data := func(m *pinode.Model, file string) error { return m.SetData("paths", s.path(p.name+file+".csv")) }
	excess := func(f *pinode.Fit, name string) (float64, error) {
		m, err := s.model(name)
		if err != nil {
			return 0, err
		}
		if err := data(m, "_held"); err != nil {
			return 0, err
		}
		run, err := m.Simulate(s.ctx, pinode.SimulateOptions{At: f, Rows: true})
		if err != nil {
			return 0, err
		}
		sum, guess := 0., run.Column("guess")
		if len(guess) != 3*len(held) { // before a jump, behind it, and the row itself
			return 0, fmt.Errorf("%d rows of a simulation, and %d of the data", len(guess), len(held))
		}
		for k, row := range held {
			sum += sq(guess[3*k+2]-row[2]) / row[3]
		}
		return sum/n/least - 1, nil
	}
	for _, kind := range []string{"network", "drift"} {
		name := "network"
		if kind == "drift" {
			name = map[string]string{"black_scholes": "growth", "heston": "growth", "ornstein_uhlenbeck": "reversion"}[p.name]
		}
		var less []setting
		if kind == "network" {
			less = s.quickly(setting{"fit.optimizer.epochs", "1"})
		}
		m, err := s.model(name, less...)
		if err != nil {
			return err
		}
		if err := data(m, ""); err != nil {
			return err
		}
		f, err := m.Fit(s.ctx, pinode.FitOptions{Seed: 1})
		if err != nil {
			return err
		}
		e, err := excess(f, name)
		if err != nil {
			return err
		}
		s.say("%s, %s: %.4g above the least loss of %.5g", p.name, kind, e, least)
		if kind == "network" {
			s.measured(p.name+", network: excess of the loss over the least one of the same paths", p.theirs, p.bar, e)
			continue
		}
		s.measured(p.name+", form of the drift: excess", "", 0.005, e)
		for name, v := range p.truth {
			s.measured(p.name+", "+name+": relative error", "", 0.01, math.Abs(f.Params[name].Value/v-1))
		}
	}
	return nil
}
