package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// RowsOf are these rows, which are of one length; one that is nil is of zeros.
func RowsOf(list ...[]float64) (m Rows) {
	width := 0
	for _, row := range list {
		width = max(width, len(row))
	}
	m.Resize(len(list), width)
	for i, row := range list {
		copy(m.At(i), row)
	}
	return m
}

// Lists are the first n rows.
func (m *Rows) Lists(n int) (out [][]float64) {
	for i := range n {
		out = append(out, m.At(i))
	}
	return out
}

// TestRows: rows follow each other, keep apart, and have memory again; those of no width are there.
func TestRows(t *testing.T) {
	m := RowsOf([]float64{1, 2}, nil, []float64{5, 6})
	require.Equal(t, [][]float64{{1, 2}, {0, 0}, {5, 6}}, m.Lists(3))
	first := m.First(2)
	require.Equal(t, [][]float64{{1, 2}, {0, 0}}, first.Lists(first.Len()))
	require.Panics(t, func() { m.At(3) })
	_ = append(m.At(0), 9)
	require.Equal(t, []float64{0, 0}, m.At(1))
	was := &m.At(0)[0]
	m.Clear(3, 1)
	require.Equal(t, [][]float64{{0}, {0}, {0}}, m.Lists(3))
	require.Same(t, was, &m.At(0)[0])
	m.Resize(4, 0)
	sum := 0
	for i, row := range m.All() {
		require.Empty(t, row)
		sum += i
	}
	require.Equal(t, 6, sum)
	var none Rows
	require.Nil(t, none.At(7))
}
