package exec

import (
	"fmt"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/jit"
)

// Compile plans the graphs for frames of the given number of lanes, with the
// operations of networks in the given precision.
//
// A frame holds, in this order: constants, shared inputs, lane inputs, the
// outputs of every program, temporaries, and scratch space. Temporaries are
// reused by liveness; all programs share them.
//
// Where the processor allows it, what can be is compiled to machine code,
// which gives the same bits: see jit.Wanted.
func Compile(graphs []*ir.Graph, lanes int, networks Precision) (*Module, error) {
	return CompileWith(graphs, nil, lanes, networks)
}

// CompileWith is Compile for a module that has programs of guests too.
func CompileWith(graphs []*ir.Graph, guests []*Guest, lanes int, networks Precision) (*Module, error) {
	machine, err := jit.Wanted()
	if err != nil {
		return nil, err
	}
	return compile(graphs, lanes, networks, machine && jit.Lanes(lanes), guests)
}

// Interpreted is Compile without machine code: what the programs mean.
func Interpreted(graphs []*ir.Graph, lanes int, networks Precision) (*Module, error) {
	return compile(graphs, lanes, networks, false, nil)
}

func compile(graphs []*ir.Graph, lanes int, networks Precision, machine bool, guests []*Guest) (*Module, error) {
	if lanes < 1 {
		return nil, fmt.Errorf("exec: %d lanes", lanes)
	}
	c := &compiler{
		m:      &Module{lanes: lanes, inputs: map[string]region{}, programs: map[string]*Program{}},
		home:   map[*ir.Node]place{},
		single: networks == Single,
	}
	nodes := make([][]*ir.Node, len(graphs))
	for i, g := range graphs {
		var err error
		if nodes[i], err = g.Verified(); err != nil {
			return nil, err
		}
		if c.m.programs[g.Name] != nil {
			return nil, fmt.Errorf("exec: two graphs are named %q", g.Name)
		}
		c.m.programs[g.Name] = &Program{name: g.Name, lanes: lanes, outputs: map[string]region{}}
	}
	into := make([][]*ir.Node, len(graphs)) // inputs that programs store to
	for i, g := range graphs {
		for _, o := range g.Outputs {
			if o.Into != nil {
				into[i] = append(into[i], o.Into)
			}
		}
	}
	for _, g := range guests {
		into = append(into, g.Inputs)
	}
	if err := c.leaves(append(into, nodes...)); err != nil {
		return nil, err
	}
	for _, g := range graphs {
		p := c.m.programs[g.Name]
		for _, o := range g.Outputs {
			if o.Into != nil {
				p.outputs[o.Name] = c.m.inputs[o.Into.Name]
				if o.Accumulate && !o.Into.Lane {
					p.sums = append(p.sums, c.m.sum(o.Into.Name))
				}
				continue
			}
			p.outputs[o.Name] = c.reserve(o.Node.Shape.Size(), true)
		}
	}
	if err := c.invite(guests); err != nil {
		return nil, err
	}
	c.shadow(nodes)
	ids := 0
	for _, list := range append(into, nodes...) {
		for _, n := range list {
			ids = max(ids, n.ID+1)
		}
	}
	c.index = make([]int32, ids)
	temps := c.next
	top := temps
	c.inFrame = make([]bool, temps)
	for i, g := range graphs {
		p := &planner{compiler: c, prog: c.m.programs[g.Name], graph: g, nodes: nodes[i], next: temps}
		p.plan(nodes[i])
		top = max(top, p.top)
	}
	c.collect()
	c.m.isolate()
	c.m.scratch = top
	for _, p := range c.m.programs {
		p.scratch, p.widest = top, c.widest*lanes
	}
	c.m.size = c.align(top+3*c.widest*lanes, line) // behind it go spills
	if machine {
		if err := c.assemble(graphs, temps); err != nil {
			return nil, err
		}
	}
	return c.m, nil
}

// place is where a node's value stands. Slices of it are places within.
type place struct {
	off  int
	lane bool
}

type compiler struct {
	m      *Module
	next   int
	before int // elements of the region that was reserved last
	widest int // elements of the largest operand that may need gathering
	home   map[*ir.Node]place
	index  []int32 // in the program that is planned, by a node's ID

	single  bool
	shadows map[copied]int // words of the module's copies
	inFrame []bool         // words of shared inputs that are read there
}

// line is how many words a line of the cache has, and vector a register.
const line, vector = 8, 4

// align is where something of so many words can start, from next on. What is
// loaded by whole registers stands at a line or a vector: a load that reaches
// over two lines takes twice as long.
func (c *compiler) align(next, words int) int {
	switch {
	case words >= line:
		return (next + line - 1) / line * line
	case words >= vector:
		return (next + vector - 1) / vector * vector
	}
	return next
}

func (c *compiler) reserve(n int, lane bool) region {
	words := n
	if lane {
		words *= c.m.lanes
	}
	if !lane || c.m.lanes%line == 0 || n != c.before { // without gaps between lane inputs of one size: see Frame.Span
		c.next = c.align(c.next, words)
	}
	c.before = n
	r := region{c.next, n, lane}
	c.next += words
	return r
}

// leaves lays out constants and inputs.
func (c *compiler) leaves(nodes [][]*ir.Node) error {
	shapes := map[string]*ir.Node{}
	for _, list := range nodes {
		for _, n := range list {
			if _, done := c.home[n]; done || n.Op != ir.OpConst {
				continue
			}
			c.home[n] = place{c.next, false}
			size := n.Shape.Size()
			for i := range size {
				c.m.consts = append(c.m.consts, n.At(i))
			}
			c.next += size
		}
	}
	for _, lane := range []bool{false, true} {
		for _, list := range nodes {
			for _, n := range list {
				if n.Op != ir.OpInput || n.Lane != lane {
					continue
				}
				if old := shapes[n.Name]; old != nil && old != n {
					return fmt.Errorf("exec: input %q is read with shapes %s and %s", n.Name, old.Shape, n.Shape)
				} else if old != nil {
					continue
				}
				shapes[n.Name] = n
				r := c.reserve(n.Shape.Size(), lane)
				c.m.inputs[n.Name] = r
				if !lane {
					c.m.shared = append(c.m.shared, sharedInput{name: n.Name, region: r})
				}
				c.home[n] = place{r.off, lane}
			}
		}
	}
	return nil
}
