package solvers

import "math"

// Rosenbrock methods, in the form without products by the Jacobian: E. Hairer, G. Wanner,
// Solving ODEs II, 2nd ed., IV.7.

// uForm are the published coefficients of a Rosenbrock method of s stages uᵢ: rows of a
// and c have the weights of the stages before, m and e those of the solution and of its
// error. The dense output is y₀ + θ(y₁ − y₀) + (1−θ) Σₖ θᵏ⁺¹ Σᵢ dense[k][i] uᵢ.
type uForm struct {
	gamma float64
	nodes []float64   // αᵢ
	slope []float64   // γᵢ
	a, c  [][]float64 // row i has i entries
	m, e  []float64
	dense [][]float64
}

// tableau adds the stages at both ends of the step.
func (u *uForm) tableau(m Tableau) *Tableau {
	behind := func(row []float64) []float64 { return append([]float64{0}, row...) }
	m.Family, m.Gamma = Rosenbrock, u.gamma
	m.C = append(behind(u.nodes), 1)
	m.Slope = append(behind(u.slope), 0)
	m.A, m.Couple = [][]float64{{}}, [][]float64{{}}
	for i := range u.a {
		m.A, m.Couple = append(m.A, behind(u.a[i])), append(m.Couple, behind(u.c[i]))
	}
	m.A, m.Couple = append(m.A, behind(u.m)), append(m.Couple, nil)
	m.B, m.E = append(behind(u.m), 0), append(behind(u.e), 0)
	m.Dense = make([][]float64, len(m.C))
	for i := range m.Dense {
		p := make([]float64, len(u.dense)+2)
		p[0] = m.B[i]
		if 0 < i && i <= len(u.m) {
			for k, row := range u.dense { // θᵏ⁺¹ − θᵏ⁺²
				p[k] += row[i-1]
				p[k+1] -= row[i-1]
			}
		}
		m.Dense[i] = p[:len(u.dense)+1]
	}
	return &m
}

// Rosenbrock23 is the pair of ode23s: of order two with an error estimate of order three
// and an interpolant of order two, L-stable.
//
// L.F. Shampine, M.W. Reichelt, SIAM J. Sci. Comput. 18(1), 1–22, 1997. With their kᵢ the
// stages here are γk₁, γ(k₂ − k₁) and γ(k₃ − (6+√2)(k₂ − k₁) − 2k₁), so that each
// right-hand side has the field at one place.
var Rosenbrock23 = rosenbrock23()

func rosenbrock23() *Tableau {
	g := 1 / (2 + math.Sqrt2)
	w := 6 + math.Sqrt2
	u := uForm{
		gamma: g,
		nodes: []float64{0, 1. / 2, 1},
		slope: []float64{g, 0, -g},
		a:     [][]float64{{}, {1 / (2 * g)}, {1 / g, 1 / g}},
		c:     [][]float64{{}, {-1 / g}, {-2 / g, -w / g}},
		m:     []float64{1 / g, 1 / g, 0},
		e:     []float64{1 / (6 * g), (w - 2) / (6 * g), 1 / (6 * g)},
		// θ(θ−2γ)/(1−2γ) k₂ + θ(1−θ)/(1−2γ) k₁
		dense: [][]float64{{0, -1 / (g * (1 - 2*g)), 0}},
	}
	return u.tableau(Tableau{
		Name: "rosenbrock23", Order: 2, ErrOrder: 2, DenseOrder: 2,
		Doc: "Rosenbrock 2(3) of Shampine and Reichelt, adaptive; for stiff models at loose tolerances",
	})
}

// Rodas4 is the pair RODAS 4(3): 6 stages, stiffly accurate, L-stable, with an
// interpolant of order three.
//
// E. Hairer, G. Wanner, Solving ODEs II, 2nd ed., IV.7 (7.26) and VI.4.
var Rodas4 = (&uForm{
	gamma: 1. / 4,
	nodes: []float64{0, 0.386, 0.21, 0.63, 1, 1},
	slope: []float64{0.25, -0.1043, 0.1035, -0.0362, 0, 0},
	a: [][]float64{
		{},
		{1.544},
		{0.9466785280815826, 0.2557011698983284},
		{3.314825187068521, 2.896124015972201, 0.9986419139977817},
		{1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895},
		{1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1},
	},
	c: [][]float64{
		{},
		{-5.6688},
		{-2.430093356833875, -0.2063599157091915},
		{-0.1073529058151375, -9.594562251023355, -20.47028614809616},
		{7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616},
		{8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054},
	},
	m: []float64{1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1, 1},
	e: []float64{0, 0, 0, 0, 0, 1},
	dense: [][]float64{
		{10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0},
		{-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0},
	},
}).tableau(Tableau{
	Name: "rodas4", Order: 4, ErrOrder: 3, DenseOrder: 3,
	Doc: "Rosenbrock 4(3) of Hairer and Wanner, adaptive; for stiff models",
})

// Rodas5P is the pair RODAS5P 5(4): 8 stages, stiffly accurate, L-stable, with an
// interpolant of order four, of coefficients that keep the order for parabolic problems
// and algebraic equations.
//
// G. Steinebach, Construction of Rosenbrock–Wanner method Rodas5P and numerical
// benchmarks within the Julia Differential Equations package, BIT 63, 27, 2023.
var Rodas5P = (&uForm{
	gamma: 0.21193756319429014,
	nodes: []float64{0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1, 1, 1},
	slope: []float64{0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069, 0, 0, 0},
	a: [][]float64{
		{},
		{3},
		{2.849394379747939, 0.45842242204463923},
		{-6.954028509809101, 2.489845061869568, -10.358996098473584},
		{2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641},
		{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946},
		{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1},
		{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1, 1},
	},
	c: [][]float64{
		{},
		{-14.155112264123755},
		{-17.97296035885952, -2.859693295451294},
		{147.12150275711716, -1.41221402718213, 71.68940251302358},
		{165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306},
		{24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471},
		{30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623, -28.087943162872662},
		{37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002, -54.66780262877968, -9.48861652309627},
	},
	m: []float64{-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1, 1, 1},
	e: []float64{0, 0, 0, 0, 0, 0, 0, 1},
	dense: [][]float64{
		{25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204, 0.524948541321073, 1.1241088310450404, 0.4272876194431874, -0.17202221070155493},
		{-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796, 20.176138334709044, 15.98066361424651, -6.789040303419874, -6.710236069923372},
		{11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643, -52.072871366152654, -59.78993625266729, -0.15582684282751913, 4.883087185713722},
	},
}).tableau(Tableau{
	Name: "rodas5p", Order: 5, ErrOrder: 4, DenseOrder: 4,
	Doc: "Rosenbrock 5(4) of Steinebach, adaptive; the usual choice for stiff models",
})
