//go:build !purego

package jit

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/cpu"
)

func supported() error {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return fmt.Errorf("jit: the processor has no AVX2 and FMA")
	}
	return nil
}

// memory is mapped code. It is unmapped when nothing refers to it.
type memory struct {
	base uintptr
}

// executable maps code: it is written first and made executable then.
func executable(text []byte) (*memory, error) {
	b, err := syscall.Mmap(-1, 0, len(text), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("jit: mapping memory for code: %w", err)
	}
	copy(b, text)
	if err := syscall.Mprotect(b, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		_ = syscall.Munmap(b)
		return nil, fmt.Errorf("jit: the system does not let memory be made executable: %w", err)
	}
	m := &memory{base: uintptr(unsafe.Pointer(unsafe.SliceData(b)))}
	runtime.AddCleanup(m, func(b []byte) { _ = syscall.Munmap(b) }, b)
	return m, nil
}

// call jumps to code, which returns to the caller, with mem in AX.
//
//go:noescape
func call(code uintptr, mem unsafe.Pointer)
