package exec

import (
	"sync"

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

// mostAtOnce is how many instructions a program has at most whose machine code is made when its module is
// compiled. That of a longer one is made when it runs first: a large model has derivatives that most uses of
// it never ask for.
const mostAtOnce = 1 << 13

// lateSpills is how many words for each lane the frames of a module have for what machine code that is made
// later spills: as many as a straight run has results at most. Code that needs more is left to the interpreter.
const lateSpills = maxRun

// assemble compiles the straight runs and loops of all programs to machine
// code.
func (c *compiler) assemble(graphs []*ir.Graph, temps int) error {
	a := newAssembly(c.m, temps)
	spills := 0
	for _, g := range graphs {
		p := c.m.programs[g.Name]
		if p.long() {
			p.late = sync.OnceFunc(p.assembleLate(c.m, temps))
			spills = lateSpills * c.m.lanes
			continue
		}
		a.take(p)
	}
	codes, err := a.compile()
	if err != nil {
		return err
	}
	for _, code := range codes {
		spills = max(spills, code.Spills())
	}
	c.m.spills = spills
	a.install(codes)
	for _, g := range graphs {
		p := c.m.programs[g.Name]
		p.direct = p.whole()
	}
	return nil
}

// long reports whether the machine code of a program is made when it runs first.
func (p *Program) long() bool {
	n := 0
	for i := range p.segments {
		n += len(p.segments[i].code)
	}
	return n > mostAtOnce
}

// assembleLate makes the machine code of a program alone. Without it the program is interpreted.
func (p *Program) assembleLate(m *Module, temps int) func() {
	return func() {
		a := newAssembly(m, temps)
		a.take(p)
		codes, err := a.compile()
		if err != nil {
			return
		}
		for _, code := range codes {
			if code.Spills() > m.spills {
				return
			}
		}
		a.install(codes)
		p.direct = p.whole()
	}
}

// assembly is machine code in the making, of programs of one module.
type assembly struct {
	m     *Module
	temps int // where temporaries start
	lives liveness
	*lowering

	runs   [][]*scalar.Program // each is one piece of code
	of     []*segment          // the first of each
	joined []*segment          // the others
}

func newAssembly(m *Module, temps int) *assembly {
	return &assembly{
		m: m, temps: temps, lives: liveness{words: make([]bool, m.size), lanes: m.lanes},
		lowering: &lowering{lanes: m.lanes, at: make([]slot, m.size)},
	}
}

// take lowers a program.
func (a *assembly) take(p *Program) {
	words := a.lives.words
	for w := range words {
		words[w] = w < a.temps // temporaries carry nothing out of a program
	}
	room := 0 // for work in the run of the segment behind
	for i := len(p.segments) - 1; i >= 0; i-- {
		s := &p.segments[i]
		if s.kind == loopRun || s.kind == straightRun && worth(s.code) {
			q := a.lower(s, words)
			work := len(q.Code) * max(leastWork, q.Count)
			if last := len(a.runs) - 1; work < room {
				a.runs[last] = append([]*scalar.Program{q}, a.runs[last]...)
				a.joined, a.of[last] = append(a.joined, a.of[last]), s
			} else {
				a.runs, a.of, room = append(a.runs, []*scalar.Program{q}), append(a.of, s), mostWork
			}
			room -= work
		} else {
			room = 0
		}
		a.lives.before(s.code)
	}
}

// compile compiles what was taken.
func (a *assembly) compile() ([]*jit.Code, error) {
	return jit.CompileAll(a.runs, a.m.lanes, a.m.size)
}

// install gives the segments their code.
func (a *assembly) install(codes []*jit.Code) {
	for i, code := range codes {
		a.of[i].machine = code
	}
	for _, s := range a.joined {
		s.joined = true
	}
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
