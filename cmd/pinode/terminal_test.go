//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onTerminal runs a command on a terminal of so many columns, of other so many from its first line
// of progress on, and returns what it shows before that and behind it.
func onTerminal(t *testing.T, c *exec.Cmd, columns, then int) (before, behind string) {
	main, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals here: ", err)
	}
	defer main.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(main.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(main.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	side, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	size := func(columns int) {
		require.NoError(t, unix.IoctlSetWinsize(int(main.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}))
	}
	size(columns)
	c.Stdin, c.Stdout, c.Stderr = side, side, side
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, c.Start())
	require.NoError(t, side.Close())
	var all strings.Builder
	buf := make([]byte, 1<<16)
	at := 0
	for {
		k, err := main.Read(buf)
		all.Write(buf[:k])
		if at == 0 && strings.Contains(all.String(), "training") {
			size(then)
			time.Sleep(200 * time.Millisecond) // a line of the old width may be on its way
			k, _ := main.Read(buf)
			all.Write(buf[:k])
			at = all.Len()
		}
		if err != nil { // that the other side was closed is EIO
			break
		}
	}
	_ = c.Wait()
	return all.String()[:at], all.String()[at:]
}

// overwritten are lines that are written over.
var overwritten = regexp.MustCompile(`training[^\r\n]*\r[^\n]`)

// widest is the length of the longest of them.
func widest(text string) (n int) {
	text = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`).ReplaceAllString(text, "")
	for _, line := range overwritten.FindAllString(text, -1) {
		n = max(n, utf8.RuneCountInString(line)-2)
	}
	return n
}

// TestProgressOnTerminals: the line of progress is no wider than the terminal is now, since one that
// is broken cannot be written over; it tells no time to go where none is known. A terminal that
// cannot go back in a line gets whole lines.
func TestProgressOnTerminals(t *testing.T) {
	dir := t.TempDir()
	var table strings.Builder
	table.WriteString("t,y\n")
	for i := range 40 { // of no decay: the search for one uses its budget
		fmt.Fprintf(&table, "%g,%d\n", float64(i)/10, i%2)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(table.String()), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.node"), []byte(`model M {
  param k in (0, inf) = 0.5
  state x = 1
  state v = 0
  x' = v
  v' = -k*x
  observe y = x ~ normal(0.01)
}
data d from "d.csv" { time: t, y: y }
`), 0o600))
	run := func(out string, columns, then int, env ...string) (string, string) {
		c := exec.Command("pinode", "fit", "m.node", "--out", out, "--max-time", "4s")
		c.Dir, c.Env = dir, append(os.Environ(), env...)
		return onTerminal(t, c, columns, then)
	}
	before, behind := run("wide", 100, 45, "TERM=xterm")
	require.Contains(t, behind, "verdict", before)
	require.Regexp(t, overwritten, behind)
	require.LessOrEqual(t, widest(behind), 45, "%q", behind)
	require.Greater(t, widest(before), 45)
	require.NotRegexp(t, `-\d+s`, before+behind)
	before, behind = run("dumb", 45, 45, "TERM=dumb")
	require.NotContains(t, before+behind, "\x1b")
	require.NotContains(t, strings.ReplaceAll(before+behind, "\r\n", ""), "\r")
	require.Contains(t, behind, "verdict")
}
