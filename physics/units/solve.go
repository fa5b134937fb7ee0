package units

import (
	"fmt"
	"sort"
	"strings"
)

// Solver unifies units that hold variables: each equation fixes one variable
// more, by elimination over the abelian group of units (A. Kennedy, Programming
// Languages and Dimensions, 1996; rational exponents make it linear algebra).
// The zero value is ready to use.
type Solver struct {
	n    int
	subs map[string]Unit
}

// Fresh returns a new variable.
func (s *Solver) Fresh() Unit {
	s.n++
	return Base(fmt.Sprintf("'%d", s.n))
}

// Resolve replaces the variables that are known.
func (s *Solver) Resolve(u Unit) Unit {
	for again := true; again; {
		again = false
		for k, e := range u.dims {
			if v, ok := s.subs[k]; ok {
				rest := Unit{u.log, without(u.dims, k)}
				u = rest.Mul(v.Pow(e.Num, e.Den))
				again = true
				break
			}
		}
	}
	return u
}

func without(dims map[string]Rat, k string) map[string]Rat {
	out := make(map[string]Rat, len(dims))
	for n, e := range dims {
		if n != k {
			out[n] = e
		}
	}
	return out
}

// Variables returns the variables in u, after Resolve.
func Variables(u Unit) []string {
	var out []string
	for k := range u.dims {
		if strings.HasPrefix(k, "'") {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// Unify makes a and b equal. It reports false, and changes nothing, if no
// choice of the variables can.
func (s *Solver) Unify(a, b Unit) bool {
	q := s.Resolve(a.Div(b))
	vars := Variables(q)
	if len(vars) == 0 {
		return q.Dimensionless()
	}
	// The last variable is the youngest: what the file declares stays.
	v := vars[0]
	for _, x := range vars {
		if len(x) > len(v) || len(x) == len(v) && x > v {
			v = x
		}
	}
	e := q.dims[v]
	rest := Unit{q.log, without(q.dims, v)}
	if s.subs == nil {
		s.subs = map[string]Unit{}
	}
	s.subs[v] = rest.Pow(-e.Den, e.Num)
	return true
}

// Ground replaces known variables and takes the others as dimensionless.
func (s *Solver) Ground(u Unit) Unit {
	u = s.Resolve(u)
	for _, v := range Variables(u) {
		u = Unit{u.log, without(u.dims, v)}
	}
	return u
}
