package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/files"
)

// stream is standard output or the error stream. It notes the first write that failed, so that
// those who print need not look, and drops what follows.
type stream struct {
	mu  sync.Mutex
	to  io.Writer
	tty bool
	err error

	// What acts on a terminal is shown and not sent: no result has colours.
	plain bool
}

func newStream(w io.Writer) *stream {
	f, ok := w.(*os.File)
	return &stream{to: w, tty: ok && term.IsTerminal(int(f.Fd()))}
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	out := p
	if s.plain {
		out = []byte(diag.Visible(string(p)))
	}
	if _, s.err = s.to.Write(out); s.err != nil {
		return 0, s.err
	}
	return len(p), nil
}

// failed is what is to be said of output that could not be written: the reader of a pipe that has
// gone away knows.
func (s *stream) failed() (text string, failed bool) {
	switch {
	case s.err == nil:
		return "", false
	case errors.Is(s.err, syscall.EPIPE):
		return "", true
	}
	return files.Unwritable("standard output", s.err).Error(), true
}

// longest is how much of a message is printed.
const longest = 4000

// say prints a message, which may have in it what stands in data.
func (a *app) say(format string, args ...any) {
	text := diag.Visible(fmt.Sprintf(format, args...))
	if len(text) > longest {
		text = fmt.Sprintf("%s… (%d bytes more)", diag.Visible(text[:longest]), len(text)-longest)
	}
	fmt.Fprintln(a.err, text)
}
