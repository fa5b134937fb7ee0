//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package files

import (
	"os"
	"path/filepath"
)

const nonblock = 0

func isNoReader(error) bool { return false }

func keepOwner(*os.File, os.FileInfo) {}

// Lock opens the lock of a folder; on this system nobody else is kept out.
func Lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o666)
	return f, Unwritable(dir, err)
}
