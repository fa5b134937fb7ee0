package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRows: every row can be measured. Whether its bar holds is not for a test
// to say.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, r := range Rows {
		t.Run(r.Name, func(t *testing.T) {
			out, err := r.Measure(1)
			require.NoError(t, err)
			t.Logf("%.4g %s, ratio %.3g, bar %g, holds %t %s", out.Value, out.Unit, out.Ratio, out.Bar, out.Holds, out.Note)
		})
	}
}

func BenchmarkRows(b *testing.B) {
	for _, r := range Rows {
		b.Run(r.Name, func(b *testing.B) {
			for b.Loop() {
				out, err := r.Measure(5)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(out.Value, out.Unit+"/op")
				b.ReportMetric(out.Ratio, "ratio")
			}
		})
	}
}
