package engine

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Helpers and caller meet in every order: at once, after a spin, after a sleep.
func TestPoolWaitsForEveryHelper(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8)) // more threads than cores: held up anywhere
	const hands = 5
	workers := make([]*Worker, 1+hands)
	for i := range workers {
		workers[i] = new(Worker)
	}
	c := NewPool(hands)
	defer c.Close()
	n := 200000
	if testing.Short() {
		n = 20000
	}
	var work atomic.Int64
	for i := range n {
		c.Do(func(*Worker) { work.Add(1) }, workers)
		require.EqualValues(t, (i+1)*len(workers), work.Load(), "call %d came back before its work was done", i)
		if i%1000 == 0 {
			time.Sleep(2 * awake) // asleep
		}
	}
}

func TestPoolPanics(t *testing.T) {
	workers := []*Worker{{}, {}, {}}
	c := NewPool(2)
	defer c.Close()
	for range 3 {
		func() {
			defer func() { require.Contains(t, recover(), "the second worker") }()
			c.Do(func(w *Worker) {
				if w == workers[1] {
					panic("the second worker")
				}
			}, workers)
		}()
		var work atomic.Int64
		c.Do(func(*Worker) { work.Add(1) }, workers)
		require.EqualValues(t, 3, work.Load())
	}
}
