package solvers

import (
	"math"
	"slices"
)

// Tableau is a one-step method whose dense output is linear in its stages.
//
// One stage of every tableau, the one that End tells, stands at the end of the step: its
// row of A is B, as far as B goes, and its C is 1. Explicit methods that are not published so
// (FSAL, first same as last) get that stage appended by hermite; it costs nothing because the
// next step starts with it. Stages behind it are for the dense output alone.
type Tableau struct {
	Family Family
	Name   string
	Doc    string // what it is good for, with its source
	Order  int
	FSAL   bool        // published with the last stage at the end of the step
	C      []float64   // nodes
	A      [][]float64 // row i has i entries, of an implicit method more
	B      []float64   // the last is zero, of the stage at the end
	E      []float64   // b − b̂; nil for a method without an error estimate

	// E2 is a second estimate, of lower order, that the first is divided by: see MeanError.
	E2 []float64

	// ErrOrder is the order of the embedded solution, or, with a second estimate, of the
	// one whose error would fall with the step as the quotient does.
	ErrOrder int

	// Between are weights of the stages for what the dense output of an implicit method is off by in
	// components whose rate at the start is far from that of the stages, as behind a switch that leaves
	// them to decay much faster than a step is long; nil: it does not read that rate so. See implicit.between.
	Between []float64

	// Orders are the methods that a run of this one changes between, from the lowest order to
	// the highest; nil: there is only this. See Reorder.
	Orders []*Tableau

	// Of a Rosenbrock method: γ, and of stage i the weights Couple[i][j] of the stages
	// before and Slope[i] of the derivative by time. See Rosenbrock.
	Gamma  float64
	Couple [][]float64
	Slope  []float64

	// Of a symplectic method, the states that each stage moves; nil: all.
	Parts []Part

	// Dense holds the interpolant y(t+θh) = y + h Σᵢ bᵢ(θ) kᵢ, with
	// bᵢ(θ) = Σⱼ Dense[i][j] θ^{j+1}.
	Dense      [][]float64
	DenseOrder int
}

// Family is how a method finds the stages kᵢ, of which the arguments are
// yᵢ = y₀ + h Σⱼ aᵢⱼkⱼ.
type Family uint8

const (
	// Explicit: kᵢ = f(t+cᵢh, yᵢ), one after the other.
	Explicit Family = iota

	// Rosenbrock: the first stage is f(t, y₀) and the last f at the end; each of those
	// between solves a linear system with the Jacobian J and the derivative by time at
	// (t, y₀),
	//
	//	(I − γhJ) kᵢ = γ (f(t+cᵢh, yᵢ) + Σⱼ Couple[i][j] kⱼ + Slope[i] h ∂f/∂t).
	//
	// These kᵢ are the uᵢ/h of E. Hairer, G. Wanner, Solving ODEs II, IV.7 (7.25), and
	// are not rates: their weights need not add up to 1.
	Rosenbrock

	// Implicit: kᵢ = f(t+cᵢh, yᵢ), where rows of A reach to the diagonal or beyond it, but
	// for the first stage, which is f at the start.
	Implicit
	// Symplectic: as Explicit, but that each stage between the first and the last has the
	// rates of one half of the states alone: see Tableau.Parts.
	Symplectic

	// Multistep: see BDF.
	Multistep

	// Stabilised: see RKC.
	Stabilised
)

// Stages is the number of stages, those at the end of the step and behind it included.
func (m *Tableau) Stages() int { return len(m.C) }

// End is the stage at the end of the step.
func (m *Tableau) End() int { return len(m.B) - 1 }

// Behind is the number of stages behind the end, for the dense output alone.
func (m *Tableau) Behind() int { return len(m.C) - len(m.B) }

// ReadsRates reports whether the derivative of a step reads its stages besides their
// arguments, where it is not by the length.
func (m *Tableau) ReadsRates() bool { return m.Family != Explicit && m.Family != Symplectic }

// Whole reports whether the steps of a method can be programs of the compiler.
func (m *Tableau) Whole() bool {
	return m.Family != Implicit && m.Family != Multistep && m.Family != Stabilised
}

// Solves reports whether the steps solve equations with the Jacobian.
func (m *Tableau) Solves() bool {
	return m.Family == Implicit || m.Family == Multistep || m.Family == Rosenbrock
}

// Repeats reports whether a step is a function of its start and its length alone, to the
// last bit: implicit methods begin with what they know of the steps before, and stabilised ones
// know the spectrum from there.
func (m *Tableau) Repeats() bool { return m.Whole() }

// StageTime is the time of stage i of a step of length h from t.
func (m *Tableau) StageTime(i int, t, h float64) float64 { return math.FMA(m.C[i], h, t) }

// Adaptive reports whether the method estimates its error.
func (m *Tableau) Adaptive() bool { return m.E != nil }

// hermite appends the stage at the end of the step to a method without one,
// and the cubic Hermite interpolant through both ends:
//
//	y(θ) = y₀ + h [ (θ−2θ²+θ³) f₀ + (3θ²−2θ³) Σ bᵢkᵢ + (θ³−θ²) f₁ ].
func hermite(m Tableau) *Tableau {
	if !m.FSAL {
		m.A = append(m.A, m.B)
		m.C = append(m.C, 1)
		m.B = append(append([]float64{}, m.B...), 0)
		if m.E != nil {
			m.E = append(append([]float64{}, m.E...), 0)
		}
	}
	s := m.Stages()
	m.Dense = make([][]float64, s)
	for i, b := range m.B {
		m.Dense[i] = []float64{0, 3 * b, -2 * b}
	}
	add := func(i int, p ...float64) {
		for j, v := range p {
			m.Dense[i][j] += v
		}
	}
	add(0, 1, -2, 1)
	add(s-1, 0, -1, 1)
	m.DenseOrder = min(m.Order, 3)
	return &m
}

// Weight is bᵢ(θ) and rate its derivative by θ.
func (m *Tableau) Weight(i int, theta float64) (b, rate float64) {
	p := m.Dense[i]
	for j := len(p) - 1; j >= 0; j-- {
		rate = rate*theta + float64(j+1)*p[j]
		b = (b + p[j]) * theta
	}
	return b, rate
}

// weight is what Weight gives of a stage.
type weight struct{ b, rate float64 }

// weightsAt are the weights of all stages of a method's dense output at places. Those at quarters, where events
// are looked for in every step, are known.
type weightsAt struct {
	tab      *Tableau
	quarters [5][]weight
	other    []weight
}

func newWeightsAt(tab *Tableau) *weightsAt {
	w := &weightsAt{tab: tab, other: make([]weight, tab.Stages())}
	for k := range w.quarters {
		w.quarters[k] = slices.Clone(w.set(float64(k) / 4))
	}
	return w
}

// of are the weights at θ, until they are asked for the next time.
func (w *weightsAt) of(theta float64) []weight {
	if k := 4 * theta; k >= 0 && k <= 4 && k == math.Trunc(k) {
		return w.quarters[int(k)]
	}
	return w.set(theta)
}

func (w *weightsAt) set(theta float64) []weight {
	for i := range w.other {
		w.other[i].b, w.other[i].rate = w.tab.Weight(i, theta)
	}
	return w.other
}

// value is the weight alone.
func (m *Tableau) value(i int, theta float64) (b float64) {
	p := m.Dense[i]
	for j := len(p) - 1; j >= 0; j-- {
		b = (b + p[j]) * theta
	}
	return b
}
