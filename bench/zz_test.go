package bench

import (
	"context"
	"testing"

	"github.com/pinode/pinode"
)

func BenchmarkF32(b *testing.B) {
	for _, n := range []int{1, 32, 256} {
		for _, p := range []string{"f64", "f32"} {
			b.Run(p+"/"+string(rune('0'+n%10)), func(b *testing.B) {
				l := &Lab{dir: b.TempDir()}
				m, err := l.load("network", points(n)())
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Set("fit.precision", p, "x"); err != nil {
					b.Fatal(err)
				}
				t, err := newTask(m, 1)
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := t.gradient(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	for _, p := range []string{"f64", "f32"} {
		b.Run("spiral/"+p, func(b *testing.B) {
			l := &Lab{dir: b.TempDir()}
			m, err := l.load("spiral", spiral())
			if err != nil {
				b.Fatal(err)
			}
			if err := m.Set("fit.precision", p, "x"); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				f, err := m.NewFit(pinode.Workers(1), pinode.Seed(1))
				if err != nil {
					b.Fatal(err)
				}
				if err := f.Run(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(f.Train.Loss, "loss")
			}
		})
	}
}
