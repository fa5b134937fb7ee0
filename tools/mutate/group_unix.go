//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// grouped lets a command and all that it starts be ended together: a program that a test has
// started, and that a fault keeps from ending, would go on for ever.
func grouped(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return endGroup(cmd) }
}

// endGroup ends what is left of a command's group.
func endGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
