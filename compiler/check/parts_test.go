package check

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// TestWeightsByName: a prior of an array counts before that of its layer, and that before the one
// of the block, in whichever order they stand; what is frozen is named in the same way.
func TestWeightsByName(t *testing.T) {
	p, diags := checkText(t, `model M {
  state x = 1
  neural f(u) -> 1 { prior: normal(0, 1) { 0.bias: cauchy(0, 4), 0: laplace(0, 2), 10: student(3, 0, 1) }, frozen: [1, 0.weight] }
  neural g(u) -> 1 { prior: { 1.bias: normal(0, 3) }, frozen: true }
  neural h(u) -> 1 { frozen: false }
  x' = f(x) + g(x) + h(x)
}`)
	require.Empty(t, diags.All, diags.Error())
	f, g, h := p.Model.Neurals[0], p.Model.Neurals[1], p.Model.Neurals[2]
	for array, want := range map[string]string{
		"0.bias": "cauchy", "0.weight": "laplace", "1.bias": "normal", "1.weight": "normal", "10.bias": "student", "a": "normal",
	} {
		require.Equal(t, want, f.PriorOf(array).Name, array)
	}
	require.Nil(t, g.PriorOf("0.bias"))
	require.Nil(t, g.PriorOf("1.weight"))
	require.Equal(t, "normal", g.PriorOf("1.bias").Name)
	require.Equal(t, []float64{3}, mustFold(t, g.PriorOf("1.bias").Args[1]))
	for array, want := range map[string]bool{"0.weight": true, "0.bias": false, "1.weight": true, "1.bias": true, "10.weight": false, "2.bias": false} {
		require.Equal(t, want, f.FrozenAt(array), array)
		require.True(t, g.FrozenAt(array), array)
		require.False(t, h.FrozenAt(array), array)
	}
	require.False(t, Weights{Name: "gate"}.Names("gate.bias"), "layers are numbers")
}

func mustFold(t *testing.T, x *Expr) []float64 {
	t.Helper()
	v, ok := fold(x)
	require.True(t, ok)
	return v
}

// TestTables: the numbers of a constant in a file, in the shapes that a table may have, and what
// is said of one that does not fit.
func TestTables(t *testing.T) {
	row := func(n int) Shape { return Shape{Rank: 1, N: n} }
	matrix := func(m, n int) Shape { return Shape{Rank: 2, M: m, N: n} }
	for _, c := range []struct {
		text  string
		shape Shape
		want  []float64
		err   string
	}{
		{"1\n2\n3\n", row(3), []float64{1, 2, 3}, ""},
		{"\ufeff1, 2;3", row(3), []float64{1, 2, 3}, ""},
		{"# a comment\r\n\r\n 1\t2e1 \r\n-3,4\r\n", matrix(2, 2), []float64{1, 20, -3, 4}, ""},
		{"7\n", row(1), []float64{7}, ""},
		{"1,2\n3\n", matrix(2, 2), nil, "line 2 has 1 numbers, where `[2, 2]` asks for 2"},
		{"1,2,3\n4,5,6\n", row(3), nil, "there are 2 rows of numbers, where `[3]` asks for 1"},
		{"1,2\n", row(3), nil, "line 1 has 2 numbers, where `[3]` asks for 1"},
		{"1\n2\n", row(3), nil, "there are 2 rows of numbers, where `[3]` asks for 3"},
		{"#\n1\nx y\n", row(2), nil, "line 3: `x y` is no finite number"},
		{"1\nNaN\n", row(2), nil, "line 2: `NaN` is no finite number"},
		{"-inf\n1\n", row(2), nil, "line 1: `-inf` is no finite number"},
	} {
		got, err := numbers(c.text, c.shape)
		if c.err != "" {
			require.ErrorContains(t, err, strings.TrimSuffix(c.err, "s"), "%q", c.text)
			continue
		}
		require.NoError(t, err, "%q", c.text)
		require.Equal(t, c.want, got, "%q", c.text)
	}
}

// TestTablesAreRead: a table is looked for beside the model file, once, and is a file of the program.
func TestTablesAreRead(t *testing.T) {
	env, asked := *testEnv, []string{}
	env.Read = func(path string) ([]byte, error) {
		if asked = append(asked, path); path == "some/b.csv" {
			return []byte("4,5\n"), nil
		}
		return nil, errors.New("it is not there")
	}
	check := func(text string) (*Program, *diag.List) {
		f, diags := dsl.Parse(diag.NewSource("some/m.node", text))
		require.NoError(t, diags.Err())
		return Check(f, &env)
	}
	p, diags := check("model M {\n  const b[2] from \"b.csv\"\n  const c[2] from \"b.csv\"\n  state x = 0\n  x' = b[1] + c[0]\n}")
	require.Empty(t, diags.All, diags.Error())
	require.Equal(t, []string{"some/b.csv", "some/b.csv"}, asked)
	require.Equal(t, []string{"some/b.csv"}, p.Files)
	require.Equal(t, []float64{4, 5}, p.Model.Consts[len(p.Model.Consts)-1].Values)
	_, diags = check("model M {\n  const b[2] from \"/tmp/none.csv\"\n  const c from \"b.csv\"\n  state x = 0\n  x' = b[1] + c\n}")
	require.Equal(t, "/tmp/none.csv", asked[2])
	require.Len(t, diags.All, 2)
	require.Contains(t, said(diags.All[0]), "bad-table: the constant `b` cannot be read from \"/tmp/none.csv\": it is not there; a relative path is taken from the model file's folder")
	require.Equal(t, 3, diags.All[1].Span.Pos().Line)
}

// TestGrids: cells, scheme and order of a grid, by default and as they are given, and what is said
// of those that there are not.
func TestGrids(t *testing.T) {
	const field = "model M {\n  coordinate x in [0, 1]\n  state u(x) = 0\n  u' = diff(u, x, x)\n  boundary periodic x\n}\n"
	const plate = "model M {\n  coordinate x in [0, 1]\n  coordinate z in [0, 2]\n  state v(z) = 0\n  state w = 1\n  state u[3](x, z) = [1, 2, 3]\n  w' = 0\n  v' = diff(v, z, z)\n  u' = diff(u, x, x) + diff(u, z, z)\n  boundary periodic x\n  boundary periodic z\n}\n"
	for _, c := range []struct {
		text   string
		cells  []int
		scheme string
		order  int
	}{
		{field, []int{100}, "central", 2},
		{plate, []int{50, 50}, "central", 2},
		{field + "grid { x: 4 }", []int{4}, "central", 2},
		{field + "grid { x: 100000, scheme: central, order: 6 }", []int{100000}, "central", 6},
		{plate + "grid { z: 7 cells, scheme: upwind, order: 1 }", []int{50, 7}, "upwind", 1},
		{plate + "grid { x: 9, z: 7, scheme: weno5 }", []int{9, 7}, "weno5", 2},
	} {
		p, diags := checkText(t, c.text)
		require.NoError(t, diags.Err(), c.text)
		require.Equal(t, c.cells, p.Grid.Cells, c.text)
		require.Equal(t, c.scheme, p.Grid.Scheme, c.text)
		require.Equal(t, c.order, p.Grid.Order, c.text)
	}
	for text, want := range map[string][]string{
		plate + "grid { x: 3, z: 200 cells, x: 20, scheme: weno5, order: 2, cells: 4, order: 3, y: 10 }": {
			"bad-grid: `x` cannot have 3 cells; there are 4 to 100000", "duplicate: `x` is declared twice; first here",
			"bad-grid: the order of `weno5` is its own; leave out `order`", "unknown-name: there is no setting `cells`; there are: order, scheme, x, z",
			"duplicate: `order` is declared twice; first here", "unknown-name: there is no setting `y`; there are: order, scheme, x, z",
		},
		field + "grid { x: 100001 }":                 {"bad-grid: `x` cannot have 100001 cells; there are 4 to 100000"},
		field + "grid { order: 3 }":                  {"bad-grid: there is no order 3; orders are 2, 4 and 6, of `upwind` 1 and 2"},
		field + "grid { scheme: upwind, order: 4 }":  {"bad-grid: `upwind` has the order 1 or 2; `weno5` has a higher one, and `central` 2, 4 or 6"},
		field + "grid { scheme: central, order: 1 }": {"bad-grid: `central` has the order 2, 4 or 6; `upwind` has 1 or 2"},
		field + "grid { x: 5 apples }":               {"bad-option: `x` is a value"},
		field + "grid { x: 1.5 }":                    {"not-constant: a whole number is needed here, not 1.5"},
		"model M {\n  state x = 0\n  x' = 1\n}\ngrid { x: 10 }": {
			"bad-grid: the model has no field, so there is nothing to put on a grid; a field is a state over coordinates: `coordinate x in [0, 1]`, `state u(x) = 0`",
		},
	} {
		_, diags := checkText(t, text)
		var got []string
		for _, d := range diags.All {
			got = append(got, strings.TrimRight(said(d), "; "))
		}
		require.ElementsMatch(t, want, got, text)
	}
}

// TestOnGrid: on a grid each field is a vector of its cells, component by component, and so is what is
// assigned to one; states without coordinates are what they were.
func TestOnGrid(t *testing.T) {
	p, diags := checkText(t, `model M {
  coordinate x in [0, 1]
  coordinate z in [0, 2]
  state v(z) = 2
  state w = 1
  state u[3](x, z) = [1, 2, 3]
  let twice = 2*v
  let plain = 2*w
  w' = 0
  v' = diff(v, z, z)
  u' = diff(u, x, x) + diff(u, z, z)
  boundary periodic x
  boundary periodic z
  event reset when w > 2 { w := 0; v := 1; u[1] := z }
}
grid { x: 5, z: 7 }`)
	require.NoError(t, diags.Err())
	m, diags := p.Model.OnGrid(p.Grid)
	require.Empty(t, diags.All)
	sizes := map[string]int{}
	for _, s := range m.States {
		sizes[s.Name] = s.Shape.Size()
		require.Empty(t, s.Over, s.Name)
	}
	require.Equal(t, map[string]int{"v": 7, "w": 1, "u": 3 * 35}, sizes)
	var v, u *State
	for of, s := range m.Gridded.Vectors {
		require.Same(t, of, m.Gridded.Fields[s])
		if of.Name == "v" {
			v = s
		} else {
			u = s
		}
		require.Equal(t, Cells, s.Init.Kind)
		require.Equal(t, string(CellsStart), s.Init.Name)
		require.Equal(t, string(CellsRate), s.Deriv.Name)
		require.Equal(t, s.Shape, s.Deriv.Shape)
	}
	require.Len(t, m.Gridded.Vectors, 2)
	list := m.Events[0].Assigns
	require.Len(t, list, 3)
	require.Equal(t, "w", list[0].Target.Info().Name)
	require.Same(t, v, list[1].Target)
	require.Equal(t, 0, list[1].Offset)
	require.Equal(t, 7, list[1].Value.Shape.Size())
	require.Same(t, u, list[2].Target)
	require.Equal(t, 35, list[2].Offset, "behind the cells of the first component")
	require.Equal(t, 35, list[2].Value.Shape.Size())
	require.Equal(t, string(CellsMean), list[2].Value.Name)
	require.Len(t, m.Lets, 2)
	require.Equal(t, 7, m.Lets[0].Shape.Size())
	require.Equal(t, string(CellsPoint), m.Lets[0].Value.Name)
	require.Equal(t, "z", m.Gridded.Over[m.Lets[0]][0].Name)
	require.Equal(t, 1, m.Lets[1].Shape.Size())
	require.NotSame(t, m.Lets[0], m.Gridded.Shown[m.Lets[0]], "it is the quantity at a point")

	p, diags = checkText(t, "model M {\n  coordinate x in [0, 1]\n  state u[6](x) = [1, 1, 1, 1, 1, 1]\n  state v(x)\n  u' = diff(u, x, x)\n  v' = diff(v, x, x)\n  boundary periodic x\n}\ngrid { x: 100000 }")
	require.NoError(t, diags.Err())
	_, diags = p.Model.OnGrid(p.Grid)
	require.Len(t, diags.All, 1, "the field without a start: %s", diags.Error())
	require.Contains(t, said(diags.All[0]), "missing-initial: the field `v` has no initial value; write `state v = …`")
}

// TestRowsOfEvents: which columns tell arguments and doses of an event, in which units, and
// what numbers with a unit are in that of the column that they are compared with.
func TestRowsOfEvents(t *testing.T) {
	p, diags := checkText(t, `model M {
  time t: h
  param k: 1/h = 1
  state A: mg = 0
  A' = -k*A
  event dose(amount: mg) on data { A += amount }
  event drip(rate: mg/h) on data { A += rate*(1 [h]) }
  observe y: mg = A
}
data d from "d.csv" {
  time: t [s]
  y: { column: DV [g], where: DV < 3 [kg] and not (-2 [mg] > DV) }
  dose: { amount: AMT [ug], where: EVID == 1, additional: ADDL, interval: II [min], steady: SS, cycles: N }
  drip: { duration: D [min], total: T [g] }
}`)
	require.NoError(t, diags.Err())
	d := p.Data[0]
	require.Len(t, d.Rows, 2)
	dose, drip := d.Rows[0], d.Rows[1]
	require.Equal(t, "dose", dose.Event.Name)
	require.Equal(t, []string{"AMT", "ADDL", "II", "SS", "N", "", ""}, []string{dose.Args[0].Name, dose.Additional.Name, dose.Interval.Name, dose.Steady.Name, dose.Cycles.Name, dose.Duration.Name, dose.Total.Name})
	require.Equal(t, []string{"", "D", "T"}, []string{drip.Args[0].Name, drip.Duration.Name, drip.Total.Name})
	require.NotNil(t, dose.Where)
	require.Nil(t, drip.Where)
	require.InEpsilon(t, 1e-3, dose.Args[0].Factor, 1e-12, "micrograms in mg")
	require.InEpsilon(t, 1./60, dose.Interval.Factor, 1e-12, "minutes in hours")
	require.InEpsilon(t, 1./60, drip.Duration.Factor, 1e-12)
	require.InEpsilon(t, 1e3, drip.Total.Factor, 1e-12, "grams in mg")
	where := d.Columns[0].Column.Where
	require.NotNil(t, where)
	factors := map[float64]float64{}
	for n, f := range where.Factors {
		factors[n.Value] = f
	}
	require.InDeltaMapValues(t, map[float64]float64{3: 1e3, 2: 1e-3}, factors, 1e-12, "in grams")
}

// TestPrinted: expressions are printed with the parentheses that they need and no others, and what
// is printed means the same.
func TestPrinted(t *testing.T) {
	known := map[string]float64{"a": 1.5, "b": -0.7, "c": 2.2}
	leaf := func(x *Expr) ([]float64, bool) {
		v, ok := known[x.Object.Info().Name]
		return []float64{v}, ok
	}
	of := func(text string) (printed string, value []float64) {
		p, diags := checkText(t, "model M {\n  covariate a\n  covariate b\n  covariate c\n  state x = "+text+"\n  x' = 0\n}")
		require.NoError(t, diags.Err(), text)
		init := p.Model.States[0].Init
		value, ok := Evaluate(init, leaf)
		require.True(t, ok, text)
		return printer{}.text(init, 0), value
	}
	for text, want := range map[string]string{
		"a*(-b)": "a*-b", "(-a)^2": "(-a)^2", "-(a^2)": "-a^2", "-(a + b)": "-(a + b)", "-(a*b)": "-(a*b)", "(-a)*b": "-a*b", "a - (b - c)": "a - (b - c)", "(a - b) - c": "a - b - c",
		"a/(b*c)": "a/(b*c)", "(a/b)*c": "a/b*c", "(a + b)*c": "(a + b)*c", "a + (b*c)": "a + b*c", "(c^a)^a": "(c^a)^a", "c^(a^a)": "c^a^a", "c^(-a)": "c^-a", "a - (-b)": "a - -b",
		"if not (a < b and b < c) or a > c then 1 else 2": "if not (a < b and b < c) or a > c then 1 else 2",
		"if not (not (a < b)) then 1 else 2":              "if not not a < b then 1 else 2",
		"if (not (a < b)) and b < c then 1 else 2":        "if not a < b and b < c then 1 else 2",
		"if a < b and (b < c or c < a) then 1 else 2":     "if a < b and (b < c or c < a) then 1 else 2",
		"(if a < b then 1 else 2)*c":                      "(if a < b then 1 else 2)*c",
		"2*sin(a + b)":                                    "2*sin(a + b)", "max(a, b + c)/c": "max(a, b + c)/c",
	} {
		printed, value := of(text)
		require.Equal(t, want, printed, text)
		again, same := of(printed)
		require.Equal(t, printed, again)
		require.Equal(t, value, same, text)
	}
}

// TestRequires: what is to be 0 or more is the greater side less the other, and a comparison with 0 is that side alone.
func TestRequires(t *testing.T) {
	of := func(text string) (*Program, []string) {
		p, diags := checkText(t, "model M {\n  state x = 1\n  state y[2] = [1, 2]\n  x' = -x\n  y' = -y\n  require "+text+"\n}")
		var list []string
		for _, d := range diags.All {
			list = append(list, said(d))
		}
		return p, list
	}
	for text, want := range map[string]Require{
		"x >= 0":                       {Weight: 1},
		"((x) > 2)":                    {Weight: 1},
		"x <= 2 { weight: 3 }":         {Weight: 3},
		"0 < x { weight: 0 }":          {},
		"x == y[0] { weight: 1/2 }":    {Equality: true, Weight: 0.5},
		"y >= x":                       {Weight: 1},
		"0 >= x":                       {Weight: 1},
		"x == 0":                       {Equality: true, Weight: 1},
		"(if x > 1 then 1 else 2) > x": {Weight: 1},
	} {
		p, mistakes := of(text)
		require.Empty(t, mistakes, text)
		require.Len(t, p.Model.Requires, 1)
		got := p.Model.Requires[0]
		require.Equal(t, [2]any{want.Equality, want.Weight}, [2]any{got.Equality, got.Weight}, text)
		value, ok := Evaluate(got.G, func(x *Expr) ([]float64, bool) {
			if x.Object.Info().Name == "x" {
				return []float64{1.25}, true
			}
			return []float64{3, -4}, true
		})
		require.True(t, ok)
		require.Equal(t, map[string][]float64{
			"x >= 0": {1.25}, "((x) > 2)": {-0.75}, "x <= 2 { weight: 3 }": {0.75}, "0 < x { weight: 0 }": {1.25}, "x == y[0] { weight: 1/2 }": {-1.75},
			"y >= x": {1.75, -5.25}, "0 >= x": {-1.25}, "x == 0": {1.25}, "(if x > 1 then 1 else 2) > x": {-0.25},
		}[text], value, text)
	}
	for text, want := range map[string]string{
		"x":                    "bad-require: `require` takes one comparison; ",
		"x + 1":                "bad-require: `require` takes one comparison; ",
		"x > 0 and x < 2":      "bad-require: `require` takes one comparison; ",
		"x != 1":               "bad-require: `require` takes one comparison; ",
		"not (x > 0)":          "bad-require: `require` takes one comparison; ",
		"y > [1, 2, 3]":        "shape-mismatch: shapes [2] and [3] do not fit",
		"x > 0 { weight: -1 }": "bad-option: `weight` is a number without unit, 0 or more",
		"x > 0 { weight: x }":  "bad-option: `weight` is a number without unit, 0 or more",
	} {
		_, mistakes := of(text)
		require.Len(t, mistakes, 1, text)
		require.Contains(t, mistakes[0], want, text)
	}
}

// TestSizes: an array has from one element to a million.
func TestSizes(t *testing.T) {
	for dims, want := range map[string]Shape{
		"1": vec(1), "1, 1": mat(1, 1), "2, 1": mat(2, 1), "1000000": vec(1000000), "1000, 1000": mat(1000, 1000), "2*3, 4 - 1": mat(6, 3),
	} {
		p, diags := checkText(t, "model M {\n  state x = 1\n  x' = -x\n  covariate c["+dims+"]\n}")
		require.NoError(t, diags.Err(), dims)
		require.Equal(t, want, p.Model.Covariates[0].Shape, dims)
	}
	for dims, want := range map[string]string{
		"0": "a dimension is at least 1, not 0", "-1": "a dimension is at least 1, not -1", "3, 0": "a dimension is at least 1, not 0",
		"1000001": "an array has at most 1000000 elements", "1001, 1000": "an array has at most 1000000 elements",
	} {
		_, diags := checkText(t, "model M {\n  state x = 1\n  x' = -x\n  covariate c["+dims+"]\n}")
		require.Len(t, diags.All, 1, dims)
		require.Contains(t, said(diags.All[0]), want, dims)
		require.Equal(t, 4, diags.All[0].Span.Pos().Line)
	}
}

// TestPriorsNarrow: an interval is cut to the support of the prior, and is open at an end at which either is.
func TestPriorsNarrow(t *testing.T) {
	for text, want := range map[string]Interval{
		"in [0, inf) = 1 ~ lognormal(0, 1)":   {Lo: 0, Hi: math.Inf(1), LoOpen: true, HiOpen: true},
		"in [0.5, inf) = 1 ~ lognormal(0, 1)": {Lo: 0.5, Hi: math.Inf(1), HiOpen: true},
		"in [-1, 3] = 1 ~ lognormal(0, 1)":    {Lo: 0, Hi: 3, LoOpen: true},
		"in [-1, 3] = 1 ~ normal(0, 1)":       {Lo: -1, Hi: 3},
		"in (0, 1) = 0.5 ~ uniform(-1, 2)":    {Lo: 0, Hi: 1, LoOpen: true, HiOpen: true},
		"in (-3, 9) = 0.5 ~ uniform(-1, 2)":   {Lo: -1, Hi: 2},
		"in [0, 1] = 0.5 ~ beta(2, 2)":        {Lo: 0, Hi: 1, LoOpen: true, HiOpen: true},
		"in [0, 0.75] = 0.5 ~ beta(2, 2)":     {Lo: 0, Hi: 0.75, LoOpen: true},
	} {
		p, diags := checkText(t, "model M {\n  param k "+text+"\n  state x = 1\n  x' = -k*x\n}")
		require.NoError(t, diags.Err(), text)
		got := p.Model.Params[0]
		require.Equal(t, want, Interval{Lo: got.Lo, Hi: got.Hi, LoOpen: got.LoOpen, HiOpen: got.HiOpen}, text)
	}
}
