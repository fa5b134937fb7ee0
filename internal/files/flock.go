//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package files

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

const nonblock = syscall.O_NONBLOCK

func isNoReader(err error) bool { return errors.Is(err, syscall.ENXIO) }

// keepOwner gives a file the owner of the one that it replaces, where that is allowed.
func keepOwner(f *os.File, old os.FileInfo) {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid)) // as anybody but root it is ours already, or stays ours
	}
}

// Lock makes this process the only one that works in a folder, until the file is
// closed or the process has ended, however it ends.
func Lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir+"/.lock", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, Unwritable(dir, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil, errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS):
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, &BusyError{dir}
	}
	f.Close()
	return nil, Unwritable(dir, fmt.Errorf("it cannot be locked: %w", err))
}
