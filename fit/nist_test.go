package fit

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// curve is a nonlinear regression y = f(b, x) with a mean-square loss.
type curve struct {
	name       string
	x, y       []float64
	value      func(b []float64, x float64) float64
	partial    func(b []float64, x float64, d []float64)
	starts     [2][]float64
	b, sd      []float64 // certified
	sumSquares float64   // certified
}

func (c *curve) Dim() int   { return len(c.b) }
func (c *curve) Items() int { return 1 }
func (c *curve) Rows() int  { return len(c.x) }

func (c *curve) Eval(ctx context.Context, b []float64, _ []int, _ float64, grad []float64) (Result, error) {
	n := float64(len(c.x))
	r, jac := make([]float64, len(c.x)), mat.NewDense(len(c.x), len(b), nil)
	res, err := c.Residuals(ctx, b, 1, r, jac)
	if grad != nil {
		mat.NewVecDense(len(b), grad).MulVec(jac.T(), mat.NewVecDense(len(r), r))
		for i := range grad {
			grad[i] *= 2 / n
		}
	}
	return res, err
}

func (c *curve) Residuals(_ context.Context, b []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	sum := 0.
	for i, x := range c.x {
		r[i] = c.value(b, x) - c.y[i]
		sum += r[i] * r[i]
		if jac != nil {
			c.partial(b, x, jac.RawRowView(i))
		}
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return Result{Failed: true, Reason: Failure{Trajectory: c.name, Reason: "overflow"}}, nil
	}
	return Result{Loss: sum / float64(len(c.x)), Values: len(c.x)}, nil
}

func saturation(b []float64, x float64) float64 { return b[0] * -math.Expm1(-b[1]*x) }

func saturationPartial(b []float64, x float64, d []float64) {
	d[0], d[1] = -math.Expm1(-b[1]*x), b[0]*x*math.Exp(-b[1]*x)
}

// nist holds problems, data and certified values of the NIST Statistical
// Reference Datasets for nonlinear regression
// (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml). MGH09 is the
// problem of Kowalik and Osborne, MGH10 that of Meyer.
var nist = []*curve{
	{
		name:  "Misra1a",
		x:     []float64{77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0},
		y:     []float64{10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78},
		value: saturation, partial: saturationPartial,
		starts: [2][]float64{{500, 0.0001}, {250, 0.0005}},
		b:      []float64{2.3894212918e+02, 5.5015643181e-04}, sd: []float64{2.7070075241e+00, 7.2668688436e-06},
		sumSquares: 1.2455138894e-01,
	},
	{
		name:  "BoxBOD",
		x:     []float64{1, 2, 3, 5, 7, 10},
		y:     []float64{109, 149, 149, 191, 213, 224},
		value: saturation, partial: saturationPartial,
		starts: [2][]float64{{1, 1}, {100, 0.75}},
		b:      []float64{2.1380940889e+02, 5.4723748542e-01}, sd: []float64{1.2354515176e+01, 1.0455993237e-01},
		sumSquares: 1.1680088766e+03,
	},
	{
		name: "MGH09",
		x:    []float64{4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625},
		y:    []float64{0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246},
		value: func(b []float64, x float64) float64 {
			return b[0] * (x*x + x*b[1]) / (x*x + x*b[2] + b[3])
		},
		partial: func(b []float64, x float64, d []float64) {
			num, den := x*x+x*b[1], x*x+x*b[2]+b[3]
			d[0], d[1], d[2], d[3] = num/den, b[0]*x/den, -b[0]*num*x/den/den, -b[0]*num/den/den
		},
		starts: [2][]float64{{25, 39, 41.5, 39}, {0.25, 0.39, 0.415, 0.39}},
		b:      []float64{1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01},
		sd:     []float64{1.1435312227e-02, 1.9633220911e-01, 8.0842031232e-02, 9.0025542308e-02},

		sumSquares: 3.0750560385e-04,
	},
	{
		name:  "MGH10",
		x:     []float64{50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 125},
		y:     []float64{34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872},
		value: func(b []float64, x float64) float64 { return b[0] * math.Exp(b[1]/(x+b[2])) },
		partial: func(b []float64, x float64, d []float64) {
			e := math.Exp(b[1] / (x + b[2]))
			d[0], d[1], d[2] = e, b[0]*e/(x+b[2]), -b[0]*e*b[1]/(x+b[2])/(x+b[2])
		},
		starts: [2][]float64{{2, 400000, 25000}, {0.02, 4000, 250}},
		b:      []float64{5.6096364710e-03, 6.1813463463e+03, 3.4522363462e+02},
		sd:     []float64{1.5687892471e-04, 2.3309021107e+01, 7.8486103508e-01},

		sumSquares: 8.7945855171e+01,
	},
	{
		name: "Thurber",
		x: []float64{
			-3.067, -2.981, -2.921, -2.912, -2.840, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322,
			-1.501, -1.460, -1.274, -1.212, -1.100, -1.046, -0.915, -0.714, -0.566, -0.545, -0.400, -0.309, -0.109,
			-0.103, 0.010, 0.119, 0.377, 0.790, 0.963, 1.006, 1.115, 1.572, 1.841, 2.047, 2.200,
		},
		y: []float64{
			80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854, 100.696, 101.060,
			401.672, 390.724, 567.534, 635.316, 733.054, 759.087, 894.206, 990.785, 1090.109, 1080.914, 1122.643,
			1178.351, 1260.531, 1273.514, 1288.339, 1327.543, 1353.863, 1414.509, 1425.208, 1421.384, 1442.962,
			1464.350, 1468.705, 1447.894, 1457.628,
		},
		value: func(b []float64, x float64) float64 {
			return (b[0] + x*(b[1]+x*(b[2]+x*b[3]))) / (1 + x*(b[4]+x*(b[5]+x*b[6])))
		},
		partial: func(b []float64, x float64, d []float64) {
			num, den := b[0]+x*(b[1]+x*(b[2]+x*b[3])), 1+x*(b[4]+x*(b[5]+x*b[6]))
			for k := range 4 {
				d[k] = math.Pow(x, float64(k)) / den
			}
			for k := range 3 {
				d[4+k] = -num * math.Pow(x, float64(k+1)) / den / den
			}
		},
		starts: [2][]float64{{1000, 1000, 400, 40, 0.7, 0.3, 0.03}, {1300, 1500, 500, 75, 1, 0.4, 0.05}},
		b:      []float64{1.2881396800e+03, 1.4910792535e+03, 5.8323836877e+02, 7.5416644291e+01, 9.6629502864e-01, 3.9797285797e-01, 4.9727297349e-02},
		sd:     []float64{4.6647963344e+00, 3.9571156086e+01, 2.8698696102e+01, 5.5675370270e+00, 3.1333340687e-02, 1.4984928198e-02, 6.5842344623e-03},

		sumSquares: 5.6427082397e+03,
	},
}

func TestCertifiedFits(t *testing.T) {
	for _, c := range nist {
		for k, start := range c.starts {
			t.Run(fmt.Sprintf("%s/start%d", c.name, k+1), func(t *testing.T) {
				lm := &LevenbergMarquardt{MaxIterations: 1000, Factor: 1, LossTol: 1e-14, StepTol: 1e-10}
				s, err := (&Trainer{Objective: c, Stages: []Method{lm}}).Run(t.Context(), start)
				require.NoError(t, err)
				require.Equal(t, Converged, s.Status, s.Message)
				require.InEpsilonSlice(t, c.b, []float64(s.Best.X), 1e-6, s.Message)
				require.InEpsilon(t, c.sumSquares, s.Best.Score*float64(len(c.x)), 1e-9)

				// The standard deviations are those of the linear model at the
				// optimum, with the noise from the residuals.
				n, p := len(c.x), len(c.b)
				coords := make([]int, p)
				for i := range coords {
					coords[i] = i
				}
				h, err := GaussNewton(t.Context(), c, s.Best.X, coords, float64(n-p)/(s.Best.Score*float64(n)))
				require.NoError(t, err)
				u, err := Laplace(h)
				require.NoError(t, err)
				require.Empty(t, u.Free)
				require.InEpsilonSlice(t, c.sd, u.StdErr, 1e-4)
			})
		}
	}
}
