package distill

import (
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode/compiler/check"
)

// term is a candidate of a formula: a function of a block's arguments, written in the
// language. Each has a coefficient of its own, whose unit makes it fit, so that any power of
// an argument is one; functions of numbers are of arguments without a unit alone.
type term struct {
	text string // empty for 1
	at   func(args []float64) float64
}

// argument is an element of a block's arguments.
type argument struct {
	text   string // "x", "z[2]"
	number bool   // without a unit
	both   bool   // it takes both signs where the block was used
}

// arguments are the elements of the arguments of a block.
func arguments(n *check.Neural, rows [][]float64) (list []argument) {
	for _, a := range n.Args {
		for k := range a.Shape.Size() {
			x := argument{text: a.Name, number: a.Unit.Dimensionless()}
			switch a.Shape.Rank {
			case 1:
				x.text = fmt.Sprintf("%s[%d]", a.Name, k)
			case 2:
				x.text = fmt.Sprintf("%s[%d, %d]", a.Name, k/a.Shape.N, k%a.Shape.N)
			}
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, r := range rows {
				v := r[len(list)]
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
			x.both = lo < 0 && hi > 0
			list = append(list, x)
		}
	}
	return list
}

// mostTerms bounds a library; the degree of its monomials falls until it is met.
const mostTerms = 120

// library are the candidates over arguments: monomials up to a degree, x|x| of what
// takes both signs, sine and cosine of numbers.
func library(args []argument, degree int) []term {
	for degree > 1 && monomials(len(args), degree) > mostTerms {
		degree--
	}
	var list []term
	powers := make([]int, len(args))
	var visit func(k, left int)
	visit = func(k, left int) {
		if k == len(args) {
			if left == 0 {
				list = append(list, monomial(args, powers))
			}
			return
		}
		for p := left; p >= 0; p-- {
			powers[k] = p
			visit(k+1, left-p)
		}
		powers[k] = 0
	}
	for d := 0; d <= degree; d++ {
		visit(0, d)
	}
	for i, a := range args {
		if a.both {
			list = append(list, term{a.text + "*abs(" + a.text + ")", func(x []float64) float64 { return x[i] * math.Abs(x[i]) }})
		}
	}
	for i, a := range args {
		if a.number {
			list = append(list, term{"sin(" + a.text + ")", func(x []float64) float64 { return math.Sin(x[i]) }},
				term{"cos(" + a.text + ")", func(x []float64) float64 { return math.Cos(x[i]) }})
		}
	}
	return list
}

// monomials is how many there are of n arguments up to a degree.
func monomials(n, degree int) int {
	count := 1
	for k := 1; k <= degree; k++ {
		count = count * (n + k) / k
	}
	return count
}

func monomial(args []argument, powers []int) term {
	var parts []string
	p := append([]int{}, powers...)
	for i, k := range p {
		switch {
		case k == 1:
			parts = append(parts, args[i].text)
		case k > 1:
			parts = append(parts, fmt.Sprintf("%s^%d", args[i].text, k))
		}
	}
	return term{strings.Join(parts, "*"), func(x []float64) float64 {
		v := 1.
		for i, k := range p {
			for range k {
				v *= x[i]
			}
		}
		return v
	}}
}

// name is a term for people.
func (t *term) name() string {
	if t.text == "" {
		return "1"
	}
	return t.text
}
