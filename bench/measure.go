package bench

import (
	"context"
	"math"
	"os"
	"runtime"
	"time"
)

// Lab is where rows are measured: a folder for their files, the programs of
// the baselines, and how much time there is.
type Lab struct {
	Quick bool   // few rounds; no baselines that take long to start
	Exe   string // the pinode command, for rows about the process; "": none

	dir    string
	fits   int // folders of fits so far
	native *compiler
	python *python
}

// NewLab returns a lab with a folder of its own, which Close removes.
func NewLab(quick bool, exe string) (*Lab, error) {
	dir, err := os.MkdirTemp("", "pinode-bench-")
	if err != nil {
		return nil, err
	}
	return &Lab{Quick: quick, Exe: exe, dir: dir, native: &compiler{}, python: &python{}}, nil
}

// Close removes the lab's folder.
func (l *Lab) Close() error { return os.RemoveAll(l.dir) }

// rounds is how often the work and its baselines take turns, budget how long
// each of them works in a round.
func (l *Lab) rounds() (n int, budget time.Duration) {
	if l.Quick {
		return 3, 20 * time.Millisecond
	}
	return 21, 40 * time.Millisecond
}

// sampler works for about the given time and returns how many nanoseconds one
// run took in its best batch.
type sampler func(ctx context.Context, budget time.Duration) (ns float64, err error)

// Timer sets work up, outside of what is timed.
type Timer func(l *Lab) (sampler, error)

// least is the least time of each sampler over rounds in which they take
// turns.
func least(ctx context.Context, l *Lab, samplers []sampler) ([]float64, error) {
	best := make([]float64, len(samplers))
	for i := range best {
		best[i] = math.Inf(1)
	}
	rounds, budget := l.rounds()
	for range rounds {
		for i, s := range samplers {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			ns, err := s(ctx, budget)
			if err != nil {
				return nil, err
			}
			best[i] = min(best[i], ns)
		}
	}
	return best, nil
}

// batched samples short work, in batches of about a millisecond.
func batched(work func() error) sampler {
	batch := 0
	return func(_ context.Context, budget time.Duration) (float64, error) {
		start := time.Now()
		best := math.Inf(1)
		if batch == 0 { // warms up, and says how long a run takes
			if err := work(); err != nil {
				return 0, err
			}
			once := time.Now()
			if err := work(); err != nil {
				return 0, err
			}
			batch = 1 + int(time.Millisecond/(time.Since(once)+1))
		}
		for {
			t0 := time.Now()
			for range batch {
				if err := work(); err != nil {
					return 0, err
				}
			}
			best = min(best, float64(time.Since(t0).Nanoseconds())/float64(batch))
			if time.Since(start) > budget {
				return best, nil
			}
		}
	}
}

// single samples work that is set up anew each time.
func single(setup func() (work func() error, err error)) sampler {
	return func(_ context.Context, budget time.Duration) (float64, error) {
		start := time.Now()
		best := math.Inf(1)
		for {
			work, err := setup()
			if err != nil {
				return 0, err
			}
			runtime.GC() // not that of the setup within the work
			t0 := time.Now()
			if err := work(); err != nil {
				return 0, err
			}
			best = min(best, float64(time.Since(t0).Nanoseconds()))
			if time.Since(start) > budget {
				return best, nil
			}
		}
	}
}

// mallocs is how many allocations a run of the work makes.
func mallocs(work func() error) (float64, error) {
	const runs = 8
	if err := work(); err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := work(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / runs), nil
}

// over is the time of one of n equal parts of the work.
func (s sampler) over(n int) sampler {
	return func(ctx context.Context, budget time.Duration) (float64, error) {
		ns, err := s(ctx, budget)
		return ns / float64(n), err
	}
}
