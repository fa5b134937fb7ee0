package fits

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Problem is a model file without a fit block, and where its data come from.
type Problem struct {
	Name  string
	Model string             // reads data.csv
	Truth map[string]float64 // parameters
	Make  func(t *Table)     // the data
}

// Problems are all of them.
var Problems = []*Problem{
	enzyme, tank, epidemic, circuit, ball, pendulum, glucose, room, neuron, loop, cascade,
	lagged, exchanger, reporting, inhibition, seasons, ladder, block, fridge, spring, valve,
	thrown, urease, capsule, cell, counterflow, flour, gears, cistern, mites, reactor, storeys, chain, fedbatch, coast, drone, cure,
}

// Table collects rows of data with noise.
type Table struct {
	rng    *rand.Rand
	header []string
	rows   [][]string
	truth  map[string]float64
	means  []float64 // of what is measured to train with, in standard deviations

	held  bool               // rows are of a trajectory that is held back
	sums  map[string]float64 // squares of what noise did to these
	count map[string]float64
}

// Data are the table of a problem, for a draw of the noise, and the root mean square of
// the noise of what is held back, by observation.
func (p *Problem) Data(draw uint64) (csv string, noise map[string]float64) {
	t := p.table(draw, p.Truth)
	var b strings.Builder
	b.WriteString(strings.Join(t.header, ",") + "\n")
	for _, r := range t.rows {
		b.WriteString(strings.Join(r, ",") + "\n")
	}
	noise = map[string]float64{}
	for name, sum := range t.sums {
		noise[name] = math.Sqrt(sum / t.count[name])
	}
	return b.String(), noise
}

// table has the data of a draw of the noise, for parameters.
func (p *Problem) table(draw uint64, truth map[string]float64) *Table {
	t := &Table{rng: rand.New(rand.NewPCG(draw, 77)), sums: map[string]float64{}, count: map[string]float64{}, truth: truth}
	p.Make(t)
	return t
}

// v is a parameter.
func (t *Table) v(name string) float64 {
	v, ok := t.truth[name]
	if !ok {
		panic("no parameter " + name)
	}
	return v
}

// columns names the columns.
func (t *Table) columns(names ...string) { t.header = names }

// add adds a row of numbers; not a number is an empty cell.
func (t *Table) add(values ...float64) {
	row := make([]string, len(values))
	for i, v := range values {
		if v == v {
			row[i] = fmt.Sprintf("%.6g", v)
		}
	}
	t.rows = append(t.rows, row)
}

// normal is a value measured with normal noise, lognormal with lognormal noise.
func (t *Table) normal(observation string, v, sd float64) float64 {
	t.mean(v / sd)
	return t.note(observation, v, v+sd*t.rng.NormFloat64())
}

func (t *Table) lognormal(observation string, v, sd float64) float64 {
	t.mean(math.Log(v) / sd)
	return t.note(observation, v, v*math.Exp(sd*t.rng.NormFloat64()))
}

// poisson is a count of mean v.
func (t *Table) poisson(observation string, v float64) float64 {
	n, p := 0., math.Exp(-math.Min(v, 500))
	if v > 500 {
		n = math.Round(v + math.Sqrt(v)*t.rng.NormFloat64())
	} else {
		for u := t.rng.Float64(); u > p; u *= t.rng.Float64() {
			n++
		}
	}
	return t.note(observation, v, n)
}

func (t *Table) mean(v float64) {
	if !t.held {
		t.means = append(t.means, v)
	}
}

func (t *Table) note(observation string, v, measured float64) float64 {
	if t.held {
		t.sums[observation] += (measured - v) * (measured - v)
		t.count[observation]++
	}
	return measured
}

// lost is v, or nothing with a probability.
func (t *Table) lost(v, probability float64) float64 {
	if t.rng.Float64() < probability {
		return math.NaN()
	}
	return v
}

// times are n uneven times from a to b.
func (t *Table) times(a, b float64, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = a + (b-a)*(float64(i)+0.8*t.rng.Float64())/float64(n)
	}
	return list
}

// path integrates y' = f(t, y) in steps of h at most, from one call to the next.
type path struct {
	f func(t float64, y []float64) []float64
	t float64
	y []float64
	h float64
}

// to goes on to a time, by the classical method of Runge and Kutta.
func (p *path) to(end float64) []float64 {
	n := math.Ceil((end - p.t) / p.h)
	h := (end - p.t) / n
	for range int(n) {
		step := func(k []float64, c float64) []float64 {
			z := append([]float64{}, p.y...)
			for i := range k {
				z[i] += c * k[i]
			}
			return z
		}
		a := p.f(p.t, p.y)
		b := p.f(p.t+h/2, step(a, h/2))
		c := p.f(p.t+h/2, step(b, h/2))
		d := p.f(p.t+h, step(c, h))
		for i := range p.y {
			p.y[i] += h / 6 * (a[i] + 2*b[i] + 2*c[i] + d[i])
		}
		p.t += h
	}
	p.t = end
	return p.y
}
