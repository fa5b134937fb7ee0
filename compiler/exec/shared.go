package exec

import "github.com/pinode/pinode/compiler/ir"

// sharedInput is an input that all lanes share. It may stand outside of the
// frame: products with matrices read it there, other operations words of the
// frame, to which Program.Run copies them when they have changed.
type sharedInput struct {
	name   string
	region region
	copied []region // the parts that are read in the frame
}

// external is 1 + the index of the shared input that an operand is read from, or
// 0 for none.
func (m *Module) external(o operand) int {
	if o.lane == 0 {
		for i := range m.shared {
			if r := m.shared[i].region; r.off <= o.off && o.off < r.off+r.n {
				return i + 1
			}
		}
	}
	return 0
}

// locate marks the products, which read shared inputs where they stand, and the
// words of these that others read.
func (c *compiler) locate(code []instr) {
	for i := range code {
		in := &code[i]
		in.product = product(in) && !straight(in)
		for k := range in.reads() {
			a := &in.args[k]
			if in.single && in.panels > 0 && k == 0 { // it is read where the panels are from
				continue
			}
			switch ext := c.m.external(*a); {
			case ext == 0:
			case in.product:
				a.ext = ext
			default:
				for e := range a.size {
					c.inFrame[a.off+e*a.elem] = true
				}
			}
		}
		if in.product && in.op != ir.OpOuter && in.width == 8 {
			in.panels = c.panels(in.op, in.args[0], in.m, in.k, false)
		}
	}
}

// collect makes runs of the words of shared inputs that are read in the frame.
func (c *compiler) collect() {
	for i := range c.m.shared {
		s := &c.m.shared[i]
		for w := s.region.off; w < s.region.off+s.region.n; w++ {
			if !c.inFrame[w] {
				continue
			}
			if n := len(s.copied); n > 0 && s.copied[n-1].off+s.copied[n-1].n == w {
				s.copied[n-1].n++
			} else {
				s.copied = append(s.copied, region{off: w, n: 1})
			}
		}
	}
}

// Bind lets programs read a shared input where v stands, which is as long; an
// input that no graph reads is none. Refresh is to be called when it changes.
func (f *Frame) Bind(input string, v []float64) {
	for i := range f.module.shared {
		if s := &f.module.shared[i]; s.name == input {
			for _, g := range f.all {
				g.bound[i], g.outside[i] = v[:s.region.n:s.region.n], true
			}
			f.Refresh()
			return
		}
	}
}

// Refresh says that shared inputs have changed.
func (f *Frame) Refresh() {
	for _, g := range f.all {
		g.renew()
	}
}

// renew is Refresh for a frame alone.
func (f *Frame) renew() {
	f.stale, f.narrow = true, len(f.module.copies) > 0
	for i := range f.packed {
		p := &f.packed[i]
		if p.used > 0 {
			p.often = p.used > 1
		}
		p.fresh, p.used = false, 0
	}
	for _, v := range f.visits {
		v.frame.Refresh()
	}
}

// refresh copies what programs read of shared inputs in the frame.
func (f *Frame) refresh() {
	f.stale = false
	for i := range f.module.shared {
		s := &f.module.shared[i]
		for _, r := range s.copied {
			copy(f.mem[r.off:r.off+r.n], f.bound[i][r.off-s.region.off:])
		}
	}
}

// narrowed copies what programs read in single precision.
func (f *Frame) narrowed() {
	f.narrow = false
	for i := range f.module.copies {
		f.runSingle(&f.module.copies[i])
	}
}

// from is the memory that an operand starts at.
func (f *Frame) from(o *operand) []float64 {
	if o.ext > 0 {
		return f.bound[o.ext-1][o.off-f.module.shared[o.ext-1].region.off:]
	}
	return f.mem[o.off:]
}
