package compiler_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNilpotent: of a mass that moves freely, of a chain that is driven, and of what
// grows by time alone, but not where a state acts on itself, directly, through
// another, or while it slides.
func TestNilpotent(t *testing.T) {
	for text, want := range map[string]bool{
		"state h = 1\n state v = 0\n h' = v\n v' = -9.81":                              true,
		"state a = 1\n state b = 1\n state c = 1\n b' = sin(a)\n a' = exp(c)\n c' = t": true,
		"state a = 1\n state b = 1\n a' = b\n b' = 0*a":                                true,
		"state a = 1\n a' = -a":                                                        false,
		"state a = 1\n state b = 1\n a' = b\n b' = a^2":                                false,
		"state z[2] = [1, 2]\n z' = [[0, 1], [0, 0]] @ z":                              true,
		"state z[2] = [1, 2]\n z' = [[0, 1], [1, 0]] @ z":                              false,
		"state x = 1\n x' = if x > 0 then -1 else 1":                                   false,
	} {
		p, _, _ := compile(t, "model M {\n time t\n "+text+"\n}")
		require.Equal(t, want, p.Nilpotent(), text)
	}
}
