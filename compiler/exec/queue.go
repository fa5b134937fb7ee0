package exec

import (
	"github.com/pinode/pinode/internal/kernel"
	"github.com/pinode/pinode/internal/scalar"
)

// queue holds factors of outer products that all go to one matrix, to be added
// by one product of matrices. An update for each would read and write all of
// the matrix every time.
type queue struct {
	dst, m, k int
	single    bool
	alone     bool // nothing else is added to the matrix
	fresh     bool // the matrix is zero, whatever stands there

	// Of a large matrix.
	double *kernel.Outers[float64]
	float  *kernel.Outers[float32]

	// Of others.
	rows int
	c, x []float64 // row r: the column factor at r·m, the row factor at r·k

	// In single precision: the row factor at r·k8, and the product.
	cs, xs, p []float32
	k8        int
}

const (
	queueRows = 32

	// wideRows is how many products a large matrix waits for, whose sum then joins
	// it: it is read and written in less time than they take.
	wideRows = 128

	// leastGather is the size of a product for a single lane that is worth
	// queueing: smaller matrices stay in the nearest cache.
	leastGather = 512
)

// queue is the queue of products for a matrix.
func (m *Module) queue(dst, rows, cols int, single bool) int {
	for i, q := range m.queues {
		if q.dst == dst && q.m == rows && q.k == cols && q.single == single {
			return i
		}
	}
	m.queues = append(m.queues, queue{dst: dst, m: rows, k: cols, single: single})
	return len(m.queues) - 1
}

// wide reports whether the products go by panels.
func (q *queue) wide() bool { return q.m*q.k >= leastPanels && min(q.m, q.k) >= 8 }

// meets reports whether the matrix has words of a region.
func (q *queue) meets(r region) bool { return q.dst < r.off+r.n && r.off < q.dst+q.m*q.k }

// make makes room for products.
func (q *queue) make() {
	switch {
	case q.wide() && q.single:
		q.float = kernel.NewOuters[float32](q.m, q.k, wideRows)
	case q.wide():
		q.double = kernel.NewOuters[float64](q.m, q.k, wideRows)
	case q.single:
		q.k8 = (q.k + 7) &^ 7
		q.cs, q.xs, q.p = make([]float32, queueRows*q.m), make([]float32, queueRows*q.k8), make([]float32, q.m*q.k8)
	default:
		q.c, q.x = make([]float64, queueRows*q.m), make([]float64, queueRows*q.k)
	}
}

// empty reports whether there are no products.
func (q *queue) empty() bool {
	switch {
	case q.float != nil:
		return q.float.Len() == 0
	case q.double != nil:
		return q.double.Len() == 0
	}
	return q.rows == 0
}

// forget leaves no products.
func (q *queue) forget() {
	switch {
	case q.float != nil:
		q.float.Clear()
	case q.double != nil:
		q.double.Clear()
	}
	q.rows = 0
}

// flush adds the queued products to their matrix.
func (f *Frame) flush(q *queue) {
	if !q.empty() {
		q.product(f.mem[q.dst:], f.mem[q.dst:])
		q.fresh = false
	}
}

// product sets dst to the matrix that stands at old and the queued products,
// which leaves none.
func (q *queue) product(dst, old []float64) {
	if q.fresh {
		old = nil
	}
	switch {
	case q.float != nil:
		q.float.AddTo(dst, old)
	case q.double != nil:
		q.double.AddTo(dst, old)
	case q.single:
		kernel.OuterSingle(dst, old, q.cs, q.xs, q.p, q.rows, q.m, q.k, q.k8)
	default:
		kernel.Outer(dst, old, q.c, q.x, q.rows, q.m, q.k)
	}
	q.forget()
}

// join adds the sum of the queued products, which is all there is, to dst, and
// reports whether it can.
func (q *queue) join(dst []float64) bool {
	switch {
	case !q.fresh:
		return false
	case q.float != nil:
		q.float.AddTo(dst, dst)
	case q.double != nil:
		q.double.AddTo(dst, dst)
	default:
		return false
	}
	q.forget()
	return true
}

// gather queues the outer products of all lanes that are not idle.
func (f *Frame) gather(in *instr) {
	lead := f.lead
	q := &lead.queues[in.queue]
	switch {
	case q.float != nil:
		s := scalar.Singles(f.mem)
		takeWide(f, in, q, q.float, s[2*in.args[0].off:], s[2*in.args[1].off:])
	case q.double != nil:
		takeWide(f, in, q, q.double, f.mem[in.args[0].off:], f.mem[in.args[1].off:])
	case in.single:
		s := scalar.Singles(f.mem)
		take(f, in, q, q.cs, q.xs, s[2*in.args[0].off:], s[2*in.args[1].off:], q.k8, kernel.Rows8Single)
	default:
		take(f, in, q, q.c, q.x, f.mem[in.args[0].off:], f.mem[in.args[1].off:], q.k, kernel.Rows8)
	}
}

// takeWide copies the factors of products for a large matrix.
func takeWide[F kernel.Number](f *Frame, in *instr, q *queue, to *kernel.Outers[F], c, x []F) {
	if to.Full() {
		f.lead.flush(q)
	}
	a, b := in.args[0], in.args[1]
	if f.full(a) && f.full(b) && to.Add8(c, x) {
		return
	}
	for l, idle := range f.idle {
		if idle {
			continue
		}
		if to.Full() {
			f.lead.flush(q)
		}
		to.Add(c[l*a.lane:], x[l*b.lane:], a.elem, b.elem)
	}
}

// take copies the factors of products to the rows c and x of a queue, of which
// those of x are stride apart; all takes eight lanes.
func take[F kernel.Number](f *Frame, in *instr, q *queue, c, x, fromC, fromX []F, stride int, all func(dst, src []F, n, stride int)) {
	if f.full(in.args[0]) && f.full(in.args[1]) && q.rows+8 <= queueRows {
		all(c[q.rows*q.m:], fromC, q.m, q.m)
		all(x[q.rows*stride:], fromX, q.k, stride)
		if q.rows += 8; q.rows == queueRows {
			f.lead.flush(q)
		}
		return
	}
	for l, idle := range f.idle {
		if idle {
			continue
		}
		takeOne(c[q.rows*q.m:][:q.m], fromC, in.args[0], l)
		takeOne(x[q.rows*stride:][:q.k], fromX, in.args[1], l)
		if q.rows++; q.rows == queueRows {
			f.lead.flush(q)
		}
	}
}

// takeOne copies the elements of an operand in a lane.
func takeOne[F kernel.Number](to, from []F, o operand, lane int) {
	from = from[lane*o.lane:]
	if o.elem == 1 {
		copy(to, from)
		return
	}
	for i := range to {
		to[i] = from[i*o.elem]
	}
}
