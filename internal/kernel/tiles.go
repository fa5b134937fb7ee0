package kernel

import (
	"math"
	"sync"
	"sync/atomic"
)

// tile is the width of the blocks of a Tiles: two panels and a block stay in the nearest
// cache. A sum over many rows goes panel by panel.
const (
	tile      = 32
	panelRows = 64
)

// Tiles is a symmetric matrix of order N by its upper triangle, in square blocks that
// stand one after the other: the form in which products of tall matrices and Cholesky
// factors go through Outer. The bits do not depend on the number of workers.
type Tiles struct {
	N      int
	side   int // blocks in a row
	blocks []float64
	packed []float64 // panels of the rows that were multiplied last
	minus  []float64 // a row of blocks with the other sign
}

// NewTiles returns a matrix of zeros.
func NewTiles(n int) *Tiles {
	side := (n + tile - 1) / tile
	return &Tiles{N: n, side: side, blocks: make([]float64, side*side*tile*tile), minus: make([]float64, side*tile*tile)}
}

func (t *Tiles) block(i, j int) []float64 {
	return t.blocks[(i*t.side+j)*tile*tile:][: tile*tile : tile*tile]
}

// At is the element in row i and column j ≥ i.
func (t *Tiles) At(i, j int) float64 { return t.block(i/tile, j/tile)[i%tile*tile+j%tile] }

// Set sets the element in row i and column j ≥ i.
func (t *Tiles) Set(i, j int, v float64) { t.block(i/tile, j/tile)[i%tile*tile+j%tile] = v }

// band is how many blocks of packed panels there are at once, unless a panel has more of them: a
// tall matrix is not copied as a whole.
const band = 256

// Gram sets t to AᵀA for the rows of A, which stand stride apart.
func (t *Tiles) Gram(a []float64, rows, stride, workers int) {
	clear(t.blocks)
	step := max(8, band/max(1, t.side)) * panelRows
	for first := 0; first < rows; first += step {
		t.addGram(a[first*stride:], min(step, rows-first), stride, workers)
	}
}

// addGram adds the product of some rows.
func (t *Tiles) addGram(a []float64, rows, stride, workers int) {
	panels := (rows + panelRows - 1) / panelRows
	if n := panels * t.side * panelRows * tile; len(t.packed) < n {
		t.packed = make([]float64, n)
	}
	if rows%panelRows > 0 {
		clear(t.packed[(panels-1)*t.side*panelRows*tile:])
	}
	at := func(p, j int) []float64 { return t.packed[(p*t.side+j)*panelRows*tile:][:panelRows*tile] }
	each(workers, panels, func(p int) {
		for r := p * panelRows; r < min(rows, (p+1)*panelRows); r++ {
			row := a[r*stride:][:t.N]
			for j := range t.side {
				copy(at(p, j)[(r-p*panelRows)*tile:], row[j*tile:min(t.N, (j+1)*tile)])
			}
		}
	})
	each(workers, t.side, func(i int) {
		for j := i; j < t.side; j++ {
			dst := t.block(i, j)
			for p := range panels {
				Outer(dst, dst, at(p, i), at(p, j), panelRows, tile, tile)
			}
		}
	})
}

// row is what a block has of row i right of its first columns that are left out, and the
// column where that begins.
func (t *Tiles) row(i, j, first int) (row []float64, at int) {
	at = max(j*tile, first)
	return t.block(i/tile, j)[i%tile*tile+at-j*tile:][:min(t.N, (j+1)*tile)-at], at
}

// Times sets y to the product with x.
func (t *Tiles) Times(y, x []float64) {
	clear(y)
	for i := range t.N {
		s := t.At(i, i) * x[i]
		for j := i / tile; j < t.side; j++ {
			row, at := t.row(i, j, i+1)
			for k, v := range row {
				s = math.FMA(v, x[at+k], s)
				y[at+k] = math.FMA(v, x[i], y[at+k])
			}
		}
		y[i] += s
	}
}

// Cholesky replaces t by U with UᵀU = t, the upper triangle of its factor. It reports
// false where t is not positive definite to working precision.
func (t *Tiles) Cholesky(workers int) bool {
	for i := t.N; i < t.side*tile; i++ { // rows that only fill the last block
		t.Set(i, i, 1)
	}
	minus := t.minus
	for k := range t.side {
		if !cholesky(t.block(k, k)) {
			return false
		}
		rest := t.side - k - 1
		each(workers, rest, func(j int) {
			u := t.block(k, k+1+j)
			solveTile(t.block(k, k), u)
			for e, v := range u {
				minus[j*tile*tile+e] = -v
			}
		})
		each(workers, rest, func(i int) {
			for j := i; j < rest; j++ {
				dst := t.block(k+1+i, k+1+j)
				Outer(dst, dst, minus[i*tile*tile:][:tile*tile], t.block(k, k+1+j), tile, tile, tile)
			}
		})
	}
	return true
}

// cholesky is the factor of one block.
func cholesky(a []float64) bool {
	for k := range tile {
		d := a[k*tile+k]
		if !(d > 0) || math.IsInf(d, 1) {
			return false
		}
		d = math.Sqrt(d)
		row := a[k*tile:][:tile]
		for j := k; j < tile; j++ {
			row[j] /= d
		}
		for i := k + 1; i < tile; i++ {
			for j := i; j < tile; j++ {
				a[i*tile+j] = math.FMA(-row[i], row[j], a[i*tile+j])
			}
		}
	}
	return true
}

// solveTile replaces a block b by U⁻ᵀ b.
func solveTile(u, b []float64) {
	for i := range tile {
		row := b[i*tile:][:tile]
		d := u[i*tile+i]
		for j := range row {
			row[j] /= d
		}
		for k := i + 1; k < tile; k++ {
			v, to := -u[i*tile+k], b[k*tile:][:tile]
			for j, x := range row {
				to[j] = math.FMA(v, x, to[j])
			}
		}
	}
}

// Solve replaces x by the solution of UᵀU x = x, for a matrix that Cholesky has made.
func (t *Tiles) Solve(x []float64) {
	for i := range t.N {
		x[i] /= t.At(i, i)
		for j := i / tile; j < t.side; j++ {
			row, at := t.row(i, j, i+1)
			for k, v := range row {
				x[at+k] = math.FMA(-v, x[i], x[at+k])
			}
		}
	}
	for i := t.N - 1; i >= 0; i-- {
		s := x[i]
		for j := i / tile; j < t.side; j++ {
			row, at := t.row(i, j, i+1)
			for k, v := range row {
				s = math.FMA(-v, x[at+k], s)
			}
		}
		x[i] = s / t.At(i, i)
	}
}

// each calls f for the numbers below n, on so many goroutines.
func each(workers, n int, f func(i int)) {
	if workers = min(workers, n); workers < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
}
