package sim

import (
	"container/heap"
	"slices"
)

// delayedJump is a jump whose assignments wait for their time.
type delayedJump struct {
	t    float64
	turn int // those of one time come in the order of their triggers
	snap int
	args []float64
}

// delays are the jumps that wait, the next one first.
type delays []delayedJump

func (d delays) Len() int { return len(d) }

func (d delays) Less(i, k int) bool {
	return d[i].t < d[k].t || d[i].t == d[k].t && d[i].turn < d[k].turn
}

func (d delays) Swap(i, k int) { d[i], d[k] = d[k], d[i] }

// Push implements heap.Interface.
func (d *delays) Push(x any) { *d = append(*d, x.(delayedJump)) }

// Pop implements heap.Interface.
func (d *delays) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

func (d *delays) push(x delayedJump) { heap.Push(d, x) }

// next removes the next one.
func (d *delays) next() { heap.Pop(d) }

// drop removes those of which is true, and reports whether there were any.
func (d *delays) drop(of func(*delayedJump) bool) bool {
	n := len(*d)
	*d = slices.DeleteFunc(*d, func(x delayedJump) bool { return of(&x) })
	if len(*d) == n {
		return false
	}
	heap.Init(d)
	return true
}
