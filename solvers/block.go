package solvers

// Block is the memory of the steps that Width trajectories take side by side.
// Number i of lane l of a vector stands at i·Width+l.
type Block struct {
	Width int
	T, H  []float64   // start and length of each lane's step
	Y, K  [][]float64 // stage arguments and derivatives; the first are the start, the last arguments the end
	Err   []float64   // Σ (error/weight)² of each lane; nil for a method without an error estimate

	// Cotangents: of the end and of the stage derivatives, which are read;
	// of the start, of its time and of the length, which are set.
	EndBar     []float64
	KBar       [][]float64
	YBar       []float64
	TBar, HBar []float64
}

// NewBlock returns memory for a method on systems of n equations.
func NewBlock(tab *Tableau, n, width int) *Block {
	s := tab.Stages()
	b := &Block{
		Width: width, T: make([]float64, width), H: make([]float64, width),
		Y: matrix(s, n*width), K: matrix(s, n*width),
		EndBar: make([]float64, n*width), KBar: matrix(s, n*width), YBar: make([]float64, n*width),
		TBar: make([]float64, width), HBar: make([]float64, width),
	}
	if tab.Adaptive() {
		b.Err = make([]float64, width)
	}
	return b
}

// Gather sets dst to the numbers of lane l of v.
func (b *Block) Gather(dst, v []float64, l int) {
	if b.Width == 1 {
		copy(dst, v)
		return
	}
	for i := range dst {
		dst[i] = v[l]
		l += b.Width
	}
}

// Scatter sets the numbers of lane l of v to src.
func (b *Block) Scatter(v, src []float64, l int) {
	if b.Width == 1 {
		copy(v, src)
		return
	}
	for _, x := range src {
		v[l] = x
		l += b.Width
	}
}

// Continue makes the end of lane l's last step the start of its next.
func (b *Block) Continue(l int) {
	last := len(b.Y) - 1
	y0, y1, k0, k1 := b.Y[0], b.Y[last], b.K[0], b.K[last]
	for i := l; i < len(y0); i += b.Width {
		y0[i], k0[i] = y1[i], k1[i]
	}
}
