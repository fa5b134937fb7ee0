package solvers

import (
	"math"

	"github.com/pinode/pinode/internal/kernel"
)

// RKC is the method of Runge, Kutta and Chebyshev of order 2: as many stages as it takes for
// the region of stability to reach over the spectrum of the Jacobian, which lies along the negative
// real axis where a model diffuses. The reach grows with the square of their number, and no
// equations are solved. With the stages Yⱼ = y₀ + hDⱼ and Fⱼ = f(t+cⱼh, Yⱼ),
//
//	D₁ = μ̃₁F₀, Dⱼ = μⱼDⱼ₋₁ + νⱼDⱼ₋₂ + μ̃ⱼFⱼ₋₁ + γ̃ⱼF₀.
//
// B.P. Sommeijer, L.F. Shampine, J.G. Verwer, J. Comput. Appl. Math. 88, 315–326, 1998.
//
// To others it has three stages: the rates at both ends, and the mean rate between, the last
// of the D. The first number of that one's argument, which has no other meaning, is how many
// the method took.
var RKC = rkc(Tableau{
	Name: "rkc", Family: Stabilised, Order: 2, ErrOrder: 2, DenseOrder: 2,
	Doc: "Runge–Kutta–Chebyshev of order 2, stabilised explicit, adaptive; for diffusion, of many states",
})

func rkc(m Tableau) *Tableau {
	m.C, m.A, m.B = []float64{0, 0, 1}, [][]float64{{}, {0}, {0, 1}}, []float64{0, 1, 0}
	m.E = []float64{0.4, -0.8, 0.4}
	m.Dense = [][]float64{{1, -2, 1}, {0, 3, -2}, {0, -1, 1}}
	return &m
}

const (
	damping     = 2. / 13 // of the polynomial of stability, so that its values stay below 1
	reachOfRKC  = 1.54    // s stages reach over (s − 1)²/1.54 at least, in h times the spectral radius
	steadyRKC   = 25      // steps from an estimate of the spectral radius to the next
	safeRadius  = 1.2     // times what the power method comes to
	mostPowers  = 50      // iterations of that
	radiusExact = 0.01    // how far it is taken
	mostRKC     = 2000    // stages
)

// chebyshev are the coefficients of the method of so many stages.
type chebyshev struct{ mu, nu, own, first, c []float64 }

// newChebyshev has, with T the polynomials of Chebyshev at w₀,
//
//	bⱼ = T″ⱼ/T′ⱼ², aⱼ = 1 − bⱼTⱼ, μⱼ = 2bⱼw₀/bⱼ₋₁, νⱼ = −bⱼ/bⱼ₋₂, μ̃ⱼ = 2bⱼw₁/bⱼ₋₁, γ̃ⱼ = −aⱼ₋₁μ̃ⱼ.
func newChebyshev(s int) *chebyshev {
	w0 := 1 + damping/float64(s*s)
	t, d, dd := make([]float64, s+1), make([]float64, s+1), make([]float64, s+1)
	t[0], t[1], d[1] = 1, w0, 1
	for j := 2; j <= s; j++ {
		t[j] = 2*w0*t[j-1] - t[j-2]
		d[j] = 2*t[j-1] + 2*w0*d[j-1] - d[j-2]
		dd[j] = 4*d[j-1] + 2*w0*dd[j-1] - dd[j-2]
	}
	w1 := d[s] / dd[s]
	b := make([]float64, s+1)
	for j := 2; j <= s; j++ {
		b[j] = dd[j] / (d[j] * d[j])
	}
	b[0], b[1] = b[2], b[2]
	k := &chebyshev{make([]float64, s+1), make([]float64, s+1), make([]float64, s+1), make([]float64, s+1), make([]float64, s+1)}
	k.own[1] = b[1] * w1
	k.c[1] = k.own[1]
	for j := 2; j <= s; j++ {
		k.mu[j], k.nu[j], k.own[j] = 2*b[j]*w0/b[j-1], -b[j]/b[j-2], 2*b[j]*w1/b[j-1]
		k.first[j] = -(1 - b[j-1]*t[j-1]) * k.own[j]
		k.c[j] = k.mu[j]*k.c[j-1] + k.nu[j]*k.c[j-2] + k.own[j] + k.first[j]
	}
	return k
}

// stabilised takes the steps of RKC.
type stabilised struct {
	*Stepper
	accuracy
	by map[int]*chebyshev

	radius float64 // of the spectrum; 0: there is no estimate
	since  int     // steps from the estimate
	from   float64 // the start of the last step
	least  int     // stages of a step from there
	failed bool    // there is no step of this length

	d, dDot         [3][]float64 // the last Dⱼ, and their tangents
	all             [][]float64  // all of them
	y, f, yDot, bar []float64    // room
	dBar            [3][]float64
	firstBar        []float64
	v, scale        []float64 // a direction in the scales of the states
	draws           uint64
}

func newStabilised(s *Stepper) *stabilised {
	m := &stabilised{Stepper: s, by: map[int]*chebyshev{}, from: math.NaN()}
	for i := range m.d {
		m.d[i], m.dDot[i], m.dBar[i] = make([]float64, s.n), make([]float64, s.n), make([]float64, s.n)
	}
	for _, v := range []*[]float64{&m.y, &m.f, &m.yDot, &m.bar, &m.firstBar, &m.v, &m.scale} {
		*v = make([]float64, s.n)
	}
	return m
}

func (m *stabilised) coefficients(s int) *chebyshev {
	if m.by[s] == nil {
		m.by[s] = newChebyshev(s)
	}
	return m.by[s]
}

// most is how many stages a step may have: round-off grows with the square of their number.
func (m *stabilised) most() int {
	if m.count == 0 {
		return mostRKC
	}
	return int(min(max(math.Sqrt(m.rtol/(10*0x1p-52)), 2), mostRKC))
}

// step takes a step of length H.
func (m *stabilised) step(sys System) {
	again := m.T == m.from && !m.blk.Fresh
	switch {
	case m.blk.Fresh || m.radius == 0 || m.since >= steadyRKC || again && m.since > 0:
		m.estimate(sys)
		m.since = 0
	case !again:
		m.since++
	}
	if m.blk.Fresh = false; !again {
		m.least = 2
	}
	// A step from the same start keeps its stages, so that the solution is a smooth function of
	// its length.
	m.from, m.least = m.T, max(m.least, 1+int(math.Sqrt(1+reachOfRKC*math.Abs(m.H)*m.radius)))
	if m.failed = !(m.least <= m.most()); m.failed {
		return
	}
	if m.n > 0 {
		m.Y[1][0] = float64(m.least)
	}
	m.stages(sys, m.least, func(int, float64, []float64, []float64) {})
	combine(m.Y[2], m.Y[0], m.H, m.tab.A[2], m.K)
	sys.RHS(m.T+m.H, m.Y[2], m.K[2])
}

// stages takes s stages, the last of which it leaves in K[1], and tells look of each but the
// last, with its time, its D and its argument.
func (m *stabilised) stages(sys System, s int, look func(j int, t float64, d, y []float64)) {
	k, f0 := m.coefficients(s), m.K[0]
	for j := 1; j <= s; j++ {
		d := m.d[j%3]
		if j == s {
			d = m.K[1]
		}
		m.combination(d, m.d[(j+2)%3], m.d[(j+1)%3], m.f, f0, k, j)
		if j == s {
			return
		}
		m.argument(d)
		t := math.FMA(k.c[j], m.H, m.T)
		look(j, t, d, m.y)
		sys.RHS(t, m.y, m.f)
	}
}

// combination sets d to stage j of those before, of its rate and that at the start.
func (m *stabilised) combination(d, last, before, f, f0 []float64, k *chebyshev, j int) {
	rows, weights := [...][]float64{f0, f, last, before}, [...]float64{k.first[j], k.own[j], k.mu[j], k.nu[j]}
	n := min(j+1, 4) // D₀ is zero
	if j == 1 {
		weights[0], n = k.own[1], 1
	}
	for from := 0; from < len(d); from += piece {
		weigh(d[from:min(from+piece, len(d))], weights[:n], rows[:], from)
	}
}

// argument sets y to that of a stage.
func (m *stabilised) argument(d []float64) {
	for from := 0; from < len(d); from += piece {
		to := min(from+piece, len(d))
		copy(m.y[from:to], d[from:to])
		kernel.ScaleAdd(m.y[from:to], m.H, m.Y[0][from:])
	}
}

// lengthen bounds the factor of the next length, so that the stages suffice.
func (m *stabilised) lengthen(factor float64) float64 {
	most := float64(m.most() - 2)
	return min(factor, most*most/(reachOfRKC*math.Abs(m.H)*m.radius))
}

// estimate estimates the spectral radius at the start of the step, by the power method along
// differences of the right-hand side, in the scales of the states.
func (m *stabilised) estimate(sys System) {
	y0, f0 := m.Y[0], m.K[0]
	share := 0.1
	if m.radius == 0 {
		share = 1
	}
	norm := 0.
	for l, y := range y0 {
		m.scale[l] = max(math.Abs(y), m.leastScale(l))
		m.draws = m.draws*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
		m.v[l] += share * (float64(m.draws>>33)*0x1p-30 - 1) / math.Sqrt(float64(m.n))
		norm = math.FMA(m.v[l], m.v[l], norm)
	}
	const delta = 0x1p-23
	radius := 0.
	for range mostPowers {
		size := delta / math.Sqrt(norm)
		for l, v := range m.v {
			m.y[l] = math.FMA(size*m.scale[l], v, y0[l])
		}
		sys.RHS(m.T, m.y, m.f)
		norm = 0
		for l, f := range m.f {
			w := (f - f0[l]) / (delta * m.scale[l])
			m.v[l] = w
			norm = math.FMA(w, w, norm)
		}
		before := radius
		radius = math.Sqrt(norm)
		if !(radius < math.MaxFloat64) || radius == 0 {
			break
		}
		if math.Abs(radius-before) <= radiusExact*radius {
			break
		}
	}
	if m.radius = safeRadius * radius; radius > 0 && radius < math.MaxFloat64 {
		for l := range m.v {
			m.v[l] /= radius
		}
		return
	}
	clear(m.v)
	m.radius = 0x1p-1000 // nothing moves, or the step has something to say itself
}

// leastScale is what a state is measured in where it is small.
func (m *stabilised) leastScale(l int) float64 {
	if m.rtol > 0 {
		return m.absolute(l, m.atol) / m.rtol
	}
	return m.absolute(l, 1e-2)
}

// stabilisedAdjoint has what the reverse derivative of such a step needs: its stages are
// taken again.
type stabilisedAdjoint interface {
	System
	Adjoint
}

// taken is how many stages the step had that stands in the stepper.
func (m *stabilised) taken() int {
	if m.n == 0 {
		return 2
	}
	return int(m.Y[1][0])
}

// vjp is the reverse derivative of the step: of all of its stages.
func (m *stabilised) vjp(sys stabilisedAdjoint, y1Bar, yBar []float64) (tBar, hBar float64) {
	for i := range m.kBar {
		if !m.seeded[i] {
			clear(m.kBar[i])
		}
	}
	s := m.taken()
	for len(m.all) < s {
		m.all = append(m.all, make([]float64, m.n))
	}
	copy(m.bar, y1Bar)
	tau := sys.RHSVJP(m.T+m.H, m.Y[2], m.kBar[2], m.bar)
	tBar, hBar = tau, tau+dot(m.bar, m.K[1])
	m.stages(sys, s, func(j int, _ float64, d, _ []float64) { copy(m.all[j], d) })
	k := m.coefficients(s)
	at := func(j int) []float64 { return m.dBar[j%3] }
	for i := range m.dBar {
		clear(m.dBar[i])
	}
	copy(m.firstBar, m.kBar[0])
	copy(at(s), m.kBar[1])
	kernel.AddScaled(at(s), m.H, m.bar)
	kernel.AddScaled(yBar, 1, m.bar)
	for j := s; j >= 2; j-- {
		d := at(j)
		kernel.AddScaled(m.firstBar, k.first[j], d)
		kernel.AddScaled(at(j-1), k.mu[j], d)
		if j > 2 {
			kernel.AddScaled(at(j-2), k.nu[j], d)
		}
		for l, x := range d {
			m.f[l] = k.own[j] * x
		}
		m.argument(m.all[j-1])
		clear(m.bar)
		tau := sys.RHSVJP(math.FMA(k.c[j-1], m.H, m.T), m.y, m.f, m.bar)
		tBar += tau
		hBar = math.FMA(k.c[j-1], tau, hBar+dot(m.bar, m.all[j-1]))
		kernel.AddScaled(at(j-1), m.H, m.bar)
		kernel.AddScaled(yBar, 1, m.bar)
		clear(d)
	}
	kernel.AddScaled(m.firstBar, k.own[1], at(1))
	tBar += sys.RHSVJP(m.T, m.Y[0], m.firstBar, yBar)
	for i := range m.kBar {
		clear(m.kBar[i])
		m.seeded[i] = false
	}
	return tBar, hBar
}

// stabilisedTangent has what the forward derivative needs.
type stabilisedTangent interface {
	System
	Tangent
}

// jvp is the forward derivative of the step.
func (m *stabilised) jvp(sys stabilisedTangent, yDot, y1Dot []float64) {
	s := m.taken()
	k, first := m.coefficients(s), m.kDot[0]
	sys.RHSJVP(m.T, m.tDot, m.Y[0], yDot, first)
	m.combination(m.dDot[1], nil, nil, nil, first, k, 1)
	m.stages(sys, s, func(j int, t float64, d, y []float64) {
		dot := m.dDot[j%3]
		for l, v := range dot {
			m.yDot[l] = math.FMA(m.hDot, d[l], math.FMA(m.H, v, yDot[l]))
		}
		sys.RHSJVP(t, math.FMA(k.c[j], m.hDot, m.tDot), y, m.yDot, m.bar)
		m.combination(m.dDot[(j+1)%3], dot, m.dDot[(j+2)%3], m.bar, first, k, j+1)
	})
	copy(m.kDot[1], m.dDot[s%3])
	for l, v := range m.kDot[1] {
		y1Dot[l] = math.FMA(m.hDot, m.K[1][l], math.FMA(m.H, v, yDot[l]))
	}
	sys.RHSJVP(m.T+m.H, m.tDot+m.hDot, m.Y[2], y1Dot, m.kDot[2])
}
