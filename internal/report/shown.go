package report

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
)

// few is up to how many trajectories a run keeps the curves of all.
const few = 100

// Panels is how many trajectories a picture shows at most.
const Panels = 6

// Misfits tell how well each trajectory is predicted. The zero value has none.
type Misfits struct {
	list    []*misfit
	by      map[string]*misfit
	squares map[string]*[2]float64 // of residuals by observation: sum, number
}

type misfit struct {
	name       string
	validation bool
	squares    map[string]*[2]float64
	total      float64 // mean square of residuals in units of those of all trajectories
}

// Add takes a residual into account.
func (m *Misfits) Add(trajectory string, validation bool, observation string, residual float64) {
	if m.by == nil {
		m.by, m.squares = map[string]*misfit{}, map[string]*[2]float64{}
	}
	of := m.by[trajectory]
	if of == nil {
		of = &misfit{name: trajectory, validation: validation, squares: map[string]*[2]float64{}}
		m.by[trajectory] = of
		m.list = append(m.list, of)
	}
	for _, in := range []map[string]*[2]float64{m.squares, of.squares} {
		if in[observation] == nil {
			in[observation] = &[2]float64{}
		}
		in[observation][0] += residual * residual
		in[observation][1]++
	}
}

// Shown is a trajectory that is shown, and the reason: "worst of 15", "best of 15", "" for
// one by chance or where all are shown.
type Shown struct {
	Name       string
	Validation bool
	Why        string
}

// Choose has up to n trajectories: all where these are no more, else the worst and the best of
// those in training, the worst held back, and some of both by chance. The chance lies in the
// names, so that it is the same each time.
func (m *Misfits) Choose(n int) []Shown {
	if len(m.list) <= n {
		out := make([]Shown, len(m.list))
		for i, x := range m.list {
			out[i] = Shown{x.name, x.validation, ""}
		}
		return out
	}
	var train, held []*misfit
	for _, x := range m.list {
		x.total = 0
		count := 0.
		for observation, s := range x.squares {
			if all := m.squares[observation]; all[0] > 0 {
				x.total += s[0] * all[1] / all[0]
			}
			count += s[1]
		}
		x.total /= count
		if x.validation {
			held = append(held, x)
		} else {
			train = append(train, x)
		}
	}
	of := min(len(held), max(n/3, n-len(train)))
	return append(pick(train, n-of, true), pick(held, of, false)...)
}

// pick has n of a list: the worst, where it is asked for the best, and others by chance.
func pick(list []*misfit, n int, best bool) []Shown {
	n = min(n, len(list))
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b *misfit) int { return -cmp.Compare(nanLast(a.total), nanLast(b.total)) })
	var out []Shown
	take := func(x *misfit, why string) {
		if len(out) < n && !slices.ContainsFunc(out, func(s Shown) bool { return s.Name == x.name }) {
			out = append(out, Shown{x.name, x.validation, why})
		}
	}
	if n > 0 {
		take(sorted[0], "worst of "+strconv.Itoa(len(list)))
	}
	if n > 0 && best {
		take(sorted[len(sorted)-1], "best of "+strconv.Itoa(len(list)))
	}
	slices.SortStableFunc(sorted, func(a, b *misfit) int { return cmp.Compare(chance(a.name), chance(b.name)) })
	for _, x := range sorted {
		take(x, "")
	}
	return out
}

// nanLast lets a misfit that is no number count as the worst.
func nanLast(v float64) float64 {
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}

// chance orders names as if by chance.
func chance(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name + "#")) // of names that differ in the end only, the last byte would decide
	return h.Sum64() * 0x9e3779b97f4a7c15
}
