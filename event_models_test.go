package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// TestEventModels: the models of models/events run, and the gradients of what
// they observe agree with differences in every mode.
func TestEventModels(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("models/events/*.node")
	require.NoError(t, err)
	require.Len(t, paths, 10)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			m, err := Parse(path, string(text))
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			require.NotEmpty(t, s.Trajectories[0].Events)
			ends, err := m.Certify(context.Background(), 1000)
			require.NoError(t, err)
			require.Less(t, ends.Worst, 1e-7, "%s, %s: %v", ends.Mode, ends.Where, ends.Targets)

			name := m.Observations()[0]
			dir := t.TempDir()
			csv := "t,v\n"
			for i, x := range []float64{0, 0.21, 0.5, 0.83, 1, 1.27, 1.5} {
				csv += fmt.Sprintf("%g,%g\n", x, 0.3*float64(i%3))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
			m, err = Parse(filepath.Join(dir, "m.node"), string(text)+
				fmt.Sprintf("\ndata d from \"d.csv\" { time: t; %s: v }\nfit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }\n", name))
			require.NoError(t, err)
			f, err := m.NewFit(FitOptions{})
			require.NoError(t, err)
			c, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
			require.NoError(t, err)
			require.Less(t, c.Worst, 1e-6, "%s, %s: %v", c.Mode, c.Where, c.Targets)
			require.NotEmpty(t, c.Events)
		})
	}
}

// TestWhatTheModelsShow: what goes wrong elsewhere, by the event log.
func TestWhatTheModelsShow(t *testing.T) {
	log := func(name string) []Event {
		m, err := Load("models/events/" + name + ".node")
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		return s.Trajectories[0].Events
	}
	land := log("balls_land_together")
	for k := range 3 { // one instant, three micro-steps
		require.Equal(t, land[0].Time, land[k].Time)
		require.Equal(t, k, land[k].K)
	}
	require.InEpsilon(t, math.Sqrt(2/9.81), land[0].Time, 1e-12)
	order := log("wrong_order")
	require.Equal(t, "near_wall", order[0].Name)
	require.Equal(t, "far_wall", order[1].Name)
	require.InEpsilon(t, 0.25, order[0].Time, 1e-12)
	require.InEpsilon(t, 0.26, order[1].Time, 1e-12)
	start := log("zero_at_start")
	require.InEpsilon(t, 2*3/9.81, start[0].Time, 1e-9)

	slides := func(list []Event) (names []string, times []float64) {
		for _, e := range list {
			names, times = append(names, e.Name+" "+e.Surface), append(times, e.Time)
		}
		return names, times
	}
	// 0.2 + 3t − 1.25t² = 1, and 3 = 2.5t.
	names, times := slides(log("overflow"))
	require.Equal(t, []string{"slide level > top", "slide end level > top"}, names)
	require.InDeltaSlice(t, []float64{(3 - math.Sqrt(5)) / 2.5, 1.2}, times, 1e-12)
	// y falls at 0.8 to 0; x, 0.26 there, at 0.7; y leaves where 0.2 + 4(t − 1) = 1.
	names, times = slides(log("two_surfaces"))
	require.Equal(t, []string{"slide sign(y)", "slide sign(x)", "slide end sign(y)", "slide end sign(x)"}, names)
	require.InDeltaSlice(t, []float64{0.375, 0.375 + 0.26/0.7, 1.2}, times[:3], 1e-12)
	// The belt carries the mass from where it caught it to x = grip/spring.
	stick := log("stick_slip")
	require.Len(t, stick, 2)
	require.InDelta(t, 0.2, stick[1].Before[0], 1e-9)
	require.InDelta(t, (0.2-stick[0].Before[0])/0.8, stick[1].Time-stick[0].Time, 1e-9)
}

// discs are two elastic discs in the plane, which meet off centre.
const discs = `model Discs {
  param m1 = 1
  param m2 = 2
  param e = %g
  param R = 0.5
  state x1 = 0
  state y1 = 0
  state u1 = 1
  state w1 = 0
  state x2 = 2
  state y2 = %g
  state u2 = -0.5
  state w2 = 0
  x1' = u1
  y1' = w1
  u1' = 0
  w1' = 0
  x2' = u2
  y2' = w2
  u2' = 0
  w2' = 0
  let nx = (x2 - x1)/(2*R)
  let ny = (y2 - y1)/(2*R)
  let approach = (u1 - u2)*nx + (w1 - w2)*ny
  let push = (1 + e)*approach*m1*m2/(m1 + m2)
  event hit when (x2 - x1)^2 + (y2 - y1)^2 <= 4*R^2 {
    u1 := u1 - push/m1*nx
    w1 := w1 - push/m1*ny
    u2 := u2 + push/m2*nx
    w2 := w2 + push/m2*ny
  }
  observe energy = 0.5*m1*(u1^2 + w1^2) + 0.5*m2*(u2^2 + w2^2)
}
simulate { until: 3, times: [0, 3], solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`

// TestDiscs: momentum is kept to rounding, energy falls by ½µ(1−e²)a² with the
// speed a of approach along the line of centres, and discs that only touch are
// reported.
func TestDiscs(t *testing.T) {
	for _, e := range []float64{1, 0.8, 0} {
		const offset = 0.4
		tr, err := simulated(t, fmt.Sprintf(discs, e, offset))
		require.NoError(t, err)
		require.Len(t, tr.Events, 1)
		b, a := tr.Events[0].Before, tr.Events[0].After
		require.InDelta(t, b[2]+2*b[6], a[2]+2*a[6], 1e-15)
		require.InDelta(t, b[3]+2*b[7], a[3]+2*a[7], 1e-15)
		nx := math.Sqrt(1 - offset*offset)
		approach := 1.5 * nx
		require.InEpsilon(t, (2-nx)/1.5, tr.Events[0].Time, 1e-12)
		energy := func(s []float64) float64 { return 0.5*(s[2]*s[2]+s[3]*s[3]) + s[6]*s[6] + s[7]*s[7] }
		require.InDelta(t, 0.5*2./3*(1-e*e)*approach*approach, energy(b)-energy(a), 1e-12)
	}
	_, err := simulated(t, fmt.Sprintf(discs, 1., 1.))
	require.ErrorContains(t, err, "touches its surface")
}
