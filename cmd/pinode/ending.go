package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// patience is how long a command may take to end once it is asked to, or its time is up. Whatever
// it is at is left then.
const patience = 900 * time.Millisecond

// signalled is the cause of a context that a signal has ended.
type signalled struct{ sig syscall.Signal }

func (s signalled) Error() string { return "stopped by the signal " + s.sig.String() }

// interrupted is the exit code of a command whose context has ended: that of the signal.
func interrupted(ctx context.Context) int {
	var s signalled
	if errors.As(context.Cause(ctx), &s) {
		return 128 + int(s.sig)
	}
	return exitInterrupted
}

// departure is what is left to do where a command is left in the middle of something.
type departure struct {
	sync.Mutex
	do func(status string)
}

// onLeaving says what it is: one thing at a time, nil for nothing.
func (a *app) onLeaving(do func(status string)) {
	a.leaving.Lock()
	defer a.leaving.Unlock()
	a.leaving.do = do
}

// leave ends the program.
func (a *app) leave(status string, code int) {
	a.leaving.Lock() // for ever: nobody else is to do anything
	if a.leaving.do != nil {
		a.leaving.do(status)
	}
	if a.json { // whatever was to be the document is left where it is
		_ = writeJSON(a.stdout, failureDocument(failure{codeOf(code), "the command was left in the middle of a step", code}))
	}
	os.Exit(code)
}

// interruptible is a context that a signal ends; the second ends the program, and so does a command
// that goes on.
func interruptible(a *app) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	ch := make(chan os.Signal, 2)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // what nohup, or a shell that puts it in the background, ignores for it
			signal.Notify(ch, sig)
		}
	}
	// Output that nobody reads is an error of its write then, and not the end of a fit.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		var late <-chan time.Time
		code := exitInterrupted
		for {
			select {
			case s := <-ch:
				sig, _ := s.(syscall.Signal)
				code = 128 + int(sig)
				if late != nil {
					a.leave("interrupted", code)
				}
				late = time.After(patience)
				cancel(signalled{sig})
				go fmt.Fprintln(a.err, "\nstopping; interrupt again to stop at once") // nobody may read it
			case <-late:
				a.leave("interrupted", code)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(ch); signal.Stop(broken); close(done); cancel(nil) }
}
