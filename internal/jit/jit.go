package jit

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"unsafe"

	"github.com/pinode/pinode/internal/scalar"
)

// Code is a compiled program.
type Code struct {
	entry  uintptr
	memory *memory // keeps the code mapped
	words  int     // of the frame with its spills

	ps           []*scalar.Program
	lanes, frame int
}

// Lanes reports whether programs can be compiled for a number of lanes.
func Lanes(n int) bool { return n == 1 || n == 4 || n == 8 }

// Available is nil if machine code can run here: the processor has AVX2 and
// FMA, the system lets memory be made executable, and the variable PINODE_EXEC
// is not `interp`. Otherwise it says why not.
var Available = sync.OnceValue(func() error {
	if os.Getenv("PINODE_EXEC") == "interp" {
		return errors.New("PINODE_EXEC=interp asks for the interpreter")
	}
	if err := supported(); err != nil {
		return err
	}
	return probe()
})

// Wanted reports whether machine code is to be used: where it can run, unless
// the variable PINODE_EXEC is `interp`. With `jit` it is an error if it cannot;
// so is any other value.
func Wanted() (bool, error) {
	err := Available()
	switch v := os.Getenv("PINODE_EXEC"); v {
	case "", "interp":
		return err == nil, nil
	case "jit":
		return err == nil, err
	default:
		return false, fmt.Errorf("PINODE_EXEC is `interp` or `jit`, not `%s`", v)
	}
}

var errWrong = errors.New("jit: machine code gives wrong results here")

// probe runs a small program.
func probe() error {
	p := &scalar.Program{}
	p.Store(0, p.Binary(scalar.OpAdd, p.Load(1, false), p.Const(1)), false)
	codes, err := CompileAll([][]*scalar.Program{{p}}, 1, 2)
	if err != nil {
		return err
	}
	mem := []float64{0, 41}
	codes[0].Run(mem)
	if mem[0] != 42 {
		return errWrong
	}
	return nil
}

// CompileAll compiles lists of programs, which run one after the other, for frames of
// the given number of words. A frame that they run on has room for Spills more behind it.
func CompileAll(lists [][]*scalar.Program, lanes, frame int) ([]*Code, error) {
	if !Lanes(lanes) {
		return nil, fmt.Errorf("jit: no code for %d lanes", lanes)
	}
	count, most := 0, 0
	for _, ps := range lists {
		own := 0
		for _, p := range ps {
			own += len(p.Code)
		}
		count, most = count+own, max(most, own)
	}
	text := make([]byte, 0, usual*count)
	starts := make([]int, len(lists))
	codes := make([]*Code, len(lists))
	r := &room{code: make([]byte, 0, usual*most)}
	for i, ps := range lists {
		e, err := emit(ps, lanes, frame, nil, r)
		if err != nil {
			return nil, err
		}
		r.code = e.code
		for len(text)%64 != 0 {
			text = append(text, 0xCC)
		}
		starts[i] = len(text)
		text = append(text, e.code...)
		if 8*(frame+e.words) > math.MaxInt32 {
			return nil, fmt.Errorf("jit: a frame of %d words is too large", frame)
		}
		codes[i] = &Code{words: frame + e.words, ps: ps, lanes: lanes, frame: frame}
	}
	if len(lists) == 0 {
		return codes, nil
	}
	m, err := executable(text)
	if err != nil {
		return nil, err
	}
	for i, c := range codes {
		c.memory, c.entry = m, m.base+uintptr(starts[i])
	}
	return codes, nil
}

// usual is how many bytes the code of an instruction takes about.
const usual = 8

func emit(ps []*scalar.Program, lanes, frame int, trace func(string), r *room) (*emitter, error) {
	e := &emitter{frame: frame, room: r}
	e.trace, e.code = trace, r.code[:0]
	return e, e.function(ps, lanes)
}

// Spills is how many words the code needs behind the frame.
func (c *Code) Spills() int { return c.words - c.frame }

// Run executes the code on a frame.
func (c *Code) Run(mem []float64) {
	if len(mem) < c.words {
		panic("jit: the frame is too short")
	}
	call(c.entry, unsafe.Pointer(unsafe.SliceData(mem)))
}

// String lists the code.
func (c *Code) String() string {
	var w strings.Builder
	e, err := emit(c.ps, c.lanes, c.frame, func(text string) { fmt.Fprintf(&w, "\t%s\n", text) }, &room{})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d bytes, %d words of spills\n%s", len(e.code), c.Spills(), w.String())
}
