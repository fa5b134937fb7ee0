package estimate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// TestNeverFires: where the optimum is one at which the event does not fire, though the data fall back to
// nothing again and again, the fit names the event.
func TestNeverFires(t *testing.T) {
	const text = `
		model M {
		  param level in (%LO, inf) = 50
		  state x = 0
		  x' = 1
		  event empty when x >= level { x := 0 }
		  observe seen = x ~ normal(0.1)
		}
		data d from "d.csv" { time: t, seen: seen }
		fit { optimizer: lbfgs { iterations: 20 } }`
	csv := "t,seen\n"
	for i := range 12 {
		csv += fmt.Sprintf("%g,%g\n", float64(i)+0.5, float64(i%3)+0.5)
	}
	for lo, silent := range map[string]bool{"20": true, "0": false} {
		start := "50"
		if !silent {
			start = "3"
		}
		m := fromText(t, strings.NewReplacer("%LO", lo, "= 50", "= "+start).Replace(text), csv)
		f, err := m.Fit(t.Context(), pinode.FitOptions{Seed: 1})
		require.NoError(t, err)
		named := false
		for _, w := range f.Warnings.All {
			named = named || w.Code == "never-fires"
		}
		require.Equal(t, silent, named, "a level above %s", lo)
	}
}
