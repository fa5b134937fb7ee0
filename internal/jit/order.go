package jit

import (
	"fmt"

	"github.com/pinode/pinode/internal/scalar"
)

// args are the values that an instruction reads.
func args(in *scalar.Instr) (v [3]scalar.Value, n int) {
	v = [3]scalar.Value{in.A, in.B, in.C}
	switch in.Op {
	case scalar.OpConst, scalar.OpLoad, scalar.OpLoadShared, scalar.OpLoadLanes:
		return v, 0
	case scalar.OpStore, scalar.OpStoreShared, scalar.OpSqrt, scalar.OpRound, scalar.OpFloor, scalar.OpCeil, scalar.OpShl, scalar.OpShr:
		return v, 1
	case scalar.OpFMA, scalar.OpBlend:
		return v, 3
	}
	return v, 2
}

func loads(op scalar.Op) bool {
	return op == scalar.OpLoad || op == scalar.OpLoadShared || op == scalar.OpLoadLanes
}

func stores(op scalar.Op) bool { return op == scalar.OpStore || op == scalar.OpStoreShared }

// span is the words that a load or store touches.
func (e *emitter) span(in *scalar.Instr) (from, to int) {
	from, to = int(in.Off), int(in.Off)+1
	if in.Op == scalar.OpLoad || in.Op == scalar.OpStore {
		to = from + (max(e.lanes, e.p.Count)*e.size+7)/8
	} else if in.Op == scalar.OpLoadLanes {
		to = from + e.size
	}
	return from, to
}

// arrange checks the program and orders what is needed of it: every store as
// soon as its value is there and what stood in its place has been used.
func (e *emitter) arrange() error {
	needed, lastUse, err := e.check()
	if err != nil {
		return err
	}
	e.place(needed, e.follows(lastUse))
	e.list()
	return nil
}

// check checks the program; it returns which instructions stores need, and the last
// one that uses each value.
func (e *emitter) check() (needed []bool, lastUse []int32, err error) {
	code := e.p.Code
	needed, lastUse = cleared(&e.room.needed, len(code)), cleared(&e.room.last, len(code))
	for i := len(code) - 1; i >= 0; i-- {
		in := &code[i]
		if in.Op >= scalar.NumOps {
			return nil, nil, fmt.Errorf("jit: instruction %d is unknown", i)
		}
		if in.Op == scalar.OpLoadLanes && (e.p.Count == 0 || e.p.Count%8 != 0) {
			return nil, nil, fmt.Errorf("jit: instruction %d loads eight lanes in a loop over %d numbers", i, e.p.Count)
		}
		if loads(in.Op) || stores(in.Op) {
			if from, to := e.span(in); from < 0 || to > e.frame {
				return nil, nil, fmt.Errorf("jit: instruction %d is at words %d to %d of a frame of %d", i, from, to, e.frame)
			}
		}
		if !needed[i] && !stores(in.Op) {
			continue
		}
		needed[i] = true
		v, n := args(in)
		for _, a := range v[:n] {
			if a < 0 || int(a) >= i || stores(code[a].Op) {
				return nil, nil, fmt.Errorf("jit: instruction %d reads value %d", i, a)
			}
			needed[a] = true
			lastUse[a] = max(lastUse[a], int32(i))
		}
	}
	return needed, lastUse, nil
}

// follows is for each store the instruction that it follows.
func (e *emitter) follows(lastUse []int32) []int32 {
	if e.p.Count > 0 {
		return followsInLoop(e, lastUse)
	}
	code := e.p.Code
	words := e.room.touch(e.frame)
	follows := cleared(&e.room.follow, len(code))
	for i := range code {
		in := &code[i]
		switch {
		case loads(in.Op):
			from, to := e.span(in)
			for w := from; w < to; w++ {
				x := words.at(w)
				x.readTill = max(x.readTill, lastUse[i])
			}
		case stores(in.Op):
			at := int32(in.A)
			from, to := e.span(in)
			for w := from; w < to; w++ {
				x := words.at(w)
				at = max(at, min(x.readTill, int32(i)), x.stored)
			}
			follows[i] = at
			for w := from; w < to; w++ {
				x := words.at(w)
				x.stored = at
				if x.readTill > int32(i) {
					e.pin(i, w)
				}
			}
		}
	}
	return follows
}

// touched is what programs do with the words of the frame.
type touched struct {
	words []word
	now   int32 // the program
}

// word is the last use of its loads in a program, and the last store to it, so far.
type word struct{ in, readTill, stored int32 }

// touch begins a program.
func (r *room) touch(frame int) *touched {
	if t := &r.touched; len(t.words) < frame {
		t.words, t.now = make([]word, frame), 0
	}
	r.touched.now++
	return &r.touched
}

// at is what the program has done with a word.
func (t *touched) at(w int) *word {
	x := &t.words[w]
	if x.in != t.now {
		*x = word{in: t.now}
	}
	return x
}

// followsInLoop is follows of a loop, which has few instructions over many words: it
// compares them one with another.
func followsInLoop(e *emitter, lastUse []int32) []int32 {
	code := e.p.Code
	follows := cleared(&e.room.follow, len(code))
	for i := range code {
		in := &code[i]
		if !stores(in.Op) {
			continue
		}
		at := int32(in.A)
		from, to := e.span(in)
		for k := range code[:i] {
			q := &code[k]
			if !loads(q.Op) && !stores(q.Op) {
				continue
			}
			if lo, hi := e.span(q); to <= lo || hi <= from {
				continue
			}
			if stores(q.Op) {
				at = max(at, follows[k])
				continue
			}
			at = max(at, min(lastUse[k], int32(i)))
			e.pinned[k] = e.pinned[k] || lastUse[k] > int32(i)
		}
		follows[i] = at
	}
	return follows
}

// place orders what is needed, with every store behind what it follows.
func (e *emitter) place(needed []bool, follows []int32) {
	code := e.p.Code
	// The stores that follow instruction i: first[i], then the next of each.
	first, next := cleared(&e.room.first, len(code)), cleared(&e.room.next, len(code))
	for i := len(code) - 1; i >= 0; i-- {
		if stores(code[i].Op) {
			at := follows[i]
			next[i], first[at] = first[at], int32(i)
		}
	}
	e.order = cleared(&e.room.order, len(code))[:0]
	for i := range code {
		if needed[i] && !stores(code[i].Op) {
			e.order = append(e.order, int32(i))
		}
		for s := first[i]; s > 0; s = next[s] { // no store is the first instruction
			e.order = append(e.order, s)
		}
	}
}

// list counts the uses of each value, and lists them behind those of the values before it.
func (e *emitter) list() {
	code := e.p.Code
	each := func(use func(v scalar.Value, at int32)) {
		for at, i := range e.order {
			v, n := args(&code[i])
			for k, a := range v[:n] {
				if k > 0 && a == v[k-1] || k > 1 && a == v[0] {
					continue // counted
				}
				use(a, int32(at))
			}
		}
	}
	each(func(v scalar.Value, _ int32) { e.ahead[v+1][0]++ })
	for v := range code {
		e.ahead[v+1][0] += e.ahead[v][0]
		e.ahead[v][1] = e.ahead[v][0]
	}
	e.uses = cleared(&e.room.uses, int(e.ahead[len(code)][0]))
	each(func(v scalar.Value, at int32) {
		e.uses[e.ahead[v][1]] = at
		e.ahead[v][1]++
	})
}

// pin makes loads of a word that a store overwrites while they are in use
// values like others, which are not had again from memory.
func (e *emitter) pin(before, word int) {
	for i := range e.p.Code[:before] {
		if in := &e.p.Code[i]; loads(in.Op) {
			if from, to := e.span(in); from <= word && word < to {
				e.pinned[i] = true
			}
		}
	}
}
