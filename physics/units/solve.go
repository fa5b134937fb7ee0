package units

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Solver unifies units that hold variables: each equation fixes one variable
// more, by elimination over the abelian group of units (A. Kennedy, Programming
// Languages and Dimensions, 1996; rational exponents make it linear algebra).
// The scale takes part as one more exponent, so that cm and m differ. The zero
// value is ready to use.
//
// Where Unify fails, Ground of both sides and SameDimension tell whether only
// the scale differs, and Factor by how much.
type Solver struct {
	n    int
	subs map[string]Unit // in terms of variables that were free at that time
}

// Fresh returns a new variable.
func (s *Solver) Fresh() Unit {
	s.n++
	return Base("'" + strconv.Itoa(s.n))
}

// Resolve replaces the variables that are known. The same variables are
// replaced in the same order every time, so that scales round alike.
func (s *Solver) Resolve(u Unit) Unit {
	own := false // the map of u is nobody else's
	for again := true; again; {
		again = false
		for _, k := range Variables(u) {
			v, known := s.subs[k]
			e, ok := u.dims[k]
			if !ok || !known { // it may have cancelled in this round
				continue
			}
			again = true
			if !own {
				u.dims, own = maps.Clone(u.dims), true
			}
			delete(u.dims, k)
			u.multiply(v, e)
		}
	}
	if len(u.dims) == 0 {
		u.dims = nil
	}
	return u
}

// multiply is u = u.Mul(v.pow(r)) for a unit whose map is its own.
func (u *Unit) multiply(v Unit, r ratio) {
	if v.log != 0 || v.err != 0 {
		v, r = v.pow(r), one
	}
	u.log, u.err = u.log+v.log, u.err+v.err
	u.err += eps * math.Abs(u.log)
	for k, e := range v.dims {
		if r != one {
			e = e.mul(r)
		}
		if old, ok := u.dims[k]; ok {
			e = e.add(old)
		}
		if e.valid() && e.sign() == 0 {
			delete(u.dims, k)
		} else {
			u.dims[k] = e
		}
	}
}

// without is the unit but for its power of k.
func (u Unit) without(k string) Unit {
	if _, has := u.dims[k]; has && len(u.dims) == 1 {
		return Unit{u.log, u.err, nil}
	}
	dims := make(map[string]ratio, len(u.dims))
	for n, e := range u.dims {
		if n != k {
			dims[n] = e
		}
	}
	return Unit{u.log, u.err, dims}
}

// Variables returns the variables in u in the order of their creation.
func Variables(u Unit) []string {
	var out []string
	for k := range u.dims {
		if strings.HasPrefix(k, "'") {
			out = append(out, k)
		}
	}
	if len(out) > 1 {
		slices.SortFunc(out, func(a, b string) int {
			return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
		})
	}
	return out
}

// Unify makes a and b equal. It reports false, and changes nothing, if no
// choice of the variables can.
func (s *Solver) Unify(a, b Unit) bool {
	a, b = s.Resolve(a), s.Resolve(b)
	q := a.Div(b)
	for _, e := range q.dims {
		if !e.valid() {
			return false
		}
	}
	vars := Variables(q)
	if len(vars) == 0 {
		return a.Equal(b)
	}
	v := vars[len(vars)-1] // the youngest: what the file declares stays
	rest := q.without(v)
	e := q.dims[v]
	if s.subs == nil {
		s.subs = map[string]Unit{}
	}
	s.subs[v] = rest.pow(e.inv().neg())
	return true
}

// Ground replaces known variables and takes the others as dimensionless.
func (s *Solver) Ground(u Unit) Unit {
	u = s.Resolve(u)
	for _, v := range Variables(u) {
		u = u.without(v)
	}
	return u
}
