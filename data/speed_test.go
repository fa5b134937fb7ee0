package data

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// measured is the text of a table of measurements, a trajectory for each 500 rows.
func measured(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("id,t,a,b,c\n")
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range rows {
		fmt.Fprintf(&b, "%d,%.2f,%.6f,%.4f,%.8f\n", i/500, float64(i%500)*0.01, rng.Float64(), 100*rng.Float64(), 1e-3*rng.Float64())
	}
	return b.Bytes()
}

// BenchmarkRead compares a table that becomes trajectories with what encoding/csv takes to split
// it into cells.
func BenchmarkRead(b *testing.B) {
	text := measured(400_000)
	b.Run("csv alone", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			c := csv.NewReader(bytes.NewReader(text))
			for {
				if _, err := c.Read(); err == io.EOF {
					break
				}
			}
		}
	})
	b.Run("trajectories", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		spec := &Spec{Time: Column{Name: "t"}, Keys: []string{"id"}, Observes: []Column{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
		for b.Loop() {
			t, err := ReadDelimited("d.csv", bytes.NewReader(text), ',')
			if err == nil {
				_, err = Build(t, spec)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
