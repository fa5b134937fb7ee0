package compiler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
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

// TestSimple: solutions that are polynomials in time of degree three at most, whatever the parameters.
func TestSimple(t *testing.T) {
	for text, want := range map[string]bool{
		"state h = 1\n state v = 0\n h' = v\n v' = -9.81":             true,
		"param p = 2\n state a = 1\n a' = p*t^2/exp(p)":               true,
		"param p = 2\n state a = 1\n a' = p*t^3":                      false,
		"param p = 2\n state a = 1\n a' = t^p":                        false,
		"state a = 1\n a' = sin(t)":                                   false,
		"param p = 2\n state a = 1\n state b = 0\n a' = p*t\n b' = a": true,
		"state a = 1\n state b = 0\n a' = t\n b' = a*t":               false, // of degree four
		"state a = 1\n a' = -a":                                       false,
		"state a = 1\n a' = 1/(1 + t)":                                false,
		"state x = 1\n x' = if x > 0 then -1 else 1":                  false,
	} {
		p, _, _ := compile(t, "model M {\n time t\n "+text+"\n}")
		require.Equal(t, want, compiler.Simple(p), text)
	}
}

// TestSurfaces: surfaces may be slid along together where jumps add up, also through arrays, solutions
// of linear equations and products with what does not jump; one whose guard has no jump in its rate is none.
func TestSurfaces(t *testing.T) {
	const states = "state a = 1\n state b = 1\n state c = 1\n "
	for text, want := range map[string]int{
		states + "a' = -sign(a)\n b' = -sign(b)\n c' = -sign(c)":                                                      3,
		states + "a' = -sign(a)\n b' = -sign(b)\n c' = a":                                                             0, // two need no more
		states + "a' = -sign(a) + sign(b)\n b' = -sign(b)/(1 + a^2)\n c' = (if t > 3 then 2 else 1) - 3*sign(c)*a":    3,
		states + "a' = -sign(a)*sign(b)\n b' = -sign(b)\n c' = -sign(c)":                                              0,
		states + "a' = -exp(sign(a) + sign(b) + sign(c))\n b' = -sign(b)\n c' = -sign(c)":                             0,
		"state v[4] = 1\n v' = -sign(v)":                                                                              4,
		"state v[3] = 1\n const M[3, 3] = [[3, 1, 0], [1, 2, 1], [0, 1, 1]]\n v' = solve(M, -sign(v))":                3,
		"state v[3] = 1\n v' = [[2, 1, 0], [1, 2, 1], [0, 1, 2]] @ (-sign(v))":                                        3,
		"state v[3] = 1\n v' = -sign(v)\n observe y = sign(v[0])*sign(v[1])*abs(sign(v[2]) + sign(v[1])) ~ normal(1)": 3,
		"state v[101] = 1\n v' = -sign(v)":                                                                            0,
	} {
		p, _, _ := compile(t, "model M {\n time t\n "+text+"\n}")
		require.Len(t, p.Surfaces(), want, text)
		most := want
		if most == 0 {
			most = 2
		}
		require.Equal(t, 2*most, p.NumExits, text)
	}
}

// TestWide: a long chain is, not a short one, one with as much besides, or a network.
func TestWide(t *testing.T) {
	chain := "state x[%d] = 0\n for i in 1..%d { x[i]' = x[i-1] - 2*x[i] + x[i+1] }\n x[0]' = x[1] - 2*x[0]\n x[%d]' = -x[%d]"
	for text, want := range map[string]bool{
		fmt.Sprintf(chain, 60, 58, 59, 59): true,
		fmt.Sprintf(chain, 20, 18, 19, 19): false,
		fmt.Sprintf(chain, 60, 58, 59, 59) + "\n state z = 1\n z' = " + strings.Repeat("sin(z + 0.1*", 40) + "1" + strings.Repeat(")", 40): false,
		"neural f(z[64]) -> [64] { hidden: [64] }\n state z[64] = 1\n z' = f(z)":                                                           false,
		"state h = 1\n h' = -h": false,
	} {
		p, _, _ := compile(t, "model M {\n "+text+"\n}")
		require.Equal(t, want, compiler.Wide(p), text)
	}
}
