package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// operations is how the time from the text of a model to its first gradient grows with its equations.
var operations = &Growth{
	Name: "operations", By: "operations", Unit: "ms", Sizes: []int{200, 2000, 20000, 200000},
	Doc:   "text of a model to its first loss and gradient, Tsit5, 1e-6",
	Why:   "the right-hand side and its reverse derivative are built, optimised, planned and made machine code of, once each, beyond 8192 nodes when they run first; other derivatives are not made.",
	Count: firstGradient,
}

// termOperations is how many operations an equation of firstGradient has, with those of sums and signs.
const termOperations = 20

// firstGradient is the least time of some runs from the text of a model of so many operations, whose equations have no
// pattern, to its first gradient, in milliseconds.
func firstGradient(l *Lab, n int) (float64, error) {
	text, least := tangled(n/termOperations), math.Inf(1)
	runs := 3
	if l.Quick || n > 50000 {
		runs = 1
	}
	for range runs {
		start := time.Now()
		m, err := l.parse("tangled", text, "t,y\n0,\n1,1\n")
		if err != nil {
			return 0, err
		}
		t, err := newTask(m, 1)
		if err != nil {
			return 0, err
		}
		if err := t.gradient(); err != nil {
			return 0, err
		}
		least = min(least, float64(time.Since(start).Microseconds())/1e3)
	}
	return least, nil
}

// tangled is a model of n states, each of which sees five others.
func tangled(n int) string {
	rng := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("model Tangled {\n  param k = 1\n  param c[8] = 0.3\n")
	for i := range n {
		fmt.Fprintf(&b, "  state x%d = %.3f\n", i, 0.5+rng.Float64())
	}
	x := func() string { return fmt.Sprintf("x%d", rng.IntN(n)) }
	for i := range n {
		fmt.Fprintf(&b, "  x%[1]d' = c[%[2]d]*%[3]s*%[4]s - k*x%[1]d + sin(%[5]s)*exp(-%[6]s)/(1 + %[7]s^2) - tanh(%.3[8]f*x%[1]d)\n",
			i, rng.IntN(8), x(), x(), x(), x(), x(), rng.Float64())
	}
	b.WriteString("  observe y = x0 ~ normal(1)\n}\ndata end from \"tangled.csv\" { time: t, y: y }\nfit { solver: tsit5 { rtol: 1e-6, atol: 1e-6 }, gradient: unrolled }\n")
	return b.String()
}
