package solvers

// Symplectic methods for separable Hamiltonian systems q' = ∂T/∂p (p), p' = −∂V/∂q (q, t):
// compositions of kicks, which move the momenta by their rates, and drifts, which move the
// positions. E. Hairer, Ch. Lubich, G. Wanner, Geometric Numerical Integration, 2nd ed., I.1
// and V.3.

// Part is which of the states a stage moves.
type Part uint8

const (
	Whole Part = iota // all
	Kick              // the momenta
	Drift             // the positions
)

// composition are kicks and drifts in turns, a kick first. Each is a stage, of which the rates
// of the other states count as zero; the time is that of the positions.
func composition(m Tableau, kicks, drifts []float64) *Tableau {
	m.Family = Symplectic
	m.C, m.A, m.B, m.Parts = []float64{0}, [][]float64{{}}, []float64{0}, []Part{Whole}
	at := 0.
	add := func(w float64, part Part) {
		m.C, m.A, m.Parts = append(m.C, at), append(m.A, append([]float64{}, m.B...)), append(m.Parts, part)
		m.B = append(m.B, w)
		if part == Drift {
			at += w
		}
	}
	for i, w := range kicks {
		add(w, Kick)
		if i < len(drifts) {
			add(drifts[i], Drift)
		}
	}
	m.Parts = append(m.Parts, Whole)
	return hermite(m)
}

// verlets is the composition of steps of the Verlet method of such lengths.
func verlets(m Tableau, w ...float64) *Tableau {
	kicks := make([]float64, len(w)+1)
	for i, v := range w {
		kicks[i] += v / 2
		kicks[i+1] += v / 2
	}
	return composition(m, kicks, w)
}

// SymplecticEuler kicks first: p₁ = p₀ + hF(q₀), q₁ = q₀ + hv(p₁).
//
// R. de Vogelaere, Report 4, Dept. of Mathematics, Univ. of Notre Dame, 1956.
var SymplecticEuler = composition(Tableau{
	Name: "symplectic_euler", Order: 1,
	Doc: "symplectic Euler, fixed step; for separable Hamiltonian systems",
}, []float64{1}, []float64{1})

// Verlet is the Störmer–Verlet or leapfrog method in its velocity form.
//
// L. Verlet, Phys. Rev. 159, 98–103, 1967.
var Verlet = verlets(Tableau{
	Name: "verlet", Order: 2,
	Doc: "Störmer–Verlet, fixed step; for separable Hamiltonian systems",
}, 1)

// Yoshida4 is the triple jump, with w₁ = 1/(2 − ∛2) and w₀ = 1 − 2w₁.
//
// H. Yoshida, Phys. Lett. A 150, 262–268, 1990.
var Yoshida4 = verlets(Tableau{
	Name: "yoshida4", Order: 4,
	Doc: "Yoshida of order 4, fixed step; for separable Hamiltonian systems",
}, 1.35120719195965763405, -1.70241438391931526810, 1.35120719195965763405)

// Yoshida6 is solution A of order six.
//
// H. Yoshida, Phys. Lett. A 150, 262–268, 1990, table 1.
var Yoshida6 = verlets(Tableau{
	Name: "yoshida6", Order: 6,
	Doc: "Yoshida of order 6, fixed step; for separable Hamiltonian systems",
}, .78451361047755726382, .23557321335935813368, -1.17767998417887100695, 1.31518632068391121888,
	-1.17767998417887100695, .23557321335935813368, .78451361047755726382)

// keep sets to zero what a part does not move, in a system with such momenta.
func (p Part) keep(v []float64, momenta []bool) {
	if p == Whole {
		return
	}
	for i, momentum := range momenta {
		if momentum != (p == Kick) {
			v[i] = 0
		}
	}
}

// part is that of stage i.
func (m *Tableau) part(i int) Part {
	if m.Parts == nil {
		return Whole
	}
	return m.Parts[i]
}
