package exec

import (
	"fmt"

	"github.com/pinode/pinode/compiler/ir"
)

// Guest is a program that a module runs for another: a module of its own, which is made when the program runs first, on a
// frame of its own. Large models have such programs: several modules share one, and of derivatives that nobody asks
// for there is no more than this.
type Guest struct {
	Name string

	// Inputs are those that it may read, and Outputs those that it may have. Of the nodes of outputs
	// the shape counts alone. None is added to a shared input.
	Inputs  []*ir.Node
	Outputs []ir.Output

	// Module makes the module that has the program, of as many lanes. It may be called at any time, by several goroutines.
	Module func() (*Module, error)
}

// invite makes the guests' programs, and lays out what they write.
func (c *compiler) invite(guests []*Guest) error {
	for _, g := range guests {
		if c.m.programs[g.Name] != nil {
			return fmt.Errorf("exec: two graphs are named %q", g.Name)
		}
		p := &Program{name: g.Name, lanes: c.m.lanes, outputs: map[string]region{}, guest: g}
		c.m.programs[g.Name] = p
		for _, o := range g.Outputs {
			if o.Into != nil {
				p.outputs[o.Name] = c.m.inputs[o.Into.Name]
				continue
			}
			p.outputs[o.Name] = c.reserve(o.Node.Shape.Size(), true)
		}
	}
	return nil
}

// visit is a guest's program on the frame that it has for one of the host.
type visit struct {
	program *Program
	frame   *Frame
	in, out []pair
	shared  []sharing
}

// pair is what is copied from one frame to the other.
type pair struct{ to, from []float64 }

// sharing is a shared input of the guest, and of the host.
type sharing struct {
	guest, host int
	name        string
}

// visit is the program of a guest on a frame, which is made the first time.
func (f *Frame) visit(p *Program) *visit {
	if v := f.visits[p]; v != nil {
		return v
	}
	mod, err := p.guest.Module()
	if err != nil {
		panic(fmt.Sprintf("exec: program %s: %v", p.name, err)) // it is one of graphs that were accepted
	}
	v := &visit{program: mod.programs[p.name], frame: mod.NewFrame()}
	host := f.module
	for name, r := range mod.inputs {
		at, ok := host.inputs[name]
		if !ok || at.n != r.n || at.lane != r.lane {
			panic(fmt.Sprintf("exec: input %q of program %s is none of its host", name, p.name))
		}
		if r.lane {
			v.in = append(v.in, pair{v.frame.region(r), f.region(at)})
			continue
		}
		v.shared = append(v.shared, sharing{mod.sharedInput(name), host.sharedInput(name), name})
	}
	for name, r := range v.program.outputs {
		to, ok := p.outputs[name]
		if !ok || to.n != r.n || to.lane != r.lane {
			panic(fmt.Sprintf("exec: output %q of program %s is none of its host", name, p.name))
		}
		v.out = append(v.out, pair{f.region(to), v.frame.region(r)})
	}
	if f.visits == nil {
		f.visits = map[*Program]*visit{}
	}
	f.visits[p] = v
	return v
}

// run runs the guest's program on what the host's frame has.
func (v *visit) run(f *Frame) {
	for _, s := range v.shared {
		if !f.outside[s.host] || &v.frame.bound[s.guest][0] != &f.bound[s.host][0] {
			v.frame.Bind(s.name, f.bound[s.host])
		}
	}
	for _, c := range v.in {
		copy(c.to, c.from)
	}
	v.program.Run(v.frame)
	for _, c := range v.out {
		copy(c.to, c.from)
	}
}

// sharedInput is the number of a shared input.
func (m *Module) sharedInput(name string) int {
	for i := range m.shared {
		if m.shared[i].name == name {
			return i
		}
	}
	panic(fmt.Sprintf("exec: there is no shared input %q", name))
}
