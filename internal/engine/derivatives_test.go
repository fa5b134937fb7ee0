package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/sim"
)

// mapping is something that a model computes, with its derivatives: at a time and a state.
type mapping struct {
	name  string
	n     int
	value func(t float64, y, d, out []float64)
	vjp   func(t float64, y, d, ct, yBar, dBar []float64) (tBar float64)
	jvp   func(t, tDot float64, y, yDot, d, dDot, out []float64)
}

// requireDerivatives compares the derivatives of mappings with differences of sixth order, by
// time, states, discrete variables, parameters of all and own inputs that are felt, each alone.
func requireDerivatives(t *testing.T, r *modelRig, at float64, y, d []float64, list []mapping) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	draw := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		return v
	}
	ny, nd, np, nq := len(y), len(d), len(r.p), len(r.sys.QBar)
	branches := len(r.sys.Prog.Model.Switches)
	ends := []int{1, 1 + ny, 1 + ny + nd, 1 + ny + nd + np, 1 + ny + nd + np + nq}
	x := slices.Concat([]float64{at}, y, d, r.p, r.q[:nq])
	parts := func(x []float64) (at float64, y, d, p, q []float64) {
		return x[0], x[1:ends[1]], x[ends[1]:ends[2]], x[ends[2]:ends[3]], x[ends[3]:]
	}
	state := func(x []float64) (at float64, y, d []float64) {
		at, y, d, p, q := parts(x)
		copy(r.p, p)
		copy(r.q, q)
		r.bind()
		return at, y, d
	}
	for _, m := range list {
		value := func(x []float64) []float64 {
			out := make([]float64, m.n)
			at, y, d := state(x)
			m.value(at, y, d, out)
			return out
		}
		at, y, d := state(x)
		ct, bars := draw(m.n), make([]float64, len(x))
		yBar, dBar := draw(ny), draw(nd)
		wasY, wasD := slices.Clone(yBar), slices.Clone(dBar)
		r.sys.ClearGradient()
		bars[0] = m.vjp(at, y, d, ct, yBar, dBar)
		_, yGot, dGot, pGot, qGot := parts(bars)
		floats.SubTo(yGot, yBar, wasY)
		floats.SubTo(dGot, dBar, wasD)
		r.sys.AddGradient(pGot, qGot)
		for k, end := range ends {
			from := 0
			if k > 0 {
				from = ends[k-1]
			}
			dir := make([]float64, len(x))
			copy(dir[from:end], draw(end-from))
			clear(dir[ends[2]-branches : ends[2]]) // these do not move
			want := make([]float64, m.n)
			const h = 1e-3
			for by, w := range map[float64]float64{1: 45, 2: -9, 3: 1, -1: -45, -2: 9, -3: -1} {
				moved := slices.Clone(x)
				floats.AddScaled(moved, by*h, dir)
				floats.AddScaled(want, w/(60*h), value(moved))
			}
			tol := 1e-8 * (1 + floats.Norm(want, math.Inf(1)))
			require.InDelta(t, Dot(ct, want), Dot(dir, bars), 3*tol, "%s, backwards by part %d", m.name, k)
			if m.jvp == nil {
				continue
			}
			at, y, d := state(x)
			tDot, yDot, dDot, pDot, qDot := parts(dir)
			copy(r.sys.PDot, pDot)
			clear(r.sys.QDot)
			copy(r.sys.QDot, qDot)
			out := draw(m.n)
			m.jvp(at, tDot, y, yDot, d, dDot, out)
			require.InDeltaSlice(t, want, out, tol, "%s, forwards by part %d", m.name, k)
		}
	}
	state(x)
}

// mappings are those of a model with so many events, whose arguments are a.
func mappings(sys *System, targets []int, a [][]float64) (list []mapping) {
	ny, nd := sys.Size.Y, sys.Size.D
	list = append(list, mapping{
		"rates", ny, sys.RHS,
		func(t float64, y, d, ct, yBar, dBar []float64) float64 {
			return sys.RHSVJP(t, y, d, ct, yBar, dBar, sim.WithParams)
		},
		sys.RHSJVP,
	})
	list = append(list, mapping{
		"start", ny + nd,
		func(t float64, _, _, out []float64) { sys.Init(t, out[:ny], out[ny:]) },
		func(t float64, _, _, ct, _, _ []float64) float64 { return sys.InitVJP(t, ct[:ny], ct[ny:]) },
		func(t, tDot float64, _, _, _, _, out []float64) { sys.InitJVP(t, tDot, out[:ny], out[ny:]) },
	})
	n := sys.Size.Guards - sys.Size.Exits
	held := make([]bool, ny)
	list = append(list, mapping{
		"guards", n,
		func(t float64, y, d, out []float64) {
			g, rate := make([]float64, sys.Size.Guards), make([]float64, sys.Size.Guards)
			sys.Guards(t, y, d, held, g, rate, nil)
			copy(out, g)
		},
		func(t float64, y, d, ct, yBar, dBar []float64) (tBar float64) {
			for i, c := range ct {
				tBar += sys.GuardVJP(t, y, d, i, c, yBar, dBar, sim.WithParams)
			}
			return tBar
		},
		func(t, tDot float64, y, yDot, d, dDot, out []float64) {
			for i := range out {
				out[i] = sys.GuardJVP(t, tDot, y, yDot, d, dDot, i)
			}
		},
	})
	if n := sys.Size.Times; n > 0 {
		list = append(list, mapping{
			"times", n,
			func(_ float64, _, _, out []float64) { sys.Times(out) },
			func(_ float64, _, _, ct, _, _ []float64) float64 { sys.TimesVJP(ct); return 0 },
			func(_, _ float64, _, _, _, _, out []float64) { sys.TimesJVP(out) },
		})
	}
	for e, n := range targets {
		list = append(list, mapping{
			"jump of " + sys.Prog.Model.Events[e].Checked.Name, n,
			func(t float64, y, d, out []float64) { sys.Jump(e, t, y, d, a[e], out) },
			func(t float64, y, d, ct, yBar, dBar []float64) float64 {
				return sys.JumpVJP(e, t, y, d, a[e], ct, yBar, dBar)
			},
			func(t, tDot float64, y, yDot, d, dDot, out []float64) {
				sys.JumpJVP(e, t, tDot, y, yDot, d, dDot, a[e], out)
			},
		})
	}
	return list
}
