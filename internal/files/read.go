package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ReadError is a file that cannot be read.
type ReadError struct {
	Path  string
	Cause error
}

func (e *ReadError) Error() string {
	if errors.Is(e.Cause, fs.ErrNotExist) {
		return "open " + e.Path + ": no such file or directory"
	}
	return fmt.Sprintf("%s cannot be read: %s", e.Path, e.Cause)
}

// Unwrap is the cause.
func (e *ReadError) Unwrap() error { return e.Cause }

// Open opens a file to be read. A folder is refused, and so are devices and named
// pipes, which may never end or never begin; a pipe that was handed to this process, as
// <(command) does, is none of these.
func Open(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, &ReadError{path, bare(err)}
	}
	if what := special(st.Mode()); what != "" && !(st.Mode()&fs.ModeNamedPipe != 0 && handed(path)) {
		return nil, &ReadError{path, errors.New("is " + what)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &ReadError{path, bare(err)}
	}
	return f, nil
}

// special says what a file is that is no regular one.
func special(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return ""
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// handed reports whether a path is that of a file that this process was started with.
func handed(path string) bool {
	abs, err := filepath.Abs(path)
	return err == nil && (abs == "/dev/stdin" || strings.HasPrefix(abs, "/dev/fd/") || strings.HasPrefix(abs, "/proc/self/fd/"))
}

// Read reads a file of up to so many bytes.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := Bounded(f, limit)
	if err != nil {
		return nil, &ReadError{path, bare(err)}
	}
	return text, nil
}

// Bounded reads all of r, which is too large with more than so many bytes.
func Bounded(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it has more than %d MB", limit>>20)
	}
	return text, err
}

// bare is an error without the names of files, which are told anyway.
func bare(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

// MaxText is how long a text may be that a person wrote: a model, a configuration.
const MaxText = 64 << 20

// Whole is a limit for files that are as large as what they hold.
const Whole = 1 << 62
