package solvers

// Explicit Runge–Kutta methods.

// Euler is the explicit Euler method.
//
// L. Euler, Institutionum calculi integralis I, 1768, §650.
var Euler = hermite(Tableau{
	Name: "euler", Order: 1,
	Doc: "explicit Euler, fixed step; for models that are defined by it",
	C:   []float64{0},
	A:   [][]float64{{}},
	B:   []float64{1},
})

// Heun is the explicit trapezoidal rule.
//
// K. Heun, Z. Math. Phys. 45, 23–38, 1900.
var Heun = hermite(Tableau{
	Name: "heun", Order: 2,
	Doc: "explicit trapezoidal rule, fixed step",
	C:   []float64{0, 1},
	A:   [][]float64{{}, {1}},
	B:   []float64{1. / 2, 1. / 2},
})

// Midpoint is the explicit midpoint rule.
//
// C. Runge, Math. Ann. 46, 167–178, 1895.
var Midpoint = hermite(Tableau{
	Name: "midpoint", Order: 2,
	Doc: "explicit midpoint rule, fixed step",
	C:   []float64{0, 1. / 2},
	A:   [][]float64{{}, {1. / 2}},
	B:   []float64{0, 1},
})

// Ralston is the method of order two whose bound of the local error is least.
//
// A. Ralston, Math. Comp. 16, 431–437, 1962.
var Ralston = hermite(Tableau{
	Name: "ralston", Order: 2,
	Doc: "Ralston's method of order two, fixed step",
	C:   []float64{0, 2. / 3},
	A:   [][]float64{{}, {2. / 3}},
	B:   []float64{1. / 4, 3. / 4},
})

// RK4 is the classical method of order four.
//
// W. Kutta, Z. Math. Phys. 46, 435–453, 1901.
var RK4 = hermite(Tableau{
	Name: "rk4", Order: 4,
	Doc: "classical Runge–Kutta, fixed step",
	C:   []float64{0, 1. / 2, 1. / 2, 1},
	A:   [][]float64{{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}},
	B:   []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6},
})

// Bosh32 is the Bogacki–Shampine 3(2) pair: 4 stages, FSAL.
//
// P. Bogacki, L.F. Shampine, Appl. Math. Lett. 2(4), 321–325, 1989.
var Bosh32 = hermite(Tableau{
	Name: "bosh32", Order: 3, ErrOrder: 2, FSAL: true,
	Doc: "Bogacki–Shampine 3(2), adaptive; for loose tolerances",
	C:   []float64{0, 1. / 2, 3. / 4, 1},
	A:   [][]float64{{}, {1. / 2}, {0, 3. / 4}, {2. / 9, 1. / 3, 4. / 9}},
	B:   []float64{2. / 9, 1. / 3, 4. / 9, 0},
	E:   []float64{-5. / 72, 1. / 12, 1. / 9, -1. / 8},
})

// Dopri5 is the Dormand–Prince 5(4) pair with Shampine's interpolant of order
// four: 7 stages, FSAL.
//
// J.R. Dormand, P.J. Prince, J. Comput. Appl. Math. 6, 19–26, 1980;
// E. Hairer, S.P. Nørsett, G. Wanner, Solving ODEs I, 2nd ed., II.6.
var Dopri5 = &Tableau{
	Name: "dopri5", Order: 5, ErrOrder: 4, FSAL: true,
	Doc: "Dormand–Prince 5(4), adaptive; the usual choice elsewhere",
	C:   []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
	A: [][]float64{
		{},
		{1. / 5},
		{3. / 40, 9. / 40},
		{44. / 45, -56. / 15, 32. / 9},
		{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
		{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
		{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
	},
	B: []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
	E: []float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},

	Dense:      dopri5Dense(),
	DenseOrder: 4,
}

// dopri5Dense expands bᵢ(θ) = θ²(3−2θ) bᵢ + [i=1] θ(θ−1)² + [i=7] θ²(θ−1)
// + θ²(θ−1)² (uᵢ + vᵢθ), the form of Hairer–Nørsett–Wanner II.6 (6.13).
func dopri5Dense() [][]float64 {
	b := []float64{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0}
	u := []float64{
		-5 * 2558722523. / 11282082432, 0, 100 * 882725551. / 32700410799,
		-25 * 443332067. / 1880347072, 32805 * 23143187. / 199316789632,
		-55 * 29972135. / 822651844, 10 * 7414447. / 29380423,
	}
	v := []float64{
		5 * 31403016. / 11282082432, 0, -100 * 15701508. / 32700410799,
		25 * 31403016. / 1880347072, -32805 * 3489224. / 199316789632,
		55 * 7076736. / 822651844, -10 * 829305. / 29380423,
	}
	dense := make([][]float64, 7)
	for i := range dense {
		// θ²(θ−1)² = θ² − 2θ³ + θ⁴
		dense[i] = []float64{
			0,
			3*b[i] + u[i],
			-2*b[i] - 2*u[i] + v[i],
			u[i] - 2*v[i],
			v[i],
		}
	}
	dense[0][0]++
	dense[0][1] -= 2
	dense[0][2]++
	dense[6][1]--
	dense[6][2]++
	return dense
}

// Tsit5 is Tsitouras' 5(4) pair with his interpolant of order four: 7 stages,
// FSAL.
//
// Ch. Tsitouras, Comput. Math. Appl. 62(2), 770–775, 2011.
var Tsit5 = &Tableau{
	Name: "tsit5", Order: 5, ErrOrder: 4, FSAL: true,
	Doc: "Tsitouras 5(4), adaptive; what `auto` begins with",
	C:   []float64{0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1},
	A: [][]float64{
		{},
		{0.161},
		{-0.008480655492356989, 0.335480655492357},
		{2.8971530571054935, -6.359448489975075, 4.3622954328695815},
		{5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525},
		{5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383},
		{0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774},
	},
	B: []float64{0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0},
	E: []float64{
		-0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629,
		0.5823571654525552, -0.45808210592918697, 0.015151515151515152,
	},
	Dense: [][]float64{
		{1, -2.763706197274826, 2.9132554618219126, -1.0530884977290216},
		{0, 0.13169999999999998, -0.2234, 0.1017},
		{0, 3.9302962368947516, -5.941033872131505, 2.490627285651253},
		{0, -12.411077166933676, 30.33818863028232, -16.548102889244902},
		{0, 37.50931341651104, -88.1789048947664, 47.37952196281928},
		{0, -27.896526289197286, 65.09189467479366, -34.87065786149661},
		{0, 1.5, -4, 2.5},
	},
	DenseOrder: 4,
}

// BS5 is the Bogacki–Shampine 5(4) pair: 8 stages, FSAL, and one more for the dense output
// of order five, which is that of RKSUITE for a single stage more.
//
// P. Bogacki, L.F. Shampine, Comput. Math. Appl. 32(6), 15–28, 1996;
// R.W. Brankin, I. Gladwell, L.F. Shampine, RKSUITE, Southern Methodist University, 1992.
var BS5 = &Tableau{
	Name: "bs5", Order: 5, ErrOrder: 4,
	Doc: "Bogacki–Shampine 5(4), adaptive; of small error",
	C:   []float64{0, 1. / 6, 2. / 9, 3. / 7, 2. / 3, 3. / 4, 1, 1, 1. / 2},
	A: [][]float64{
		{},
		{1. / 6},
		{2. / 27, 4. / 27},
		{183. / 1372, -162. / 343, 1053. / 1372},
		{68. / 297, -4. / 11, 42. / 143, 1960. / 3861},
		{597. / 22528, 81. / 352, 63099. / 585728, 58653. / 366080, 4617. / 20480},
		{174197. / 959244, -30942. / 79937, 8152137. / 19744439, 666106. / 1039181, -29421. / 29068, 482048. / 414219},
		{587. / 8064, 0, 4440339. / 15491840, 24353. / 124800, 387. / 44800, 2152. / 5985, 7267. / 94080},
		{455. / 6144, 0, 10256301. / 35409920, 2307361. / 17971200, -387. / 102400, 73. / 5130, -7267. / 215040, 1. / 32},
	},
	B: []float64{587. / 8064, 0, 4440339. / 15491840, 24353. / 124800, 387. / 44800, 2152. / 5985, 7267. / 94080, 0},
	E: []float64{
		587./8064 - 2479./34992, 0, 4440339./15491840 - 123./416, 24353./124800 - 612941./3411720,
		387./44800 - 43./1440, 2152./5985 - 2272./6561, 7267./94080 - 79937./1113912, -3293. / 556956,
	},
	Dense: [][]float64{
		{1, -155. / 36, 16441. / 2016, -56689. / 8064, 757. / 336},
		{0, 0, 0, 0, 0},
		{0, 6561. / 988, -14727987. / 774592, 60538347. / 3098368, -13321017. / 1936480},
		{0, 2401. / 702, -603337. / 56160, 2740913. / 224640, -24353. / 5200},
		{0, 0, -387. / 2240, 3483. / 8960, -1161. / 5600},
		{0, 1408. / 513, -45536. / 3591, 67960. / 3591, -17216. / 1995},
		{0, 0, -7267. / 4704, 21801. / 6272, -7267. / 3920},
		{0, -1. / 2, 4, -15. / 2, 4},
		{0, -8, 32, -40, 16},
	},
	DenseOrder: 5,
}
