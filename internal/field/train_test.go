package field

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
)

func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(0, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}

func env(k string, d float64) float64 {
	if v, err := strconv.ParseFloat(os.Getenv(k), 64); err == nil {
		return v
	}
	return d
}

func TestProto(t *testing.T) {
	if os.Getenv("PROTO") == "" {
		t.Skip()
	}
	var hidden []int
	for _, h := range strings.Split(os.Getenv("PROTO"), ",") {
		n, _ := strconv.Atoi(h)
		hidden = append(hidden, n)
	}
	n := int(env("N", 3000))
	o, w := burgers(t, hidden, 2)
	var grid, want []float64
	for i := range 100 {
		for j := range 256 {
			x, s := -1+2*float64(j)/255, float64(i)/100
			grid = append(grid, x, s)
			want = append(want, coleHopf(x, s))
		}
	}
	out := make([]float64, len(want))
	relative := func(x []float64) float64 {
		require.NoError(t, o.Values(x, grid, out))
		a, b := 0., 0.
		for i, v := range out {
			a, b = a+(v-want[i])*(v-want[i]), b+want[i]*want[i]
		}
		return math.Sqrt(a / b)
	}
	box := Box{[]float64{-1, 0}, []float64{1, 1}}
	ones := func(n int, v float64) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = v
		}
		return w
	}
	k, c0, it, loss := env("K", 1), cpu(), 0, 0.
	p := &fit.Problem{Loss: o, Horizon: 1, Alike: true, Workers: 2, Every: int(env("EVERY", 10)), Draw: func(ctx context.Context, draw int, x []float64) error {
		rng := rand.New(rand.NewPCG(7, uint64(draw)))
		if draw%int(env("LOG", 2)) == 0 {
			fmt.Printf("%d cpu=%.1f loss=%.3e err=%.3e\n", it, cpu()-c0, loss, relative(x))
		}
		xs := box.Sobol(rng, n)
		if draw > 0 {
			var err error
			if xs, err = box.Adaptive(ctx, rng, n, box.Sobol, func(ctx context.Context, x2, m []float64) error {
				err := o.Magnitudes(ctx, x, 0, Points{x2, ones(len(m), 1), len(m)}, m)
				for i := range m {
					m[i] = math.Pow(m[i], k)
				}
				return err
			}); err != nil {
				return err
			}
		}
		o.Place(0, Points{xs, ones(n, 1/math.Sqrt(float64(n))), n})
		return nil
	}}
	require.NoError(t, p.Draw(context.Background(), 0, w))
	tr := &fit.Trainer{Objective: o, Observer: func(pr fit.Progress) { loss = pr.Loss * float64(n); it++ }}
	a := &fit.Auto{Budget: 1e9}
	a.Do = func(s *fit.Session) error {
		out, err := s.Descend("burgers", p, w, fit.Limits{Iterations: int(env("ITERS", 600)), Flat: 1e-6, Times: 20})
		if err != nil {
			return err
		}
		fmt.Println(out.Why, out.Iterations, out.Value, relative(out.X), "cpu", cpu()-c0)
		s.Return(out.X, out.Value, fit.Converged, out.Why)
		return nil
	}
	tr.Stages = []fit.Method{a}
	_, err := tr.Run(context.Background(), w)
	require.NoError(t, err)
}
