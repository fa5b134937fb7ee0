package bench

import (
	"context"
	"strings"
	"testing"

	"github.com/pinode/pinode"
)

func BenchmarkF32(b *testing.B) {
	for _, n := range []int{256} {
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

func BenchmarkODE(b *testing.B) {
	for _, p := range []string{"f64", "f32"} {
		for _, set := range []string{"", "big"} {
			b.Run("demo"+set+"/"+p, func(b *testing.B) {
				l := &Lab{dir: b.TempDir()}
				text, _ := model("demo")
				text = strings.ReplaceAll(text, "dopri5 { rtol: 1e-7, atol: 1e-9 }", "rk4 { step: 0.025 }")
				if set == "big" {
					text = strings.ReplaceAll(text, "50", "100, 100")
				}
				m, err := l.parse("demo", text, pieces())
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
}
