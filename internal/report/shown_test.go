package report

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Residuals count in units of those of their observation: a trajectory that is off by much in
// a quantity of small numbers is worse than one that is off by a little in a large one.
func TestChooses(t *testing.T) {
	var m Misfits
	for k := range 20 {
		name := fmt.Sprint("g=", k)
		small, large := 0.01, 100.
		switch k {
		case 3:
			small = 0.09
		case 5:
			large = 200
		case 7:
			small, large = 0.001, 10
		}
		m.Add(name, false, "small", small)
		m.Add(name, false, "large", large)
	}
	list := m.Choose(4)
	require.Len(t, list, 4)
	require.Equal(t, []Shown{{"g=3", false, "worst of 20"}, {"g=7", false, "best of 20"}}, list[:2])
	require.Equal(t, list, m.Choose(4), "the same each time")
	require.Equal(t, list[2], m.Choose(3)[2])
	seen := map[string]bool{}
	for _, s := range m.Choose(20) {
		require.Empty(t, s.Why)
		seen[s.Name] = true
	}
	require.Len(t, seen, 20)

	// Curves are kept of few trajectories, or of those that pictures show.
	require.Nil(t, m.shown(make([]string, few)))
	names := make([]string, few+1)
	wanted := m.shown(names)
	require.True(t, wanted("g=3") && wanted("g=7"))
	kept := 0
	for name := range seen {
		if wanted(name) {
			kept++
		}
	}
	require.Equal(t, Panels, kept)
	require.True(t, (&Misfits{}).shown(append([]string{"a"}, names...))("a"), "nothing was measured")
}
