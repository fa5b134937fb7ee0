package engine

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Pool are goroutines that work beside the one that calls them, again and
// again. Waking one takes longer than a small evaluation of a loss, so that
// after its work it stays awake for a while.
type Pool struct {
	helpers []*helper
	left    atomic.Int32 // helpers at work
	panic   atomic.Pointer[string]
	idle    chan struct{}
	waiting atomic.Bool // the caller, for idle
}

// helper is one goroutine of a pool. While it has nothing to do it holds on to nothing, so
// that a runner that nobody uses can be collected and its pool closed.
type helper struct {
	pool   *Pool
	calls  atomic.Uint32
	f      func(*Worker)
	w      *Worker
	asleep atomic.Bool
	wake   chan struct{}
}

// awake is how long helpers and caller look for each other before they sleep.
const awake = 30 * time.Microsecond

// NewPool starts a pool of n goroutines.
func NewPool(n int) *Pool {
	c := &Pool{idle: make(chan struct{}, 1)}
	for range n {
		h := &helper{pool: c, wake: make(chan struct{}, 1)}
		c.helpers = append(c.helpers, h)
		go h.serve()
	}
	return c
}

// Do calls f on every worker, the first on this goroutine.
func (c *Pool) Do(f func(*Worker), workers []*Worker) {
	c.left.Store(int32(len(c.helpers)))
	for i, h := range c.helpers {
		h.f, h.w = f, workers[1+i]
		h.calls.Add(1)
		if h.asleep.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
	f(workers[0])
	// A helper may be held up between its last count and its call to the caller,
	// so that the call arrives in the next Do: both sides look again.
	for !spin(func() bool { return c.left.Load() == 0 }) {
		c.waiting.Store(true)
		if c.left.Load() > 0 || !c.waiting.CompareAndSwap(true, false) {
			<-c.idle
		}
	}
	if p := c.panic.Swap(nil); p != nil {
		panic(*p)
	}
}

// Close ends the helpers.
func (c *Pool) Close() {
	for _, h := range c.helpers {
		close(h.wake)
	}
}

func (h *helper) serve() {
	for done := uint32(0); ; done++ {
		called := func() bool { return h.calls.Load() != done }
		for !spin(called) {
			h.asleep.Store(true)
			if !called() || !h.asleep.CompareAndSwap(true, false) {
				if _, ok := <-h.wake; !ok {
					return
				}
			}
		}
		h.work()
		h.f, h.w = nil, nil
		if h.pool.left.Add(-1) == 0 && h.pool.waiting.CompareAndSwap(true, false) {
			h.pool.idle <- struct{}{}
		}
	}
}

// work does what is asked. A panic is the caller's to handle.
func (h *helper) work() {
	defer func() {
		if r := recover(); r != nil {
			text := fmt.Sprintf("%v\n%s", r, debug.Stack())
			h.pool.panic.Store(&text)
		}
	}()
	h.f(h.w)
}

// spin waits for a short while and reports whether what it waits for is there.
func spin(ready func() bool) bool {
	var start time.Time // reading the clock takes as long as a few looks
	for {
		for range 64 {
			if ready() {
				return true
			}
		}
		switch {
		case start.IsZero():
			start = time.Now()
		case time.Since(start) > awake:
			return false
		}
		runtime.Gosched()
	}
}
