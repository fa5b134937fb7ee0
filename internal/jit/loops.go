package jit

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pinode/pinode/internal/scalar"
)

// mostFixed is how many values a loop keeps in registers at most: the register that pairs
// leave over, and three pairs. Four are left to an instruction.
const mostFixed = 7

// loop emits the program for so many times as many numbers as there are lanes, and leaves CX
// behind them. What is the same each time is loaded once where that saves more than registers
// for the rest are worth.
func (e *emitter) loop(times int) error {
	if times == 0 {
		return nil
	}
	if e.paired && times > 2 {
		values, err := e.steadies()
		if err != nil {
			return err
		}
		e.fix(values)
		e.paired, e.spill = false, make([]int32, len(e.p.Code)) // each is one register, and none is spilled yet
		for i, v := range values {
			e.fetch(v, e.home(i))
		}
		e.paired = true
	}
	e.raw("MOVL DX, "+fmt.Sprint(times), 0xBA, byte(times), byte(times>>8), byte(times>>16), byte(times>>24))
	start := len(e.code)
	if err := e.body(); err != nil {
		return err
	}
	e.raw(fmt.Sprintf("ADDQ CX, $%d", e.size*e.lanes), 0x48, 0x83, 0xC1, byte(e.size*e.lanes))
	if times > 1 {
		e.raw("SUBL DX, $1", 0x83, 0xEA, 1)
		back := int32(start - (len(e.code) + 6))
		e.raw("JNZ", 0x0F, 0x85, byte(back), byte(back>>8), byte(back>>16), byte(back>>24))
	}
	return nil
}

// steadies chooses the values that the loop is to have in registers: as many of those that
// are read most as make its accesses to memory the fewest.
func (e *emitter) steadies() ([]scalar.Value, error) {
	least, list, err := e.trial(nil)
	if err != nil {
		return nil, err
	}
	var best []scalar.Value
	for n := 1; len(list) > len(best); n += 2 {
		some := list[:min(n, len(list), mostFixed)]
		accesses, _, err := e.trial(some)
		if err != nil {
			return nil, err
		}
		if accesses >= least {
			break
		}
		if least, best = accesses, some; n >= mostFixed {
			break
		}
	}
	return best, nil
}

// trial is how often the loop accesses memory with some values in registers, and which may
// be, by the number of their uses.
func (e *emitter) trial(fixed []scalar.Value) (accesses int, list []scalar.Value, err error) {
	t := *e
	t.assembler, t.literal, t.accesses = assembler{}, maps.Clone(e.literal), 0
	t.fix(fixed)
	if err := t.body(); err != nil {
		return 0, nil, err
	}
	uses := map[scalar.Value]int{}
	for _, i := range t.order {
		v, n := args(&t.p.Code[i])
		for _, a := range v[:n] {
			if t.same(a) {
				if uses[a]++; uses[a] == 1 {
					list = append(list, a)
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b scalar.Value) int { return uses[b] - uses[a] })
	return t.accesses, list, nil
}

// same reports whether a value is the same in both halves and each time.
func (e *emitter) same(v scalar.Value) bool {
	switch e.p.Code[v].Op {
	case scalar.OpConst:
		return true
	case scalar.OpLoadShared:
		return !e.pinned[v]
	case scalar.OpLoadLanes: // eight singles fill one register, eight doubles two
		return !e.pinned[v] && e.size == 4
	}
	return false
}
