package estimate

import (
	"context"
	"time"
)

// grace is how long the results of a fit may take that was interrupted, or whose time is up.
const grace = 400 * time.Millisecond

// after is the time for results: that of the fit, which began so long ago, and a little
// more where it was cut short.
func (f *Fit) after(ctx context.Context, began time.Time) (context.Context, func()) {
	cancel := func() {}
	switch limit := f.Plan.Trainer.Stop.MaxTime; {
	case ctx.Err() != nil:
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), grace)
	case limit > 0:
		ctx, cancel = context.WithDeadline(ctx, began.Add(limit+grace))
	}
	f.late = func() bool { return ctx.Err() != nil }
	f.Objective.Watch(ctx)
	return ctx, func() {
		if end, ok := ctx.Deadline(); ok { // what is computed later on, such as curves, has this time too
			f.late = func() bool { return time.Now().After(end) }
			f.Objective.Watch(until(end))
		}
		cancel()
	}
}

// Left is how long the fit may still take; 0: as long as it likes.
func (f *Fit) Left() time.Duration {
	left := f.Plan.Trainer.Stop.MaxTime
	if left > 0 && f.State != nil {
		left = max(left-f.State.Spent(), time.Nanosecond)
	}
	return left
}

// Late reports whether the time was up before all results were there.
func (f *Fit) Late() bool { return f.late != nil && f.late() }

// deadline is a context that ends at a time by the clock, without a timer that somebody
// has to stop.
type deadline struct {
	context.Context
	end time.Time
}

func until(end time.Time) context.Context { return deadline{context.Background(), end} }

func (d deadline) Err() error {
	if time.Now().After(d.end) {
		return context.DeadlineExceeded
	}
	return nil
}
