package pinode

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// crew are goroutines that work beside the one that calls them, again and
// again. Waking one takes longer than a small evaluation of a loss, so that
// after its work it stays awake for a while.
type crew struct {
	hands []*hand
	left  atomic.Int32 // hands at work
	panic atomic.Pointer[string]
	rest  chan struct{}
	waits atomic.Bool // the caller, for rest
}

// hand is one of a crew. While it has nothing to do it holds on to nothing, so
// that a runner that nobody uses can be collected and its crew sent home.
type hand struct {
	crew  *crew
	calls atomic.Uint32
	f     func(*worker)
	w     *worker
	sleep atomic.Bool
	wake  chan struct{}
}

// awake is how long hands and caller look for each other before they sleep.
const awake = 30 * time.Microsecond

func newCrew(n int) *crew {
	c := &crew{rest: make(chan struct{}, 1)}
	for range n {
		h := &hand{crew: c, wake: make(chan struct{}, 1)}
		c.hands = append(c.hands, h)
		go h.serve()
	}
	return c
}

// do calls f on every worker, the first on this goroutine.
func (c *crew) do(f func(*worker), workers []*worker) {
	c.left.Store(int32(len(c.hands)))
	for i, h := range c.hands {
		h.f, h.w = f, workers[1+i]
		h.calls.Add(1)
		if h.sleep.CompareAndSwap(true, false) {
			h.wake <- struct{}{}
		}
	}
	f(workers[0])
	// A hand may be held up between its last count and its call to the caller,
	// so that the call arrives in the next do: both sides look again.
	for !spin(func() bool { return c.left.Load() == 0 }) {
		c.waits.Store(true)
		if c.left.Load() > 0 || !c.waits.CompareAndSwap(true, false) {
			<-c.rest
		}
	}
	if p := c.panic.Swap(nil); p != nil {
		panic(*p)
	}
}

// home ends the hands.
func (c *crew) home() {
	for _, h := range c.hands {
		close(h.wake)
	}
}

func (h *hand) serve() {
	for done := uint32(0); ; done++ {
		called := func() bool { return h.calls.Load() != done }
		for !spin(called) {
			h.sleep.Store(true)
			if !called() || !h.sleep.CompareAndSwap(true, false) {
				if _, ok := <-h.wake; !ok {
					return
				}
			}
		}
		h.work()
		h.f, h.w = nil, nil
		if h.crew.left.Add(-1) == 0 && h.crew.waits.CompareAndSwap(true, false) {
			h.crew.rest <- struct{}{}
		}
	}
}

// work does what is asked. A panic is the caller's to handle.
func (h *hand) work() {
	defer func() {
		if r := recover(); r != nil {
			text := fmt.Sprintf("%v\n%s", r, debug.Stack())
			h.crew.panic.Store(&text)
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
