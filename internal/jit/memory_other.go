//go:build !linux || !amd64 || purego

package jit

import (
	"errors"
	"unsafe"
)

var errNone = errors.New("jit: this build has no machine code")

func supported() error { return errNone }

type memory struct{ base uintptr }

func executable([]byte) (*memory, error) { return nil, errNone }

func call(uintptr, unsafe.Pointer) { panic(errNone) }
