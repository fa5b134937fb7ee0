package solvers

import "math"

// Block is the memory of the steps that Width trajectories take side by side.
// Number i of lane l of a vector is at i·Width+l.
type Block struct {
	Width int
	T, H  []float64   // start and length of each lane's step
	Y, K  [][]float64 // stage arguments and derivatives; the first are the start
	End   int         // the stage at the end

	Stages []float64 // the arguments but the first, one after the other

	Activations

	// Step control, for a method with an error estimate: of each lane the
	// mean square of error/weight and its Factor, which are set, and the
	// logarithm of the norm before, which is read.
	Mean, Log, Factor, Before []float64

	// Guards: the side of each, which is read, 0 for one that is not watched;
	// and of each lane whether none of them crosses inside its step, which is
	// set. There are none where the step does not examine them.
	Side, NoCrossing []float64

	FreeLanes

	// Fresh says that the start is that of a smooth piece: an implicit method keeps
	// nothing of the steps before. The step clears it.
	Fresh bool

	// Cotangents: of the end and of the stage derivatives, which are read;
	// of the start, of its time and of the length, which are set.
	EndBar     []float64
	KBar       [][]float64
	YBar       []float64
	TBar, HBar []float64
}

// Activations are values inside of the field, by stage, that a step leaves for its
// derivative, but for the first stage's, which are those of the end of the step before.
// Unkept says that they are not there, and are to be computed from Y.
type Activations struct {
	Acts   [][][]float64
	Unkept bool
}

// FreeLanes are of free-running lanes: where nothing is to be done but to accept the step or to
// reject it, and to choose the next length, the step does so, if it ends before
// Until and is not cut off at Stop, and sets Outcome. It counts accepted and
// rejected steps in Taken and Refused, and the lane waits when Left is used up.
// Rejected says of the step before that it was; Next is the next length before
// it was cut off, which Clipped says, and at most Cap. A step longer than Sure whose error is
// next to none is not accepted: who runs the lane is to see whether it is too long for
// the neighbours of the solution. Longest is the length of the longest accepted step. There are none where lanes never run free.
type FreeLanes struct {
	Until, Stop, Cap, Sure, Outcome, Taken, Refused, Left, Next, Clipped, Rejected, Longest []float64
}

// What a step did by itself in a lane: see Block.Outcome.
const (
	Handed   = 0. // nothing: who runs the lane is to see to it
	Accepted = 1. // it made its end the start of the next step
	Refused  = 2. // it rejected the step and chose a smaller length
)

// NewBlock returns memory for a method on systems of n equations.
func NewBlock(tab *Tableau, n, width int) *Block {
	s := tab.Stages()
	flat := make([]float64, s*n*width)
	b := &Block{
		Width: width, End: tab.End(), T: make([]float64, width), H: make([]float64, width),
		Y: rows(flat, s, n*width), Stages: flat[n*width:], K: matrix(s, n*width),
		EndBar: make([]float64, n*width), KBar: matrix(s, n*width), YBar: make([]float64, n*width),
		TBar: make([]float64, width), HBar: make([]float64, width),
	}
	if tab.Adaptive() {
		for _, v := range []*[]float64{&b.Mean, &b.Log, &b.Factor, &b.Before} {
			*v = make([]float64, width)
		}
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

// Dense sets dst to the dense output at θ of lane l's step of length h, to the bits of
// Stepper.Dense.
func (b *Block) Dense(tab *Tableau, l int, h, theta float64, dst []float64) {
	b.Gather(dst, b.Y[0], l)
	for i, k := range b.K {
		w, at := h*tab.value(i, theta), l
		for n := range dst {
			dst[n] = math.FMA(w, k[at], dst[n])
			at += b.Width
		}
	}
}

// Continue makes the end of lane l's last step the start of its next.
func (b *Block) Continue(l int) {
	y0 := b.Y[0]
	n := len(y0)
	y1, k0, k1 := b.Y[b.End][:n], b.K[0][:n], b.K[b.End][:n]
	for i := l; i < n; i += b.Width {
		y0[i], k0[i] = y1[i], k1[i]
	}
}

// ActWords is how many numbers the activations of a stage in one lane are.
func (b *Block) ActWords() (n int) {
	if len(b.Acts) > 0 {
		for _, v := range b.Acts[0] {
			n += len(v) / b.Width
		}
	}
	return n
}

// SeedDense adds to the cotangents of lane l's stage derivatives what the
// cotangent ct of the dense output at θ of a step of length h gives them.
func (b *Block) SeedDense(tab *Tableau, l int, h, theta float64, ct []float64) {
	for i, bar := range b.KBar {
		w := h * tab.value(i, theta)
		at := l
		for _, c := range ct {
			bar[at] = math.FMA(w, c, bar[at])
			at += b.Width
		}
	}
}

// SeedTimes are the cotangents of lane l's start and length from the
// cotangent ct of the dense output, whose time T + θH is held fixed:
// ∂θ/∂T = −1/H, ∂θ/∂H = −θ/H.
func (b *Block) SeedTimes(tab *Tableau, l int, theta float64, ct []float64) (tBar, hBar float64) {
	rate := 0. // ct · dy/dθ / H
	for i, k := range b.K {
		w, dw := tab.Weight(i, theta)
		dot := 0.
		at := l
		for _, c := range ct {
			dot = math.FMA(c, k[at], dot)
			at += b.Width
		}
		rate += dw * dot
		hBar += w * dot
	}
	return -rate, hBar - theta*rate
}

// Unseed forgets the cotangents of lane l's stage derivatives.
func (b *Block) Unseed(l int) {
	for _, bar := range b.KBar {
		for at := l; at < len(bar); at += b.Width {
			bar[at] = 0
		}
	}
}
