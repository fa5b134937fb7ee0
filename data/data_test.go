package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/interp"
	"pgregory.net/rapid"

	_ "github.com/pinode/pinode/internal/testseed"
)

func table(t require.TestingT, text string) *Table {
	tab, err := ReadDelimited("d.csv", strings.NewReader(text), ',')
	require.NoError(t, err)
	return tab
}

func TestRead(t *testing.T) {
	tab := table(t, "\ufeff# made by hand\r\n\"time, s\", \"say \"\"x\"\"\",µ\r\n\r\n0,1,2\r\n# in between\r\n1,\"two\nlines\",\r\n 2 , NA,-1.5e-3\r\n")
	require.Equal(t, []string{"time, s", `say "x"`, "µ"}, tab.Columns)
	require.Equal(t, 3, tab.Len())
	require.Equal(t, []int{4, 6, 8}, []int{tab.Line(0), tab.Line(1), tab.Line(2)}, "lines of the file, comments and all")
	s, err := tab.Strings(`say "x"`)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "two\nlines", "NA"}, s)
	v, err := tab.Floats("time, s")
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 2}, v)
	v, err = tab.Floats("µ")
	require.NoError(t, err)
	require.True(t, v[0] == 2 && math.IsNaN(v[1]) && v[2] == -1.5e-3)

	bom := table(t, "\ufeff\"t\",x\n0,1\n")
	require.Equal(t, []string{"t", "x"}, bom.Columns, "a quoted name behind a byte order mark")
	tsv, err := ReadDelimited("d.tsv", strings.NewReader("t\tx, y\n0\t1\n1\t\n"), '\t')
	require.NoError(t, err)
	v, err = tsv.Floats("x, y")
	require.NoError(t, err)
	require.True(t, v[0] == 1 && math.IsNaN(v[1]))
}

func TestMissing(t *testing.T) {
	for _, cell := range []string{"", "  ", "NA", "na", "NaN", "nan", "NAN", "n/a", "null", "NULL", "."} {
		v, ok := number(cell)
		require.True(t, ok && math.IsNaN(v), "%q is a missing value", cell)
	}
	for cell, want := range map[string]float64{"1": 1, "-0": 0, "+2.5": 2.5, " 1e3 ": 1000, ".5": 0.5, "5.": 5, "1e-400": 0} {
		v, ok := number(cell)
		require.True(t, ok && v == want, cell)
	}
	for _, cell := range []string{"x", "1x", "0x1p4", "1_000", "1,5", "1 2", "inf", "-Inf", "+infinity", "1e999", "--1", "−1", "1e", "true"} {
		_, ok := number(cell)
		require.False(t, ok, "%q is no number", cell)
	}
}

// TestReadErrors has the messages in full: they are what a user reads first.
func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "d.csv: the file is empty\n  = help: the first line names the columns",
		"# only this\n":      "d.csv: the file is empty\n  = help: the first line names the columns",
		"a,b\n":              "d.csv: the table has a header and no rows",
		"a,b\r1,2\r":         "d.csv: its lines end with a carriage return alone, as those of old programs do\n  = help: save it with the line ends of today, as CSV in UTF-8",
		"# c\na,a\n1,2\n":    "d.csv:2: two columns are named `a`\n  = help: give each column a name of its own",
		"a,b\n1,2\n\n1\n":    "d.csv:4: the row has 1 cell, the header 2\n  = help: a missing value is an empty cell between separators; a cell with a separator in it is quoted",
		"a,b\n1,2,3\n":       "d.csv:2: the row has 3 cells, the header 2\n  = help: a missing value is an empty cell between separators; a cell with a separator in it is quoted",
		"a,\n1,2\n":          "d.csv:1: column 2 has no name\n  = help: the first line names the columns",
		"a,b\n\"1,2\n":       "d.csv:2: extraneous or missing \" in quoted-field at character 6\n  = help: a quoted cell ends with a quote before the separator; a quote inside of it is doubled",
		"a,b\n1,5\"\n":       "d.csv:2: bare \" in non-quoted-field at character 4\n  = help: a cell with a quote in it is quoted as a whole, and the quote doubled",
		"a;b\n1;2\n":         "d.csv:1: the columns are separated by \";\", not \",\"\n  = help: separate the columns of a .csv by commas and those of a .tsv by tabs; numbers have a decimal point",
		"a\tb\n1\t2\n":       "d.csv:1: the columns are separated by \"\\t\", not \",\"\n  = help: separate the columns of a .csv by commas and those of a .tsv by tabs; numbers have a decimal point",
		"\xff\xfea\x00\n":    "d.csv: the file is not text in UTF-8\n  = help: export the table as CSV in UTF-8",
		"PK\x03\x04\x00\x00": "d.csv: the file is not text in UTF-8\n  = help: export the table as CSV in UTF-8",
		"a,\xb5\n1,2\n":      "d.csv: the file is not text in UTF-8\n  = help: export the table as CSV in UTF-8",
	} {
		_, err := ReadDelimited("d.csv", strings.NewReader(text), ',')
		require.EqualError(t, err, want)
	}
	for cell, want := range map[string]string{
		"1.5x":    "d.csv:3: column `x`: `1.5x` is not a number\n  = help: numbers have a decimal point; a missing value is an empty cell or NaN",
		"\"1,5\"": "d.csv:3: column `x`: `1,5` is not a number\n  = help: write the number with a decimal point, 1.5",
		"-inf":    "d.csv:3: column `x`: `-inf` is not a finite number\n  = help: a missing value is an empty cell or NaN",
		"1e999":   "d.csv:3: column `x`: `1e999` is too large\n  = help: numbers reach to 1.8e+308",
		"0x10":    "d.csv:3: column `x`: `0x10` is not a number\n  = help: numbers have a decimal point; a missing value is an empty cell or NaN",
	} {
		_, err := table(t, "time,x\n0,1\n1,"+cell+"\n").Floats("x")
		require.EqualError(t, err, want)
	}
	_, err := table(t, "time,x\n0,1\n").Floats("tme")
	require.EqualError(t, err, "d.csv: there is no column `tme`\n  = help: did you mean `time`? the columns are: time, x")
	_, err = table(t, "time,x\n0,1\n").Strings("velocity")
	require.EqualError(t, err, "d.csv: there is no column `velocity`\n  = help: the columns are: time, x")
	_, err = ReadDelimited("d.csv", io.MultiReader(strings.NewReader("a,b\n"), failing{}), ',')
	require.EqualError(t, err, "d.csv: the disk is on fire")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is on fire") }

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "drops.csv"), []byte("t,x\n0,1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "drops.TSV"), []byte("t\tx\n0\t1\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.csv"), 0o700))
	for _, name := range []string{"drops.csv", "drops.TSV"} {
		tab, err := ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, []string{"t", "x"}, tab.Columns)
	}
	for name, want := range map[string]string{
		"drop.csv":   ": the file does not exist\n  = help: did you mean `drops.csv`?",
		"mice.csv":   ": the file does not exist\n  = help: a relative path is taken from the model file's folder",
		"a.parquet":  ": this program does not read Parquet files, since it does not import `data/parquet`\n  = help: write the table as .csv, .npz or .tsv",
		"a.XLSX":     ": spreadsheets are not read\n  = help: write the table as .csv, .npz or .tsv",
		"a.json":     ": files ending in `.json` are not read\n  = help: write the table as .csv, .npz or .tsv",
		"a":          ": the file's name has no ending that says what it is\n  = help: write the table as .csv, .npz or .tsv",
		"folder.csv": ": is a directory",
	} {
		path := filepath.Join(dir, name)
		_, err := ReadFile(path)
		require.EqualError(t, err, path+want)
	}
}

// FuzzRead checks that no input makes the reader panic, and that what it
// accepts is a table.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\ufeff\"a\n\",#\n", "#\n\n,", "\"", "a\r\n\r1\r\n", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := ReadDelimited("f.csv", strings.NewReader(text), ',')
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			return
		}
		require.NotEmpty(t, tab.Columns)
		require.Positive(t, tab.Len())
		for _, c := range tab.Columns {
			if v, err := tab.Floats(c); err == nil {
				require.Len(t, v, tab.Len())
			}
		}
	})
}

func cellIs(column, want string) func(Row) (bool, error) {
	return func(r Row) (bool, error) {
		s, _, _, err := r.Cell(column)
		return s == want, err
	}
}

func TestBuild(t *testing.T) {
	tab := table(t, "\ufeffball,t,h_cm,m,dose,kind\n# a comment\nb,2,30,5,,obs\na,1,10,4,,obs\na,0,,4,7,dose\nb,0,20,5,,obs\na,1,12,,,obs\nb,1,NaN,5,,obs\n")
	set, err := Build(tab, &Spec{
		Time: Column{Name: "t"}, Keys: []string{"ball"}, Observes: []Column{{Name: "h_cm", Factor: 0.01}, {}}, Covariates: []Column{{Name: "m", Factor: 1}, {}},
		Inputs: []Column{{Name: "h_cm", Factor: 1}, {}},
		Events: []EventSpec{{Args: []Column{{Name: "dose", Factor: 1000}}, Where: cellIs("kind", "dose")}, {Args: []Column{{Name: "dose", Factor: 1}}}},
		Train:  cellIs("ball", "a"), Validate: cellIs("ball", "b"),
	})
	require.NoError(t, err)
	require.Len(t, set.Trajectories, 2)
	b, a := set.Trajectories[0], set.Trajectories[1]
	require.Equal(t, "ball=b", b.Name(set.Keys))
	require.Equal(t, []Split{Validate, Train}, []Split{b.Split, a.Split})
	require.Equal(t, []float64{0, 2}, b.Times, "sorted; a row without any value is no observation")
	require.Equal(t, 2, b.Lost, "the values that the row lacks are counted")
	require.Equal(t, 0, a.Lost, "a row that fires an event lacks nothing")
	require.Equal(t, 0.2, b.Obs.At(0)[0])
	require.True(t, math.IsNaN(b.Obs.At(0)[1]))
	require.Equal(t, []float64{1, 1}, a.Times, "replicates stay")
	require.Equal(t, [2]float64{0, 1}, [2]float64{a.T0, a.T1})
	require.Equal(t, 4., a.Covariates[0])
	require.True(t, math.IsNaN(a.Covariates[1]), "not in this table")
	require.Equal(t, []Firing{{0, 0, []float64{7000}, 0, false, false, nil}, {0, 1, []float64{7}, 0, true, false, nil}}, fired(a.Firings))
	require.Equal(t, Signal{[]float64{0, 2}, []float64{20, 30}}, b.Inputs[0])
	require.Empty(t, b.Inputs[1].T)
	st := set.Describe(0, Validate)
	require.Equal(t, 2, st.Values)
	require.InDelta(t, 0.25, st.Mean, 1e-15)
	require.Equal(t, Stats{Missing: 2}, set.Describe(1, Train))

	one, err := Build(table(t, "t,x\n1,2\n0,1\n"), &Spec{Time: Column{Name: "t", Factor: 60}, Observes: []Column{{Name: "x", Factor: 1}}})
	require.NoError(t, err)
	require.Len(t, one.Trajectories, 1, "without keys all rows are one trajectory")
	require.Equal(t, []float64{0, 60}, one.Trajectories[0].Times)
	require.Equal(t, Train, one.Trajectories[0].Split)
	require.Empty(t, one.Trajectories[0].Name(nil))
}

// TestUnitsOfColumns: numbers are multiplied and raised into the unit of the model, whatever
// they are for: degrees Fahrenheit are 5/9 K each from 459.67 below their zero on. No factor is
// one, with its offset.
func TestUnitsOfColumns(t *testing.T) {
	kelvin := func(name string) Column { return Column{Name: name, Factor: 5. / 9, Offset: 459.67 * 5 / 9} }
	set, err := Build(table(t, "t,f,c,k\n1,32,25,3\n3,212,,4\n"), &Spec{
		Time: Column{Name: "t", Factor: 60, Offset: 30}, Observes: []Column{kelvin("f"), {Name: "c", Offset: 273.15}},
		Covariates: []Column{{Name: "k", Offset: -1, Where: cellIs("k", "3")}},
		Inputs:     []Column{kelvin("f")},
		Events:     []EventSpec{{Args: []Column{kelvin("f")}, Where: cellIs("c", "25")}},
	})
	require.NoError(t, err)
	tr := set.Trajectories[0]
	require.Equal(t, []float64{90, 210}, tr.Times)
	require.InDelta(t, 273.15, tr.Obs.At(0)[0], 1e-12)
	require.InDelta(t, 373.15, tr.Obs.At(1)[0], 1e-12)
	require.Equal(t, 298.15, tr.Obs.At(0)[1])
	require.True(t, math.IsNaN(tr.Obs.At(1)[1]), "nothing measured stays nothing")
	require.Equal(t, 2., tr.Covariates[0])
	require.InDeltaSlice(t, []float64{273.15, 373.15}, tr.Inputs[0].V, 1e-12)
	require.InDelta(t, 273.15, tr.Firings[0].Args[0], 1e-12)
}

func TestSplits(t *testing.T) {
	text := "id,t,x\na,0,1\nb,0,1\nc,0,1\n"
	spec := func(train, validate func(Row) (bool, error)) *Spec {
		return &Spec{Time: Column{Name: "t", Factor: 1}, Keys: []string{"id"}, Observes: []Column{{Name: "x", Factor: 1}}, Train: train, Validate: validate}
	}
	for _, c := range []struct {
		train, validate func(Row) (bool, error)
		want            []Split
	}{
		{nil, nil, []Split{Train, Train, Train}},
		{nil, cellIs("id", "b"), []Split{Train, Validate, Train}},
		{cellIs("id", "a"), nil, []Split{Train, Unused, Unused}},
		{cellIs("id", "a"), cellIs("id", "b"), []Split{Train, Validate, Unused}},
	} {
		set, err := Build(table(t, text), spec(c.train, c.validate))
		require.NoError(t, err)
		var got []Split
		for _, tr := range set.Trajectories {
			got = append(got, tr.Split)
		}
		require.Equal(t, c.want, got)
	}
	_, err := Build(table(t, text), spec(cellIs("id", "a"), cellIs("id", "a")))
	require.EqualError(t, err, "d.csv:2: the row is both for training and for validation\n  = help: the conditions `train` and `validate` exclude each other; without `train`, all the rest is for training")
	_, err = Build(table(t, "id,t,x\na,0,1\na,1,2\n"), spec(nil, cellIs("x", "2")))
	require.EqualError(t, err, "d.csv:3: rows of one trajectory fall on both sides of `train` and `validate`\n  = help: split by the keys that make a trajectory")
	_, err = Build(table(t, text), spec(cellIs("ids", "a"), nil))
	require.ErrorContains(t, err, "d.csv: there is no column `ids`")
	_, err = Build(table(t, text), spec(nil, cellIs("ids", "a")))
	require.ErrorContains(t, err, "d.csv: there is no column `ids`")
}

// TestWithoutTimes: each row is a trajectory, numbered as in the table, and is when it is
// said to be.
func TestWithoutTimes(t *testing.T) {
	spec := &Spec{
		Keys: []string{"site"}, Where: cellIs("keep", "1"), Observes: []Column{{Name: "y"}},
		Inputs: []Column{{Name: "u"}}, Covariates: []Column{{Name: "a", Factor: 2}},
	}
	set, err := Build(table(t, "site,keep,a,y,u\nn,1,1,5,7\nn,0,2,6,8\ns,1,3,,9\n"), spec)
	require.NoError(t, err)
	require.Len(t, set.Trajectories, 2)
	for i, name := range []string{"site=n, row=1", "site=s, row=3"} {
		tr := set.Trajectories[i]
		tr.Begin(4)
		require.Equal(t, name, tr.Name(set.Keys))
		require.Equal(t, [][]float64{{4}, {4, 4}, {4}}, [][]float64{tr.Times, {tr.T0, tr.T1}, tr.Inputs[0].T})
		require.Equal(t, []float64{2, 6}[i], tr.Covariates[0])
		require.Equal(t, i == 1, math.IsNaN(tr.Obs.At(0)[0]))
	}
}

func TestBuildErrors(t *testing.T) {
	spec := &Spec{Time: Column{Name: "t", Factor: 1}, Keys: []string{"id"}, Covariates: []Column{{Name: "m", Factor: 1e300}}, Events: []EventSpec{{Args: []Column{{Name: "d", Factor: 1}}, Where: cellIs("k", "1")}}}
	for rows, want := range map[string]string{
		"a,0,1,,0\na,1,2,,0": "d.csv:3: column `m`: a covariate is one number in a trajectory; here it is `2`, and `1` in line 2\n  = help: a number that changes in time is an `input`",
		"a,,1,,0":            "d.csv:2: column `t`: the time is missing\n  = help: every row needs a time; remove the row if it has none",
		"a,NA,1,,0":          "d.csv:2: column `t`: the time is missing\n  = help: every row needs a time; remove the row if it has none",
		"a,0,1,,0\n,1,1,,0":  "d.csv:3: column `id`: the key is missing\n  = help: every row says which trajectory it belongs to",
		"b,0,1,,0\na,0,,,0":  "d.csv:3: column `m`: a covariate is missing in the whole trajectory that starts here\n  = help: give it in one row of the trajectory at least; nothing is guessed",
		"a,0,1,,1":           "d.csv:2: column `d`: the row fires an event and an argument of it is missing\n  = help: give the value, or exclude the row by `where`",
		"a,0,1e10,,0":        "d.csv:2: column `m`: the number is too large in the unit of the model",
		"a,zero,1,,0":        "d.csv:2: column `t`: `zero` is not a number\n  = help: numbers have a decimal point; a missing value is an empty cell or NaN",
	} {
		_, err := Build(table(t, "id,t,m,d,k\n"+rows+"\n"), spec)
		require.EqualError(t, err, want)
	}
	for name, bad := range map[string]*Spec{
		"time":      {Time: Column{Name: "x", Factor: 1}},
		"key":       {Time: Column{Name: "t", Factor: 1}, Keys: []string{"x"}},
		"observe":   {Time: Column{Name: "t", Factor: 1}, Observes: []Column{{Name: "x", Factor: 1}}},
		"input":     {Time: Column{Name: "t", Factor: 1}, Inputs: []Column{{Name: "x", Factor: 1}}},
		"covariate": {Time: Column{Name: "t", Factor: 1}, Covariates: []Column{{Name: "x", Factor: 1}}},
		"argument":  {Time: Column{Name: "t", Factor: 1}, Events: []EventSpec{{Args: []Column{{Name: "x", Factor: 1}}}}},
	} {
		_, err := Build(table(t, "t\n0\n"), bad)
		require.ErrorContains(t, err, "d.csv: there is no column", name)
	}
	_, err := Build(table(t, "t\n0\n"), &Spec{Time: Column{Name: "t", Factor: 1}, Events: []EventSpec{{Args: []Column{{}}}}})
	require.ErrorContains(t, err, "argument 0 of event 0 has no column")
}

// drawn is a table of random trajectories, and what it says.
type drawn struct {
	rows  []string
	cells map[string][]float64 // by trajectory and column, the values that are present
	count int
}

func drawTable(r *rapid.T) drawn {
	d := drawn{cells: map[string][]float64{}}
	for id := range rapid.IntRange(1, 4).Draw(r, "trajectories") {
		for k := range rapid.IntRange(1, 6).Draw(r, "rows") {
			row := fmt.Sprintf("T%d,%d", id, 3*k-k*k%5)
			for c := range 2 {
				key := fmt.Sprintf("T%d/%d", id, c)
				if rapid.Bool().Draw(r, "present") {
					v := rapid.Float64Range(-1e3, 1e3).Draw(r, "value")
					row += fmt.Sprintf(",%v", v)
					d.cells[key] = append(d.cells[key], v)
					d.count++
				} else {
					row += "," + rapid.SampledFrom([]string{"", "NA", "NaN", "null"}).Draw(r, "missing")
				}
			}
			d.rows = append(d.rows, row)
		}
	}
	return d
}

func (d drawn) build(t require.TestingT, rows []string) *Set {
	set, err := Build(table(t, "id,t,x,y\n"+strings.Join(rows, "\n")+"\n"), &Spec{Time: Column{Name: "t", Factor: 1}, Keys: []string{"id"}, Observes: []Column{{Name: "x", Factor: 1}, {Name: "y", Factor: 1}}})
	require.NoError(t, err)
	return set
}

// TestNothingIsImputed checks that the values of a set are those of the table,
// each once, and that all else is NaN.
func TestNothingIsImputed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := drawTable(r)
		set := d.build(r, d.rows)
		values := 0
		for _, tr := range set.Trajectories {
			require.True(r, sort.Float64sAreSorted(tr.Times))
			require.Equal(r, len(tr.Times), tr.Obs.Len())
			for c := range 2 {
				var got []float64
				for _, row := range rowsOf(&tr.Obs) {
					if !math.IsNaN(row[c]) {
						got = append(got, row[c])
					}
				}
				want := append([]float64(nil), d.cells[fmt.Sprintf("%s/%d", tr.Key[0], c)]...)
				sort.Float64s(got)
				sort.Float64s(want)
				require.Equal(r, want, got)
				values += len(got)
			}
			for _, row := range rowsOf(&tr.Obs) {
				require.False(r, math.IsNaN(row[0]) && math.IsNaN(row[1]), "a row without a value is no observation")
			}
		}
		require.Equal(r, d.count, values)
		total := 0
		for c := range 2 {
			st := set.Describe(c, Train)
			total += st.Values + st.Missing
		}
		for _, tr := range set.Trajectories {
			total += tr.Lost
		}
		require.Equal(r, 2*len(d.rows), total, "every cell is a value, missing or lost")
	})
}

// TestRowOrder checks that the order of rows does not matter where times
// differ, apart from the order of trajectories.
func TestRowOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := drawTable(r)
		seen := map[string]bool{}
		var rows []string
		for _, row := range d.rows { // no replicates
			key := strings.Join(strings.SplitN(row, ",", 3)[:2], ",")
			if !seen[key] {
				rows = append(rows, row)
			}
			seen[key] = true
		}
		byKey := func(s *Set) []string {
			var out []string
			for _, tr := range s.Trajectories {
				out = append(out, fmt.Sprint(tr.Key, tr.Times, rowsOf(&tr.Obs), tr.T0, tr.T1, tr.Lost))
			}
			sort.Strings(out)
			return out
		}
		require.Equal(r, byKey(d.build(r, rows)), byKey(d.build(r, rapid.Permutation(rows).Draw(r, "order"))))
	})
}

func obsOf(rows ...[]float64) *Trajectory {
	tr := &Trajectory{}
	for _, r := range rows {
		tr.Times = append(tr.Times, r[0])
		tr.Obs.Append(r[1:]...)
	}
	return tr
}

func TestFirstAndSlope(t *testing.T) {
	nan := math.NaN()
	tr := obsOf([]float64{100, nan, 1}, []float64{101, 3, 2}, []float64{102, 5, nan}, []float64{103, 7, nan}, []float64{104, 9, nan}, []float64{105, 99, nan})
	v, at, ok := tr.First(0)
	require.True(t, ok)
	require.Equal(t, []float64{3, 101}, []float64{v, at})
	slope, ok := tr.Slope(0)
	require.True(t, ok)
	require.InDelta(t, 2, slope, 1e-14, "the fifth value does not count")
	slope, ok = tr.Slope(1)
	require.True(t, ok)
	require.InDelta(t, 1, slope, 1e-14, "two values suffice")

	same := obsOf([]float64{0, 1}, []float64{0, 3}, []float64{0, 1}, []float64{0, 3}, []float64{0, 2}, []float64{2, 8})
	slope, ok = same.Slope(0)
	require.True(t, ok)
	require.InDelta(t, 3, slope, 1e-14, "replicates do not use up the four times")
	_, ok = obsOf([]float64{0, 1}, []float64{0, 3}).Slope(0)
	require.False(t, ok, "one time has no slope")
	_, _, ok = obsOf([]float64{0, nan}).First(0)
	require.False(t, ok)

	// The normal equations of (0,1), (1,3), (2,4) give 3/2.
	slope, _ = obsOf([]float64{0, 1}, []float64{1, 3}, []float64{2, 4}).Slope(0)
	require.InDelta(t, 1.5, slope, 1e-14)
	far := obsOf([]float64{1e9, 1}, []float64{1e9 + 1, 3}, []float64{1e9 + 2, 5})
	slope, _ = far.Slope(0)
	require.InDelta(t, 2, slope, 1e-12, "the origin of time does not matter")
}

func TestDescribe(t *testing.T) {
	s := &Set{Trajectories: []*Trajectory{
		obsOf([]float64{0, 2}, []float64{1, 4}, []float64{2, math.NaN()}), obsOf([]float64{0, 4}, []float64{1, 4}, []float64{2, 5}),
		obsOf([]float64{0, 5}, []float64{1, 7}, []float64{2, 9}),
		{Split: Validate, Times: []float64{0}, Obs: Numbers{1, 1, []float64{1e6}}},
	}}
	st := s.Describe(0, Train) // 2 4 4 4 5 5 7 9: mean 5, variance 4
	require.Equal(t, 8, st.Values)
	require.Equal(t, 1, st.Missing)
	require.InDelta(t, 5, st.Mean, 1e-14)
	require.InDelta(t, 2, st.SD, 1e-14)
	require.Equal(t, Stats{}, s.Describe(0, Unused))
	for _, tr := range s.Trajectories {
		for _, r := range rowsOf(&tr.Obs) {
			r[0] += 1e9
		}
	}
	require.InDelta(t, 2, s.Describe(0, Train).SD, 1e-6, "a large mean does not swallow the spread")
}

func interpolant(t require.TestingT, kind string, s Signal) *Interpolant {
	p, err := NewInterpolant(s, kind)
	require.NoError(t, err)
	return p
}

func TestInterpolants(t *testing.T) {
	s := Signal{T: []float64{0, 1, 2, 4}, V: []float64{0, 1, 4, 16}}
	for kind, want := range map[string][2]float64{"linear": {2.5, 3}, "hold": {1, 0}, "cubic": {2.25, 3}} {
		p := interpolant(t, kind, s)
		v, r := p.At(1.5)
		require.InDelta(t, want[0], v, 1e-12, kind)
		require.InDelta(t, want[1], r, 1e-12, kind)
		v, r = p.At(9)
		require.Equal(t, []float64{16, 0}, []float64{v, r})
		v, r = p.At(-1)
		require.Equal(t, []float64{0, 0}, []float64{v, r})
	}
	_, err := NewInterpolant(Signal{}, "linear")
	require.EqualError(t, err, "the input has no values")
	_, err = NewInterpolant(s, "spline")
	require.EqualError(t, err, "there is no interpolation `spline`; it is one of linear, hold, cubic")
	_, err = NewInterpolant(Signal{[]float64{0, 1, 1, 2}, []float64{0, 1, 2, 3}}, "cubic")
	require.EqualError(t, err, "a cubic input cannot jump; at 1 it is both 1 and 2")
}

func TestJumpsAndKnots(t *testing.T) {
	step := Signal{T: []float64{0, 1, 1, 2}, V: []float64{0, 2, 5, 5}}
	p := interpolant(t, "linear", step)
	v, r := p.Before(1)
	require.Equal(t, []float64{2, 2}, []float64{v, r}, "from the left it comes to the first value")
	v, r = p.At(1)
	require.Equal(t, []float64{5, 0}, []float64{v, r}, "and leaves from the last")
	v, _ = p.At(0.5)
	require.Equal(t, 1., v)
	require.Equal(t, []float64{0, 1}, p.Knots(), "at 2 nothing changes")

	h := interpolant(t, "hold", Signal{T: []float64{0, 1, 2, 3}, V: []float64{1, 1, 4, 4}})
	require.Equal(t, []float64{2}, h.Knots(), "a value held on is no knot")
	v, _ = h.Before(2)
	require.Equal(t, 1., v)
	v, _ = h.At(2)
	require.Equal(t, 4., v)
	v, _ = h.Before(-1)
	require.Equal(t, 1., v)

	straight := Signal{T: []float64{0, 1, 2, 3}, V: []float64{0, 2, 4, 6}}
	require.Equal(t, []float64{0, 3}, interpolant(t, "linear", straight).Knots(), "a straight line bends at its ends")
	require.Equal(t, []float64{0, 3}, interpolant(t, "cubic", straight).Knots())
	require.Empty(t, interpolant(t, "cubic", Signal{[]float64{3}, []float64{7}}).Knots(), "a constant")
}

// TestAlong: beyond the ends of the stretch that holds a time, a signal goes on as it is in it.
func TestAlong(t *testing.T) {
	s := Signal{T: []float64{1, 2, 4, 5}, V: []float64{3, 5, 4, 4.5}}
	hold, linear, cubic := interpolant(t, "hold", s), interpolant(t, "linear", s), interpolant(t, "cubic", s)
	for _, x := range []struct{ from, t, hold, linear, rate float64 }{
		{0, 0.5, 3, 3, 0},
		{0, 1.5, 3, 3, 0}, // it is constant before the first value
		{1, 1.5, 3, 4, 2},
		{1, 2, 3, 5, 2},
		{1, 2.5, 3, 6, 2},
		{1.5, 0.5, 3, 2, 2},
		{2, 1, 5, 5.5, -0.5},
		{3, 6, 5, 3, -0.5},
		{5, 7, 4.5, 4.5, 0},
	} {
		v, rate := hold.Along(x.from, x.t)
		require.InDeltaSlice(t, []float64{x.hold, 0}, []float64{v, rate}, 1e-14, "hold %v", x)
		v, rate = linear.Along(x.from, x.t)
		require.InDeltaSlice(t, []float64{x.linear, x.rate}, []float64{v, rate}, 1e-14, "linear %v", x)
	}
	// A spline has knots at its ends alone: between them it is read as it is, beyond it goes on.
	inside, _ := cubic.At(3)
	v, _ := cubic.Along(1.2, 3)
	require.Equal(t, inside, v)
	end, slope := cubic.Before(5)
	v, _ = cubic.Along(1.2, 5+1e-6)
	require.InDelta(t, end+1e-6*slope, v, 1e-10)
	require.InDelta(t, cubic.CurveBefore(5), cubic.CurveAlong(1.2, 5+1e-9), 1e-7)
	require.Equal(t, cubic.CurveAt(3), cubic.CurveAlong(1.2, 3))
}

// TestCubic compares with gonum's spline where that exists, and checks what
// defines it: through the values, twice differentiable, exact for cubics.
func TestCubic(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var s Signal
		at := 0.
		for range rapid.IntRange(1, 12).Draw(r, "n") {
			at += rapid.Float64Range(0.1, 2).Draw(r, "step")
			s.T, s.V = append(s.T, at), append(s.V, rapid.Float64Range(-10, 10).Draw(r, "value"))
		}
		p := interpolant(r, "cubic", s)
		for i, x := range s.T {
			v, _ := p.At(x)
			require.Equal(r, s.V[i], v)
			w, rate := p.Before(x)
			require.InDelta(r, v, w, 1e-8)
			if _, right := p.At(x); i > 0 && i < len(s.T)-1 {
				require.InDelta(r, right, rate, 1e-7)
			}
		}
		if len(s.T) > 3 {
			var ref interp.NotAKnotCubic
			require.NoError(r, ref.Fit(s.T, s.V))
			for range 5 {
				x := rapid.Float64Range(s.T[0], s.T[len(s.T)-1]).Draw(r, "x")
				v, rate := p.At(x)
				require.InDelta(r, ref.Predict(x), v, 1e-6)
				if x != s.T[len(s.T)-1] {
					require.InDelta(r, ref.PredictDerivative(x), rate, 1e-6)
				}
			}
		}
		c := rapid.SliceOfN(rapid.Float64Range(-1, 1), 4, 4).Draw(r, "cubic")
		degree := min(3, len(s.T)-1) // what the values determine
		poly := func(x float64) (v float64) {
			for k := degree; k >= 0; k-- {
				v = v*x + c[k]
			}
			return v
		}
		for i, x := range s.T {
			s.V[i] = poly(x)
		}
		p = interpolant(r, "cubic", s)
		x := rapid.Float64Range(s.T[0], s.T[len(s.T)-1]).Draw(r, "x")
		v, _ := p.At(x)
		require.InDelta(r, poly(x), v, 1e-7*(1+math.Abs(poly(x))))
	})
}

// TestRates compares the derivative with central differences, off the knots.
func TestRates(t *testing.T) {
	s := Signal{T: []float64{0, 1, 1.5, 4, 5}, V: []float64{0, 1, -4, 16, 3}}
	for _, k := range Interpolations {
		p := interpolant(t, k.Name, s)
		for x := -0.35; x < 6; x += 0.1 {
			const h = 1e-5
			a, _ := p.At(x - h)
			b, _ := p.At(x + h)
			_, rate := p.At(x)
			require.InDelta(t, (b-a)/(2*h), rate, 1e-6, "%s at %g", k.Name, x)
		}
	}
}

func TestAtAllocatesNothing(t *testing.T) {
	p := interpolant(t, "cubic", Signal{T: []float64{0, 1, 2, 4}, V: []float64{0, 1, 4, 16}})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p.At(1.5)
		p.Before(1)
	}))
}

func ExampleBuild() {
	t, err := ReadDelimited("drops.csv", strings.NewReader("drop,t,height_cm\n1,0.0,130\n1,0.1,\n1,0.2,110\n2,0.0,90\n"), ',')
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := Build(t, &Spec{Time: Column{Name: "t"}, Keys: []string{"drop"}, Observes: []Column{{Name: "height_cm", Factor: 0.01}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, tr := range set.Trajectories {
		fmt.Println(tr.Name(set.Keys), tr.Times, rowsOf(&tr.Obs))
	}
	// Output:
	// drop=1 [0 0.2] [[1.3] [1.1]]
	// drop=2 [0] [[0.9]]
}

// TestRangeOfInput: bounds of an input over a stretch hold its values and rates and
// are met, to the square of a short stretch.
func TestRangeOfInput(t *testing.T) {
	s := Signal{T: []float64{0, 1, 1.5, 2.5, 4, 4.25, 6}, V: []float64{0, 2, -1, 0.5, 0.25, 3, 1}}
	for kind, stretches := range map[string][][2]float64{
		"hold":   {{0, 1}, {1.1, 1.3}, {-2, -1}, {6, 9}},
		"linear": {{0, 1}, {1.1, 1.3}, {2.5, 4}, {-2, -1}, {7, 9}},
		"cubic":  {{0, 6}, {0.5, 1.2}, {1, 1.5}, {1.2, 1.2001}, {3, 4.2}, {-2, -1}},
	} {
		p, err := NewInterpolant(s, kind)
		require.NoError(t, err)
		for _, x := range stretches {
			lo, hi, rateLo, rateHi := p.Range(x[0], x[1])
			least, most := math.Inf(1), math.Inf(-1)
			for k := 1; k < 1000; k++ {
				v, r := p.At(x[0] + (x[1]-x[0])*float64(k)/1000)
				require.True(t, lo <= v && v <= hi, "%s %v: %g outside of [%g, %g]", kind, x, v, lo, hi)
				require.True(t, rateLo <= r && r <= rateHi, "%s %v: rate %g outside of [%g, %g]", kind, x, r, rateLo, rateHi)
				least, most = math.Min(least, v), math.Max(most, v)
			}
			require.Less(t, hi-lo, 2*(most-least)+1e-9, "%s %v: [%g, %g] for [%g, %g]", kind, x, lo, hi, least, most)
		}
	}
}

// rowsOf are the rows of numbers.
func rowsOf(m *Numbers) (rows [][]float64) {
	for i := range m.Len() {
		rows = append(rows, m.At(i))
	}
	return rows
}
