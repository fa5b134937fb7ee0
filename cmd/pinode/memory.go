package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// spareMemory says how far the heap may grow before it is collected. Most processes are short and compile a model, which leaves
// much garbage for its size; a large heap is that of data, of which a few times as much would be.
func spareMemory() {
	type cycle struct{ _ [1]*int }
	var next func(*cycle)
	next = func(*cycle) { // behind each collection
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetGCPercent(growth(live[0].Value.Uint64()))
		runtime.SetFinalizer(new(cycle), next)
	}
	debug.SetGCPercent(growth(0))
	runtime.SetFinalizer(new(cycle), next)
}

// growth is that of a heap of so many bytes in percent: by 64 MB, but by four times as much at most and by half at least.
func growth(live uint64) int {
	const room, least, most = 64 << 20, 50, 400
	if live == 0 {
		return most
	}
	return int(min(max(100*room/live, least), most))
}
