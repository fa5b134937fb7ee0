package distill

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// table is a linear regression: columns of candidate terms and a column of results, whose
// rows come in runs along trajectories.
type table struct {
	columns [][]float64 // by term
	y       []float64
	runs    []int   // where each trajectory begins
	n       float64 // how many independent rows it counts as
}

// newTable evaluates terms along paths, for one element of a result.
func newTable(terms []term, paths []path, element int, n float64) *table {
	t := &table{columns: make([][]float64, len(terms)), n: n}
	for _, p := range paths {
		t.runs = append(t.runs, len(t.y))
		for i, a := range p.args {
			t.y = append(t.y, p.values[i][element])
			for k := range terms {
				t.columns[k] = append(t.columns[k], terms[k].at(a))
			}
		}
	}
	t.n = min(n, float64(len(t.y)))
	return t
}

// windows and bumps of the weak form: each trajectory has so many, and each is a share of it.
const (
	windows = 24
	share   = 0.2
)

// weak is the table in weak form: its rows are integrals with bumps (1 − s²)² over parts of
// the trajectories, in which wiggles of a network that follows noise average out.
func (t *table) weak() *table {
	w := &table{columns: make([][]float64, len(t.columns)), n: t.n}
	for r, first := range t.runs {
		end := len(t.y)
		if r+1 < len(t.runs) {
			end = t.runs[r+1]
		}
		rows := end - first
		half := share / 2 * float64(rows-1)
		if half < 2 {
			continue
		}
		w.runs = append(w.runs, len(w.y))
		for k := range windows {
			centre := half + (float64(rows-1)-2*half)*float64(k)/(windows-1)
			integral := func(v []float64) (sum float64) {
				for i := range rows {
					if s := (float64(i) - centre) / half; s*s < 1 {
						sum += (1 - s*s) * (1 - s*s) * v[first+i]
					}
				}
				return sum / half
			}
			w.y = append(w.y, integral(t.y))
			for j, c := range t.columns {
				w.columns[j] = append(w.columns[j], integral(c))
			}
		}
	}
	return w
}

// fit are the coefficients of some terms and the sum of squares that is left; NaN where
// they cannot be told apart.
func (t *table) fit(terms []int) (coefs []float64, rest float64) {
	rows := len(t.y)
	if len(terms) == 0 {
		return nil, squares(t.y)
	}
	a, scale := mat.NewDense(rows, len(terms), nil), make([]float64, len(terms))
	for k, j := range terms {
		scale[k] = math.Sqrt(squares(t.columns[j]))
		for i, v := range t.columns[j] {
			a.Set(i, k, v/scale[k])
		}
	}
	var qr mat.QR
	qr.Factorize(a)
	x := mat.NewVecDense(len(terms), nil)
	if rows < len(terms) || qr.SolveVecTo(x, false, mat.NewVecDense(rows, t.y)) != nil {
		return nil, math.NaN()
	}
	r := slices.Clone(t.y)
	for k, j := range terms {
		coefs = append(coefs, x.AtVec(k)/scale[k])
		for i, v := range t.columns[j] {
			r[i] -= coefs[k] * v
		}
	}
	return coefs, squares(r)
}

func squares(v []float64) (sum float64) {
	for _, x := range v {
		sum += x * x
	}
	return sum
}

// criterion is the Bayesian information criterion of a regression. What is left is not
// taken for less than a millionth of the data, which no network tells.
func (t *table) criterion(terms []int, rest float64) float64 {
	floor := 1e-6 * squares(t.y) / float64(len(t.y))
	return t.n*math.Log(rest/float64(len(t.y))+floor) + float64(len(terms))*math.Log(t.n)
}

// forward are the structures that orthogonal matching pursuit finds, one for each size.
func (t *table) forward(most int) (list [][]int) {
	var now []int
	for len(now) < most {
		best, least := -1, math.Inf(1)
		for j := range t.columns {
			if slices.Contains(now, j) || squares(t.columns[j]) == 0 {
				continue
			}
			if _, rest := t.fit(append(slices.Clone(now), j)); rest < least {
				best, least = j, rest
			}
		}
		if best < 0 {
			break
		}
		now = append(slices.Clone(now), best)
		slices.Sort(now)
		list = append(list, now)
	}
	return list
}

// backward are the structures of sequentially thresholded least squares over a path of
// thresholds: from some terms on, the one that contributes least goes.
func (t *table) backward(from []int, most int) (list [][]int) {
	now := slices.Clone(from)
	for len(now) > 0 {
		coefs, rest := t.fit(now)
		if math.IsNaN(rest) {
			return list
		}
		if len(now) <= most {
			list = append(list, slices.Clone(now))
		}
		least, at := math.Inf(1), 0
		for k, j := range now {
			if c := math.Abs(coefs[k]) * math.Sqrt(squares(t.columns[j])); c < least {
				least, at = c, k
			}
		}
		now = slices.Delete(slices.Clone(now), at, at+1)
	}
	return list
}

// singles are the single terms, the best first.
func (t *table) singles() (list [][]int) {
	for j := range t.columns {
		if squares(t.columns[j]) > 0 {
			list = append(list, []int{j})
		}
	}
	slices.SortStableFunc(list, func(a, b []int) int {
		_, x := t.fit(a)
		_, y := t.fit(b)
		return compare(x, y)
	})
	return list
}

// structures are those that the regression proposes, the best first.
func (t *table) structures(most int) [][]int {
	list := t.forward(most)
	if n := len(list); n > 0 {
		wide := t.forward(min(2*most, len(t.columns)))
		list = append(list, t.backward(wide[len(wide)-1], most)...)
	}
	slices.SortStableFunc(list, func(a, b []int) int {
		_, ra := t.fit(a)
		_, rb := t.fit(b)
		return compare(t.criterion(a, ra), t.criterion(b, rb))
	})
	return slices.CompactFunc(list, slices.Equal)
}

func compare(a, b float64) int {
	switch {
	case a < b || math.IsNaN(b) && !math.IsNaN(a):
		return -1
	case a > b || math.IsNaN(a) && !math.IsNaN(b):
		return 1
	}
	return 0
}

// resampled is the table with blocks of rows drawn again, which keeps what neighbours have
// in common: the moving blocks of H.R. Künsch, Ann. Statist. 17, 1217–1241, 1989.
func (t *table) resampled(rng *rand.Rand) *table {
	rows := len(t.y)
	length := max(1, rows/10)
	out := &table{columns: make([][]float64, len(t.columns)), n: t.n, runs: []int{0}}
	for len(out.y) < rows {
		first := rng.IntN(rows - length + 1)
		for i := first; i < first+length && len(out.y) < rows; i++ {
			out.y = append(out.y, t.y[i])
			for j, c := range t.columns {
				out.columns[j] = append(out.columns[j], c[i])
			}
		}
	}
	return out
}

// chosen is how often the regression takes each term, over resampled tables.
func (t *table) chosen(most, draws int, rng *rand.Rand) []float64 {
	share := make([]float64, len(t.columns))
	for range draws {
		if s := t.resampled(rng).structures(most); len(s) > 0 {
			for _, j := range s[0] {
				share[j] += 1 / float64(draws)
			}
		}
	}
	return share
}
