package bench

import (
	"fmt"
	"math"
	"strings"
)

// chain is the chain of Fermi, Pasta and Ulam with cubic forces, n masses between two walls, written
// mass by mass. Its data ask for the first at t = 5.
func chain(n int) string {
	x := make([]string, n)
	for i := range x {
		x[i] = fmt.Sprintf("%.17g", math.Sin(float64((i+1)*(i+1)%1000)))
	}
	return fmt.Sprintf(`model Chain {
  param beta = 0.7
  state x[%[1]d] = [%[2]s]
  state v[%[1]d] = 0
  x' = v
  for i in 1..%[4]d { v[i]' = (x[i+1] - 2*x[i] + x[i-1]) + beta*((x[i+1] - x[i])^3 - (x[i] - x[i-1])^3) }
  v[0]' = (x[1] - 2*x[0]) + beta*((x[1] - x[0])^3 - x[0]^3)
  v[%[3]d]' = (x[%[4]d] - 2*x[%[3]d]) - beta*(x[%[3]d]^3 + (x[%[3]d] - x[%[4]d])^3)
  observe y = x[0] ~ normal(1)
}

data end from "chain.csv" { time: t, trajectory: run, y: y }
fit { solver: tsit5 { rtol: 1e-6, atol: 1e-6 }, gradient: unrolled }
simulate { times: [5], solver: tsit5 { rtol: 1e-6, atol: 1e-6 }, outputs: [x] }
`, n, strings.Join(x, ", "), n-1, n-2)
}

// chainTable are the data of so many trajectories of a chain.
func chainTable(trajectories int) string {
	var b strings.Builder
	b.WriteString("run,t,y\n")
	for k := range trajectories {
		fmt.Fprintf(&b, "r%d,0,\nr%d,5,0\n", k, k)
	}
	return b.String()
}

// chains times the loss of a chain over so many trajectories, for each of them.
func chains(n, trajectories int, work func(t *task) error) Timer {
	return func(l *Lab) (sampler, error) {
		s, err := text("chain", chain(n), chainTable(trajectories), work)(l)
		if err != nil {
			return nil, err
		}
		return s.over(trajectories), nil
	}
}

// numba is a work done in Python with numba.
func numba(work string) *Peer { return &Peer{"numba", "numba", work} }
