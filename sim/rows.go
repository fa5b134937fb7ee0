package sim

import "iter"

// Rows are rows of so many numbers each that follow each other in memory, so that one of a long run
// takes no more than its numbers. The zero value has none, and stands for zeros where rows are read.
type Rows struct {
	n, width int
	flat     []float64
}

// Len is the number of rows.
func (m *Rows) Len() int { return m.n }

// At is row i, nil where there are none.
func (m *Rows) At(i int) []float64 {
	if m.n == 0 {
		return nil
	}
	return m.flat[i*m.width : (i+1)*m.width : (i+1)*m.width]
}

// First are the first n rows.
func (m *Rows) First(n int) Rows { return Rows{n, m.width, m.flat[:n*m.width]} }

// All ranges over the rows.
func (m *Rows) All() iter.Seq2[int, []float64] {
	return func(yield func(int, []float64) bool) {
		for i := range m.n {
			if !yield(i, m.At(i)) {
				return
			}
		}
	}
}

// Resize makes room for n rows of the width, in its memory if they fit; what they hold is not said.
func (m *Rows) Resize(n, width int) {
	m.n, m.width, m.flat = n, width, resize(m.flat, n*width)
}

// Clear lets n rows of the width be zeros.
func (m *Rows) Clear(n, width int) {
	m.Resize(n, width)
	clear(m.flat)
}
