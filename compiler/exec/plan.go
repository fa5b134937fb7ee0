package exec

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/jit"
)

// Module is a set of graphs compiled against one frame layout, so that inputs
// are written once and read by all of its programs.
type Module struct {
	lanes    int
	inputs   map[string]region
	consts   []float64 // the frame's first words
	size     int       // of a frame, but for spills
	spills   int       // words behind it that machine code needs
	scratch  int       // where the frame's scratch space starts
	queues   []queue   // without their memory
	sums     []sum     // shared outputs that accumulate
	copies   []instr   // of shared inputs and constants, in single precision
	panels   []panels  // of matrices of these
	shared   []sharedInput
	programs map[string]*Program
}

// region is a run of the frame: n elements, each lanes wide or one wide.
type region struct {
	off, n int
	lane   bool
}

// Program is a compiled graph.
type Program struct {
	name     string
	lanes    int
	segments []segment
	outputs  map[string]region
	scratch  int   // where scratch space starts
	widest   int   // words of each of its three parts
	sums     []int // of the module, that it adds to
	single   bool  // it may read copies of shared inputs

	guest  *Guest    // whose program it is, or nil
	late   func()    // makes the machine code of a long program, once
	direct *jit.Code // all of it, if it is one piece of machine code that adds to no sums
}

// segmentKind tells what a segment holds.
type segmentKind uint8

const (
	straightRun segmentKind = iota // a few numbers for each instruction
	loopRun                        // elementwise operations on arrays of one length
	arrayOp                        // one operation on arrays
)

// segment is a run of instructions of one kind. The instructions of a straight
// run touch a few numbers each, which makes it a unit that can be compiled to
// straight-line machine code; those of a loop do the same for each of many
// numbers, which stand one after the other in all of their arrays.
type segment struct {
	kind    segmentKind
	code    []instr
	machine *jit.Code // nil: interpreted
	joined  bool      // the machine code of the segment before has this one too
}

// instr is one operation. Elements of a lane value stand lanes apart, the
// lanes of an element side by side.
type instr struct {
	op     ir.Op
	mode   mode
	single bool // of numbers in single precision: see single.go
	n      int  // elements of the result
	width  int  // lanes of the result: the module's, or 1 for a shared value
	dst    int
	args   [3]operand
	m, k   int    // linear ops: rows of the result and terms of a sum
	form   matrix // of the matrix of a linear op, or of a copy, in single precision
	order  int    // OpPolygamma
	queue  int    // gather: see Frame

	product bool // an array operation that is one call of a kernel: see product
	panels  int  // 1 + the number of those that it reads; 0: none
}

// mode modifies what happens to the result.
type mode uint8

const (
	store    mode = iota
	accum         // add to what is there
	zero          // no operation: clear the destination
	move          // no operation: copy the argument
	addIn         // no operation: add the argument
	addLanes      // no operation: add the argument of all lanes
	gather        // an outer product of all lanes, to be added later
	narrow        // no operation: the argument in single precision
	widen         // no operation: the argument, which is in single precision
)

// reads is how many of its arguments an instruction reads.
func (in *instr) reads() int {
	switch in.mode {
	case zero:
		return 0
	case move, addIn, addLanes, narrow, widen:
		return 1
	}
	return in.op.Info().Arity
}

// operand is where an argument is: element i of lane l at off + i·elem + l·lane.
type operand struct {
	off, elem, lane int
	size            int // elements
	ext             int // see Module.external; 0: it stands in the frame
}

// Lanes is how many trajectories a frame holds.
func (m *Module) Lanes() int { return m.lanes }

// Program returns the program of the graph of that name, or nil.
func (m *Module) Program(name string) *Program { return m.programs[name] }

// Frame is the memory of one worker. It is not for concurrent use.
type Frame struct {
	mem    []float64
	module *Module
	queues []queue
	sums   []Sum
	idle   []bool      // by lane
	stale  bool        // see Refresh
	narrow bool        // so are copies in single precision
	bound  [][]float64 // where shared inputs stand
	visits map[*Program]*visit

	lead      *Frame   // of those that run together
	all, team []*Frame // if it leads: these, and those in use
	outside   []bool   // whether shared inputs are bound
	packed    []packed
	xs, ys    vectors // room for products
	block     block
}

// NewFrame returns a frame with all inputs and outputs zero. It starts at a line
// of the cache.
func (m *Module) NewFrame() *Frame { return m.NewFrames(1)[0] }

// newFrame returns a frame that runs with others, or leads.
func (m *Module) newFrame(lead *Frame) *Frame {
	mem := make([]float64, m.size+m.spills+line-1)
	if past := int(uintptr(unsafe.Pointer(unsafe.SliceData(mem))) / 8 % line); past > 0 {
		mem = mem[line-past:]
	}
	f := &Frame{mem: mem[:m.size+m.spills], module: m, idle: make([]bool, m.lanes)}
	copy(f.mem, m.consts)
	for i := range m.shared {
		f.bound = append(f.bound, f.region(m.shared[i].region))
	}
	f.outside = make([]bool, len(m.shared))
	if f.lead = lead; lead == nil {
		f.lead = f
		f.packed = make([]packed, len(m.panels))
		f.newSums()
	}
	f.renew()
	return f
}

// Idle takes lanes out of the sums over lanes, or back in.
func (f *Frame) Idle(lane int, idle bool) { f.idle[lane] = idle }

// Input is the frame's region of an input: element i of lane l at i·Lanes+l,
// or element i at i for a shared input. It is nil for an input that no graph
// reads.
func (f *Frame) Input(name string) []float64 {
	r, ok := f.module.inputs[name]
	if !ok {
		return nil
	}
	return f.region(r)
}

// Span is the frame's region of inputs that stand one after the other, in this
// order, as those do that a program stores to, in the order of its outputs. It
// is nil for inputs that do not.
func (f *Frame) Span(names ...string) []float64 {
	var all region
	for i, name := range names {
		r, ok := f.module.inputs[name]
		size := all.n
		if all.lane {
			size *= f.module.lanes
		}
		if !ok || i > 0 && (r.lane != all.lane || r.off != all.off+size) {
			return nil
		}
		if i == 0 {
			all = region{off: r.off, lane: r.lane}
		}
		all.n += r.n
	}
	return f.region(all)
}

func (f *Frame) region(r region) []float64 {
	n := r.n
	if r.lane {
		n *= f.module.lanes
	}
	return f.mem[r.off : r.off+n : r.off+n]
}

// Output is the frame's region of an output of the program, laid out like an
// input. It holds its values until the program's next run; an output that
// accumulates adds to them until they are cleared; what one that is shared adds
// up is a Sum. It is nil for a name that is none of the program's outputs.
func (p *Program) Output(f *Frame, name string) []float64 {
	r, ok := p.outputs[name]
	if !ok {
		return nil
	}
	return f.region(r)
}

// String is the printed form of the plan.
func (p *Program) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "program %s, %d lanes {\n", p.name, p.lanes)
	for _, s := range p.segments {
		kind := "array"
		switch s.kind {
		case straightRun:
			kind = fmt.Sprintf("straight run, %d instructions", len(s.code))
		case loopRun:
			kind = fmt.Sprintf("loop over %d numbers, %d instructions", count(&s.code[0]), len(s.code))
		}
		fmt.Fprintf(&w, "  %s\n", kind)
		for _, in := range s.code {
			fmt.Fprintf(&w, "    %s\n", in.String())
		}
	}
	w.WriteString("}\n")
	return w.String()
}

// Assembly lists the machine code of the program's segments; it is empty where
// all are interpreted.
func (p *Program) Assembly() string {
	if p.late != nil {
		p.late()
	}
	var w strings.Builder
	for i := range p.segments {
		if s := &p.segments[i]; s.machine != nil {
			fmt.Fprintf(&w, "program %s, %d lanes, segment %d: %s", p.name, p.lanes, i, s.machine)
		}
	}
	return w.String()
}

func (in *instr) String() string {
	var w strings.Builder
	assign := "="
	name := in.op.String()
	switch in.mode {
	case accum:
		assign = "+="
	case gather:
		assign, name = "+=", "queued "+name
	case zero:
		name = "zero"
	case move:
		name = "move"
	case addIn:
		assign, name = "+=", "move"
	case addLanes:
		assign, name = "+=", "lanes"
	case narrow, widen:
		name = [...]string{narrow: "narrow", widen: "widen"}[in.mode]
	}
	if in.single {
		name += ".f32"
	}
	fmt.Fprintf(&w, "[%d", in.dst)
	if in.n != 1 {
		fmt.Fprintf(&w, " ×%d", in.n)
	}
	fmt.Fprintf(&w, "] %s %s", assign, name)
	for _, a := range in.args[:max(in.reads(), 0)] {
		fmt.Fprintf(&w, " %d", a.off)
		if a.elem == 0 && in.n != 1 {
			w.WriteString(" (repeated)")
		}
		if a.lane == 0 && in.width != 1 {
			w.WriteString(" (shared)")
		}
	}
	return w.String()
}
