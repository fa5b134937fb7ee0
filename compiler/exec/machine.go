package exec

import (
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/jit"
	"github.com/pinode/pinode/internal/scalar"
)

// leastRun is how many operations on single elements a run needs for machine
// code to be worth the call.
const leastRun = 3

// Segments that follow each other become one piece of machine code, which costs one call, up to
// so many instructions times numbers that they go over: it has to finish in well under the time
// between two preemptions. An instruction of a straight run counts for several numbers, since
// loops do that many at once.
const (
	mostWork  = 1 << 18
	leastWork = 8
)

// worth reports whether a run has so many.
func worth(code []instr) bool {
	work := 0
	for i := range code {
		work += code[i].n * max(1, code[i].k)
	}
	return work >= leastRun
}

// assemble compiles the straight runs and loops of all programs to machine
// code.
func (c *compiler) assemble(graphs []*ir.Graph, temps int) error {
	lives := liveness{words: make([]bool, c.m.size), lanes: c.m.lanes}
	l := &lowering{lanes: c.m.lanes, at: make([]slot, c.m.size)}
	var runs [][]*scalar.Program
	var of []*segment
	for _, g := range graphs {
		p := c.m.programs[g.Name]
		for w := range lives.words {
			lives.words[w] = w < temps // temporaries carry nothing out of a program
		}
		room := 0 // for work in the run of the segment behind
		for i := len(p.segments) - 1; i >= 0; i-- {
			s := &p.segments[i]
			if s.kind == loopRun || s.kind == straightRun && worth(s.code) {
				q := l.lower(s, lives.words)
				work := len(q.Code) * max(leastWork, q.Count)
				if last := len(runs) - 1; work < room {
					runs[last], of[last] = append([]*scalar.Program{q}, runs[last]...), s
					p.segments[i+1].joined = true
				} else {
					runs, of, room = append(runs, []*scalar.Program{q}), append(of, s), mostWork
				}
				room -= work
			} else {
				room = 0
			}
			lives.before(s.code)
		}
	}
	codes, err := jit.CompileAll(runs, c.m.lanes, c.m.size)
	if err != nil {
		return err
	}
	spills := 0
	for i, code := range codes {
		of[i].machine = code
		spills = max(spills, code.Spills())
	}
	c.m.spills = spills
	for _, p := range c.m.programs {
		p.direct = p.whole()
	}
	return nil
}

// whole is the machine code that is all of a program, or nil.
func (p *Program) whole() *jit.Code {
	if len(p.sums) > 0 || len(p.segments) == 0 {
		return nil
	}
	for i := range p.segments[1:] {
		if !p.segments[1+i].joined {
			return nil
		}
	}
	return p.segments[0].machine
}

// liveness says which words of the frame are read later.
type liveness struct {
	words []bool
	lanes int
}

// before takes the state behind the code to that before it.
func (l *liveness) before(code []instr) {
	for i := len(code) - 1; i >= 0; i-- {
		in := &code[i]
		switch in.mode {
		case store, zero, move, narrow, widen:
			clear(l.words[in.dst : in.dst+span(in)])
		}
		for k, a := range in.args[:in.reads()] {
			if in.single && in.panels > 0 && k == 0 {
				continue
			}
			if in.single {
				for w := range packedWords(a.size * max(1, a.lane*l.lanes)) {
					l.words[a.off+w] = true
				}
				continue
			}
			for e := range a.size {
				w := a.off + e*a.elem
				l.words[w] = true
				if a.lane == 1 {
					for k := range l.lanes {
						l.words[w+k] = true
					}
				}
			}
		}
	}
}

// NoMachineCode says why there is no machine code here, or is nil.
func NoMachineCode() error { return jit.Available() }
