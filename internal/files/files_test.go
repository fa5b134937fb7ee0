//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, name string) string { return filepath.Join(t.TempDir(), name) }

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// TestStream: what is written a part at a time is there at the end and not before; an error of the writer's own comes
// back as it is, leaves the file as it was, and nothing beside it.
func TestStream(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	require.NoError(t, Replace(path, []byte("old")))
	own := errors.New("own")
	require.Same(t, own, Stream(path, func(w io.Writer) error {
		_, err := w.Write([]byte("half"))
		require.NoError(t, err)
		require.Equal(t, "old", text(t, path))
		return own
	}))
	require.Equal(t, "old", text(t, path))
	require.NoError(t, Stream(path, func(w io.Writer) error {
		for _, part := range []string{"a", "b", "c"} {
			if _, err := w.Write([]byte(part)); err != nil {
				return err
			}
		}
		return nil
	}))
	require.Equal(t, "abc", text(t, path))
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, list, 1)
	var unwritable *WriteError
	require.ErrorAs(t, Stream(dir, func(io.Writer) error { return own }), &unwritable)
	if _, err := os.Stat("/dev/full"); err == nil { // of a writer that does not look at errors too
		for _, told := range []bool{true, false} {
			err := Stream("/dev/full", func(w io.Writer) error {
				if _, err := w.Write([]byte("a")); told {
					return err
				}
				return nil
			})
			require.ErrorAs(t, err, &unwritable)
			require.ErrorIs(t, err, syscall.ENOSPC)
		}
	}
}

func TestReplaceKeepsWhatIsThere(t *testing.T) {
	path := at(t, "x")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o640))
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, Replace(path, []byte("new")))
	require.Equal(t, "new", text(t, path))
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), st.Mode().Perm())

	was := syscall.Umask(0o077)
	defer syscall.Umask(was)
	path = at(t, "y")
	require.NoError(t, ReplaceSynced(path, []byte("new")))
	st, err = os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), st.Mode().Perm(), "as the umask says")
}

// TestReplaceThroughLinks: what a link points at is written, through a chain and where it is not
// there yet, and the link stays.
func TestReplaceThroughLinks(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.Mkdir(in("below"), 0o755))
	require.NoError(t, os.Symlink("below/b", in("a")))
	require.NoError(t, os.Symlink("../c", in("below/b")))
	for _, content := range []string{"one", "two"} {
		require.NoError(t, Replace(in("a"), []byte(content)))
		require.Equal(t, content, text(t, in("c")))
		for _, link := range []string{"a", "below/b"} {
			st, err := os.Lstat(in(link))
			require.NoError(t, err)
			require.NotZero(t, st.Mode()&fs.ModeSymlink, link)
		}
	}
	require.NoError(t, os.Symlink("loop", in("loop")))
	require.ErrorContains(t, Replace(in("loop"), nil), "too many links")
}

func TestReplaceWritesToPipes(t *testing.T) {
	path := at(t, "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	var we *WriteError
	require.ErrorAs(t, Replace(path, []byte("x")), &we)
	require.Equal(t, path+" cannot be written: it is a pipe, and nobody reads from it", we.Error())

	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer reader.Close()
	require.NoError(t, Replace(path, []byte("through")))
	require.NoError(t, reader.SetReadDeadline(time.Now().Add(time.Second)))
	b := make([]byte, 100)
	n, err := reader.Read(b)
	require.NoError(t, err)
	require.Equal(t, "through", string(b[:n]))
	st, err := os.Lstat(path)
	require.NoError(t, err)
	require.NotZero(t, st.Mode()&fs.ModeNamedPipe, "it is a pipe still")
}

// TestReplaceLeavesNothing: where a file cannot be written nothing is left beside it, and the old one is as it was.
func TestReplaceLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	require.NoError(t, os.Mkdir(folder, 0o755))
	require.EqualError(t, Replace(folder, []byte("x")), folder+" cannot be written: it is a folder")
	gone := filepath.Join(dir, "no", "x")
	require.EqualError(t, Replace(gone, []byte("x")), gone+" cannot be written: no such file or directory")
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{".pinode-123456", "kept", ".kept"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, n), nil, 0o600))
	}
	Sweep(dir)
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, list, 2)
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	device := filepath.Join(dir, "zero")
	require.NoError(t, os.Symlink("/dev/zero", device))
	long := filepath.Join(dir, "long")
	require.NoError(t, os.WriteFile(long, make([]byte, 1<<20+1), 0o600))
	none := filepath.Join(dir, "none")
	for path, want := range map[string]string{
		pipe: pipe + " cannot be read: is a pipe", device: device + " cannot be read: is a device", dir: dir + " cannot be read: is a directory",
		long: long + " cannot be read: it has more than 1 MB", none: "open " + none + ": no such file or directory",
	} {
		_, err := Read(path, 1<<20)
		var re *ReadError
		require.ErrorAs(t, err, &re)
		require.Equal(t, want, err.Error())
	}
	_, err := Read(none, 1)
	require.ErrorIs(t, err, fs.ErrNotExist)
	b, err := Read(long, 1<<20+1)
	require.NoError(t, err)
	require.Len(t, b, 1<<20+1)
}

// endless is a stream without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestBounded(t *testing.T) {
	e := &endless{}
	_, err := Bounded(e, 1<<20)
	require.EqualError(t, err, "it has more than 1 MB")
	require.Less(t, e.read, 1<<21, "and no more is read")
	b, err := Bounded(strings.NewReader("abc"), 3)
	require.NoError(t, err)
	require.Equal(t, "abc", string(b))
	_, err = Bounded(io.MultiReader(strings.NewReader("abc"), &broken{}), 9)
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, errBroken }

func TestLock(t *testing.T) {
	dir := t.TempDir()
	first, err := Lock(dir)
	require.NoError(t, err)
	_, err = Lock(dir)
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	require.NoError(t, first.Close())
	again, err := Lock(dir)
	require.NoError(t, err)
	require.NoError(t, again.Close())
	_, err = Lock(filepath.Join(dir, "none"))
	var we *WriteError
	require.ErrorAs(t, err, &we)
}

// TestYAML: what is wrong with a document is said without the names of types.
func TestYAML(t *testing.T) {
	for text, want := range map[string]string{
		"- 1\n- 2\n":                 "line 1: there is a list where names with values, `name: value`, are wanted",
		"params:\n  a: {value: x}\n": "line 2: there is a text where a number is wanted",
		"params: [1":                 "line 1: did not find expected ',' or ']'",
		"a: 1\na: 2\n":               "line 2: mapping key \"a\" already defined at line 1",
	} {
		var doc struct {
			Params map[string]struct{ Value float64 }
			A      float64
		}
		require.EqualError(t, YAML([]byte(text), &doc), want)
	}
	var ok map[string]float64
	require.NoError(t, YAML([]byte("a: 1.5"), &ok))
	require.Equal(t, map[string]float64{"a": 1.5}, ok)
}
