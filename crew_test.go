package pinode

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Hands and caller meet in every order: at once, after a spin, after a sleep.
func TestCrewWaitsForEveryHand(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8)) // more threads than cores: held up anywhere
	const hands = 5
	workers := make([]*worker, 1+hands)
	for i := range workers {
		workers[i] = new(worker)
	}
	c := newCrew(hands)
	defer c.home()
	n := 200000
	if testing.Short() {
		n = 20000
	}
	var work atomic.Int64
	for i := range n {
		c.do(func(*worker) { work.Add(1) }, workers)
		require.EqualValues(t, (i+1)*len(workers), work.Load(), "call %d came back before its work was done", i)
		if i%1000 == 0 {
			time.Sleep(2 * awake) // asleep
		}
	}
}

func TestCrewPanics(t *testing.T) {
	workers := []*worker{{}, {}, {}}
	c := newCrew(2)
	defer c.home()
	for range 3 {
		func() {
			defer func() { require.Contains(t, recover(), "the second worker") }()
			c.do(func(w *worker) {
				if w == workers[1] {
					panic("the second worker")
				}
			}, workers)
		}()
		var work atomic.Int64
		c.do(func(*worker) { work.Add(1) }, workers)
		require.EqualValues(t, 3, work.Load())
	}
}
