package check

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pinode/pinode/dsl"
)

// tabulated are the numbers of a constant that stand in a file, row by row; nil after a
// mistake.
func (e *values) tabulated(o *Const, d *dsl.ConstDecl) []float64 {
	if o.Shape.Rank == 0 {
		e.errTableShape(o, d)
		return nil
	}
	path := d.From.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(e.file.Source.Name), path)
	}
	if e.env.Read == nil {
		e.errTable(d, "there are no files here", "write the numbers into the model: `const A[2] = [1, 2]`")
		return nil
	}
	text, err := e.env.Read(path)
	if err != nil {
		e.errTable(d, err.Error(), "a relative path is taken from the model file's folder")
		return nil
	}
	if !slices.Contains(e.prog.Files, path) {
		e.prog.Files = append(e.prog.Files, path)
	}
	values, err := numbers(string(text), o.Shape)
	if err != nil {
		e.errTable(d, err.Error(), "a line for each row, numbers between commas or tabs; lines that start with # do not count")
		return nil
	}
	return values
}

// numbers reads a table of a shape. A vector may stand in a line or in a column.
func numbers(text string, shape Shape) (values []float64, err error) {
	rows, cols := shape.M, shape.N
	if shape.Rank == 1 {
		rows, cols = shape.N, 1
	}
	got := 0
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ';' || r == '\t' })
		if got == 0 && shape.Rank == 1 && len(cells) == shape.N {
			rows, cols = 1, shape.N
		}
		if len(cells) != cols {
			return nil, fmt.Errorf("line %d has %d numbers, where `%s` asks for %d", i+1, len(cells), shape, cols)
		}
		for _, c := range cells {
			v, err := strconv.ParseFloat(strings.TrimSpace(c), 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("line %d: `%.40s` is no finite number", i+1, strings.TrimSpace(c))
			}
			values = append(values, v)
		}
		got++
	}
	if got != rows {
		return nil, fmt.Errorf("there are %d rows of numbers, where `%s` asks for %d", got, shape, rows)
	}
	return values, nil
}
