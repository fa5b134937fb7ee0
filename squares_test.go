package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/loss"
)

// squaresModels are models whose losses are residuals, with rows of data.
var squaresModels = map[string]string{
	"network, missing values, covariates": `model M {
  covariate c
  param a in (0, 2) = 0.7
  param s in (0, inf) = 0.3
  neural f(x) -> 1 { hidden: [5], l2: 0.01 }
  state x = c
  state z = 0
  x' = -a*x + f(x)
  z' = x - 0.5*z
  observe y = x ~ normal(s)
  observe w = 2 + z*z ~ lognormal(0.2)
}
data d from "d.csv" { trajectory: k; time: t; c: c; y: y; w: w }
`,
	"events": `model M {
  covariate c
  param g in (0, inf) = 9
  param e in (0, 1) = 0.8
  param late in (0, inf) = 0.13
  state h = 1 + c
  state v = 0
  discrete n = 0
  h' = v
  v' = -g
  event bounce when h <= 0 { v := -e*v; n := n + 1 }
  event kick at t = 0.3 + late priority 1 { v += e }
  observe y = h ~ normal(0.1)
  observe w = v + n ~ student(4, 2)
}
data d from "d.csv" { trajectory: k; time: t; c: c; y: y; w: w }
`,
	"losses that forgive outliers": `model M {
  covariate c
  param r in (0, inf) = 0.5
  param s in (0, inf) = 0.2
  state x = 2
  x' = r*x*(1 - x/10)
  observe y = x ~ huber(1.345, s)
  observe w = x + c ~ cauchy(s)
  observe n = 2*x ~ huber(0.5, 0.3)
}
data d from "d.csv" { trajectory: k; time: t; c: c; y: y; w: w; n: n }
`,
	"priors of weights": `model M {
  covariate c
  param s in (0, inf) = 0.7 ~ halfnormal(1)
  neural f(x, c) -> 1 {
    hidden: [3], seed: 2, l2: 0.01, frozen: [1.weight]
    prior: normal(0.1, s) { 0.bias: student(3, 0, s), 1: cauchy(0.2, 0.5) }
  }
  state x = 2
  x' = f(x, c)
  observe y = x ~ normal(0.2)
}
data d from "d.csv" { trajectory: k; time: t; c: c; y: y }
`,
	"parameters of trajectories, counts, priors": `model M {
  covariate c
  param r per k in (0, inf) = 0.5 ~ lognormal(log(0.4), 0.5)
  param b in (0, inf) = 2 ~ normal(1, 1)
  param q = 0.1
  state x = b
  x' = r*x*(1 - x/10) + q
  observe n = x ~ poisson()
  observe m = x + c ~ negbinomial(3)
  loss low = x*x where t > 0.5
}
data d from "d.csv" { trajectory: k; time: t; c: c; n: n; m: n }
`,
}

// squaresData are rows for them.
func squaresData() string {
	csv := "k,t,c,y,w,n\n"
	for i := range 5 {
		for j := range 3 + i%3 {
			y := fmt.Sprintf("%.4g", math.Sin(float64(i*j+i+1)))
			if (i+j)%4 == 3 {
				y = ""
			}
			csv += fmt.Sprintf("%d,%g,%g,%s,%.4g,%d\n", i, 0.3*float64(j)+0.01*float64(i), 0.5+0.1*float64(i), y, 1.5+math.Cos(float64(i+j)), (i+2*j)%5+1)
		}
	}
	return csv
}

// TestSquares: the residuals have the value of the loss, Jᵀr is its gradient, which
// comes from reverse sweeps, and both have the same bits for any number of workers.
func TestSquares(t *testing.T) {
	for name, text := range squaresModels {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(squaresData()), 0o600))
			m, err := Parse(filepath.Join(dir, "m.node"), text)
			require.NoError(t, err)
			var first []float64
			for _, workers := range []int{1, 3} {
				f, err := m.NewFit(FitOptions{Workers: workers})
				require.NoError(t, err)
				o := f.inner.Objective
				s, why, err := loss.NewSquares(o)
				require.NoError(t, err)
				require.Empty(t, why)
				x, err := o.Space.X0()
				require.NoError(t, err)
				for i := range x {
					x[i] += 0.05 * math.Sin(float64(i+1))
				}
				g := make([]float64, len(x))
				want, err := o.Eval(context.Background(), x, nil, 1, g)
				require.NoError(t, err)
				require.False(t, want.Failed, want.Reason)
				r, jac := make([]float64, s.Rows()), mat.NewDense(s.Rows(), len(x), nil)
				res, err := s.Residuals(context.Background(), x, 1, r, jac)
				require.NoError(t, err)
				require.False(t, res.Failed, res.Reason)
				n := float64(o.Total)
				require.InEpsilon(t, n*want.Loss, res.Loss, 1e-10)
				var got mat.VecDense
				got.MulVec(jac.T(), mat.NewVecDense(len(r), r))
				for i := range x {
					require.InDelta(t, n*g[i], got.AtVec(i), 1e-8*(1+n*math.Abs(g[i])), "%s", o.Name(i))
				}
				alone := make([]float64, len(r))
				again, err := s.Residuals(context.Background(), x, 1, alone, nil)
				require.NoError(t, err)
				for i, v := range alone {
					require.True(t, v == r[i] || v == 0 && i >= s.Rows()-2*o.Space.Dim, "residual %d: rows of priors come with derivatives only", i)
				}
				require.Equal(t, res.Loss, again.Loss)
				bits := append(append([]float64{res.Loss}, r...), jac.RawMatrix().Data...)
				if first == nil {
					first = bits
				}
				require.Equal(t, first, bits)
			}
		})
	}
}
