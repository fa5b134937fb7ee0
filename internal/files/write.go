package files

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteError is a file of results that cannot be written.
type WriteError struct {
	Path  string
	Cause error
}

func (e *WriteError) Error() string { return fmt.Sprintf("%s cannot be written: %s", e.Path, e.Cause) }

// Unwrap is the cause.
func (e *WriteError) Unwrap() error { return e.Cause }

// Unwritable is the error of a path that cannot be written.
func Unwritable(path string, err error) error {
	if err == nil {
		return nil
	}
	return &WriteError{path, bare(err)}
}

// beside starts the names of files on their way; see Sweep.
const beside = ".pinode-"

// Replace writes a file: beside its place, and then renamed, so that it is never
// half-written. It keeps the mode and the owner of a file that is there. A link leads to what it
// points at, and pipes and devices are written to, never replaced.
func Replace(path string, text []byte) error { return Stream(path, all(text)) }

// Stream is Replace of what write writes, a part at a time. An error of write's own is returned as it is, and leaves
// the file as it was.
func Stream(path string, write func(io.Writer) error) error { return replace(path, write, false) }

// all writes a text.
func all(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}

// ReplaceSynced is Replace, and the file outlives a crash of the machine from then on.
func ReplaceSynced(path string, text []byte) error {
	return replace(path, all(text), true)
}

func replace(path string, write func(io.Writer) error, sync bool) error {
	var own error // of write, where nothing was wrong with the file
	err := replaceBy(path, func(f *os.File) error {
		to := &sink{f, nil}
		if err := write(to); err != nil && to.err == nil {
			own = err
			return err
		}
		return to.err
	}, sync)
	if own != nil {
		return own
	}
	return Unwritable(path, err)
}

// sink is a file that keeps the first error of writing it.
type sink struct {
	to  io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.to.Write(p)
	s.err = err
	return n, err
}

func replaceBy(path string, fill func(*os.File) error, sync bool) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil
	case err != nil:
		return err
	case old.IsDir():
		return errors.New("it is a folder")
	case !old.Mode().IsRegular():
		return writeTo(path, fill)
	}
	f, err := create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // is gone where all went well
	err = fill(f)
	if err == nil && old != nil {
		err = f.Chmod(old.Mode().Perm())
		keepOwner(f, old)
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if sync {
		return syncFolder(filepath.Dir(path))
	}
	return nil
}

// target is the file that a path leads to, through links, whether it is there or not.
func target(path string) (string, error) {
	for range 40 { // as many as Linux follows
		st, err := os.Lstat(path)
		if err != nil || st.Mode()&fs.ModeSymlink == 0 {
			return path, nil // what is wrong with it is found when it is written
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("there are too many links")
}

// create makes a new file in a folder, with the rights that new files have.
func create(dir string) (*os.File, error) {
	tail := make([]byte, 6)
	if _, err := rand.Read(tail); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(dir, beside+hex.EncodeToString(tail)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// writeTo writes to a pipe or a device. A pipe that nobody reads is not waited for.
func writeTo(path string, fill func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|nonblock, 0)
	if err != nil {
		if isNoReader(err) {
			return errors.New("it is a pipe, and nobody reads from it")
		}
		return err
	}
	return errors.Join(fill(f), f.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // not every file system can
	return nil
}

// Sweep removes what writers left behind in a folder that were killed. Nobody may be
// writing there.
func Sweep(dir string) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), beside) && e.Type().IsRegular() {
			_ = os.Remove(filepath.Join(dir, e.Name())) // it does no harm
		}
	}
}

// BusyError is a folder that another process works in.
type BusyError struct{ Dir string }

func (e *BusyError) Error() string {
	return e.Dir + ": another pinode is at work in this folder; wait for it, or end it"
}

// Overwrite writes a file in the place where it is, which needs less room on a disk than
// Replace, and may leave it half-written.
func Overwrite(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return Unwritable(path, err)
	}
	_, err = f.WriteAt(text, 0)
	if err == nil {
		err = f.Truncate(int64(len(text)))
	}
	return Unwritable(path, errors.Join(err, f.Close()))
}
