package step

import (
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// behind reports whether there are stages behind the end of the step.
func (m *Method) behind() bool { return m.End+1 < len(m.C) }

// lazy reports whether the step leaves the stages behind its end to a program of their own:
// where it has no guards to look at, few steps need their dense output.
func (s *builder) lazy() bool { return s.m.behind() && len(s.Guards) == 0 }

// stagesBehind computes the stages behind the end from those before. It sets arguments first,
// which so stand behind those that the step sets last.
func (s *builder) stagesBehind() *ir.Graph {
	g := place.StepBehind.Graph()
	y, k := s.y[:s.m.End+1:s.m.End+1], s.k[:s.m.End+1:s.m.End+1]
	var inside []ir.Output
	for i := s.m.End + 1; i < len(s.m.C); i++ {
		yi, ki, acts := s.stage(i, y[0], k)
		y, k = append(y, yi), append(k, ki)
		g.Outputs = append(g.Outputs, place.Set(s.y[i], yi))
		inside = append(append(inside, place.Set(s.k[i], ki)), s.keep(i, acts)...)
	}
	g.Outputs = append(g.Outputs, inside...)
	return g
}

// stage is the argument of stage i and the field there, with its activations, from the
// stages before.
func (s *builder) stage(i int, y0 *ir.Node, k []*ir.Node) (yi, f *ir.Node, acts []*ir.Node) {
	yi = y0
	if sum := s.combine(s.m.A[i], k); sum != nil {
		yi = s.fma(s.h, sum, yi)
	}
	f, acts = s.field(i, yi)
	return yi, f, acts
}
