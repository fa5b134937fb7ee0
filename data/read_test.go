package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestDecimal: numbers have the bits that strconv gives them, signs of zeros and all.
func TestDecimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	taken := 0
	for range 200_000 {
		n := rng.IntN(18)
		cell := []string{"", "-"}[rng.IntN(2)]
		for range n {
			cell += string("00123456789."[rng.IntN(12)])
		}
		v, ok := decimal(cell)
		if want, err := strconv.ParseFloat(cell, 64); err != nil {
			require.False(t, ok, cell)
		} else if ok {
			require.Equal(t, math.Float64bits(want), math.Float64bits(v), cell)
			taken++
		}
	}
	require.Greater(t, taken, 30_000)
	for cell, want := range map[string]float64{"9007199254740992": 1 << 53, "-0": math.Copysign(0, -1), "5.": 5, ".5": 0.5, "0.1": 0.1, "123456789.123456": 123456789.123456} {
		v, ok := decimal(cell)
		require.True(t, ok, cell)
		require.Equal(t, math.Float64bits(want), math.Float64bits(v), cell)
	}
	for _, cell := range []string{"", "-", ".", "-.", "1.2.3", "1e3", "+1", "9007199254740993", " 1", "1_0", "0x1"} {
		_, ok := decimal(cell)
		require.False(t, ok, cell)
	}
}

// TestCellsAreThoseOfCSV: cells, lines and mistakes are those of encoding/csv, for tables narrow
// and wide, with and without quotes, comments, blank lines and ends of any kind.
func TestCellsAreThoseOfCSV(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		columns := rapid.IntRange(1, 40).Draw(r, "columns")
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"", "\ufeff"}).Draw(r, "mark"))
		header := make([]string, columns)
		for k := range header {
			header[k] = fmt.Sprintf(rapid.SampledFrom([]string{"c%d", "c%d", " c%d", `"c%d"`, `"c,%d"`}).Draw(r, "name"), k)
		}
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(r, "end")
		b.WriteString(strings.Join(header, ",") + end)
		for range rapid.IntRange(0, 6).Draw(r, "rows") {
			b.WriteString(rapid.SampledFrom([]string{"", "", "", end, "# so, \"it" + end}).Draw(r, "between"))
			cells := make([]string, columns)
			for k := range cells {
				cells[k] = rapid.SampledFrom([]string{"", "1.5", "x", " y ", "long cell", `"q"`, `"a,b"`, `"a ""b"""`, "\"two\nlines\"", "\"r\r\nn\"", `a"b`, `"a"b`, " \"s\"", "#", "\u00e9"}[:rapid.SampledFrom([]int{5, 5, 10, 15}).Draw(r, "kinds")]).Draw(r, "cell")
			}
			b.WriteString(strings.Join(cells, ",") + rapid.SampledFrom([]string{end, end, end, ",1" + end}).Draw(r, "more"))
		}
		text := b.String()
		if rapid.Bool().Draw(r, "cut") {
			text = strings.TrimRight(text, "\r\n")
		}

		got, err := ReadDelimited("d.csv", strings.NewReader(text), ',')
		want, lines, wantErr := plainCSV(text)
		if wantErr != nil {
			require.Error(r, err, "%q", text)
			require.Contains(r, err.Error(), wantErr.Error(), "%q", text)
			return
		}
		if len(want) == 1 {
			require.ErrorContains(r, err, "no rows")
			return
		}
		require.NoError(r, err, "%q", text)
		require.Equal(r, len(want)-1, got.Len())
		for i, row := range want[1:] {
			require.Equal(r, lines[i+1], got.Line(i), "%q", text)
			for k, cell := range row {
				require.Equal(r, strings.TrimSpace(cell), got.at(i, k), "%q row %d column %d", text, i, k)
			}
		}
	})
}

// plainCSV is what encoding/csv reads, up to the first mistake.
func plainCSV(text string) (rows [][]string, lines []int, err error) {
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace = '#', -1, true
	for {
		rec, err := c.Read()
		var pe *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return rows, lines, nil
		case errors.As(err, &pe):
			return nil, nil, fmt.Errorf("d.csv:%d: %s at character %d", pe.Line, pe.Err, pe.Column)
		}
		line, _ := c.FieldPos(0)
		if len(rows) > 0 && len(rec) != len(rows[0]) {
			return nil, nil, fmt.Errorf("d.csv:%d: the row has %s, the header %d", line, count(len(rec), "cell"), len(rows[0]))
		}
		rows, lines = append(rows, rec), append(lines, line)
	}
}

// TestGiantCells: a cell that is as long as a file is no number, and is told in a line.
func TestGiantCells(t *testing.T) {
	for _, cell := range []string{strings.Repeat("9", 10<<20), strings.Repeat("z", 10<<20)} {
		tab, err := ReadDelimited("d.csv", strings.NewReader("a,b\n1,"+cell+"\n"), ',')
		require.NoError(t, err)
		_, err = tab.Floats("b")
		require.ErrorContains(t, err, "d.csv:2: column `b`: `"+cell[:60]+"…` is not a number")
		require.Less(t, len(err.Error()), 300)
	}
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	tab, err := ReadDelimited("d.csv", bytes.NewReader([]byte(strings.Join(names, ",")+"\n"+strings.Join(names, ",")+"\n")), ',')
	require.NoError(t, err)
	cells, err := tab.Strings("c999")
	require.NoError(t, err)
	require.Equal(t, []string{"c999"}, cells)
	_, err = tab.Strings("x")
	require.ErrorContains(t, err, "c29, and 970 more")
}
