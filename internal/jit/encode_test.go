package jit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/scalar"
)

// TestEncoding compares every instruction in every form, with low and high
// registers and near and far memory, byte for byte with Go's assembler, which
// reads what listings print.
func TestEncoding(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the instructions are those of amd64")
	}
	var source []string
	var code []byte
	memory := []operand{
		{base: frame, disp: 0},
		{base: frame, disp: 8},
		{base: frame, disp: 127},
		{base: frame, disp: 128},
		{base: frame, disp: 1 << 20},
		{base: lane, disp: 16},
		{base: lane, disp: 4096},
		{base: spill, disp: 640},
		{base: literal, disp: 0},
	}
	for _, width := range []struct {
		lanes  int
		single bool
	}{{1, false}, {4, false}, {8, true}} {
		lanes := width.lanes
		e := &emitter{writer: writer{single: width.single, literals: []uint64{math.Float64bits(1.5)}}}
		if width.single {
			e.literals[0] = uint64(math.Float32bits(1.5))
		}
		e.width(lanes)
		for k := range e.forms {
			var imms [][]byte
			switch k {
			case round:
				imms = [][]byte{{8}, {9}, {10}}
			case cmp:
				imms = [][]byte{{0}, {1}, {2}, {4}}
			case blend:
				imms = [][]byte{{0x00}, {0x50}, {0xF0}}
			case shift:
				imms = [][]byte{{0}, {52}, {64}}
			default:
				imms = [][]byte{nil}
			}
			regs := []byte{0, 5, 8, 15}
			rms := slices.Clone(memory)
			for _, r := range regs {
				rms = append(rms, operand{reg: r})
			}
			stores, loads := k == store || k == store1, k == load || k == broadcast
			for _, imm := range imms {
				for _, reg := range regs {
					for _, vvvv := range regs {
						for _, rm := range rms {
							switch {
							case (stores || loads) && rm.base == inReg, stores && rm.base == literal: // not used
								continue
							case k == move && rm.base != inReg, k == shift && rm.base != inReg:
								continue
							case (stores || loads || k == move || lanes > 1 && (k == sqrt || k == round)) && vvvv != 0: // has none
								continue
							}
							if k == shift {
								if reg > 5 {
									continue
								}
								reg := 6 - 4*(reg&1) // in the place of a register: left or right
								e.listed(&source, k, reg, vvvv, rm, imm)
								continue
							}
							e.listed(&source, k, reg, vvvv, rm, imm)
						}
					}
				}
			}
		}
		code = append(code, e.code...)
	}
	e := &emitter{p: &scalar.Program{}}
	for _, r := range []struct {
		text string
		b    []byte
	}{
		{"MOVQ AX, CX", []byte{0x48, 0x89, 0xC1}},
		{"MOVL $1000, DX", []byte{0xBA, 0xE8, 3, 0, 0}},
		{"ADDQ $64, CX", []byte{0x48, 0x83, 0xC1, 64}},
		{"SUBL $1, DX", []byte{0x83, 0xEA, 1}},
		{"VZEROUPPER", []byte{0xC5, 0xF8, 0x77}},
	} {
		e.raw("", r.b...)
		source = append(source, r.text)
	}
	code = append(code, e.code...)
	require.Greater(t, len(source), 2000)

	dir := t.TempDir()
	file, object := filepath.Join(dir, "x.s"), filepath.Join(dir, "x.o")
	text := "TEXT ·f(SB),4,$0\n\t" + strings.Join(source, "\n\t") + "\n\tRET\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	out, err := exec.Command("go", "tool", "asm", "-o", object, file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("go", "tool", "objdump", object).Output()
	require.NoError(t, err)
	var want []byte
	for _, line := range strings.Split(string(out), "\n")[1:] {
		if f := strings.Fields(line); len(f) > 2 {
			b, err := hex.DecodeString(f[2])
			require.NoError(t, err, line)
			want = append(want, b...)
		}
	}
	want = want[:min(len(want), len(code))]
	if !bytes.Equal(want, code) {
		i := 0
		for want[i] == code[i] {
			i++
		}
		t.Fatalf("byte %d: % x, Go's assembler has % x", i, code[max(0, i-8):i+8], want[max(0, i-8):i+8])
	}
}

// listed appends an instruction to the code, and what a listing says of it to
// the source, in the order of operands of Go's assembler.
func (e *emitter) listed(source *[]string, k int, reg, vvvv byte, rm operand, imm []byte) {
	e.op(k, reg, vvvv, rm, imm...)
	text := e.text(k, reg, vvvv, rm, imm)
	if rm.base == literal {
		text = strings.Replace(text, "$1.5", "·lit(SB)", 1)
	}
	mnemonic, ops, _ := strings.Cut(text, " ")
	list := strings.Split(ops, ", ")
	slices.Reverse(list)
	*source = append(*source, fmt.Sprintf("%s %s", mnemonic, strings.Join(list, ", ")))
}
