package lower

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/dsl/diag"
)

// base is what is being built.
type base struct {
	m     *check.Model
	b     *ir.Builder
	out   *Model
	diags *diag.List

	places

	modes      int // how many switch modes D has room for
	thresholds int // events with a rate
	levels     int // conserved quantities that steps are projected to
}

// places say where in the inputs objects stand.
type places struct {
	slots    map[check.Object]Slot // into Y, D, U, P or Q, by the object's kind
	argOff   map[check.Object]int
	observes map[check.Object]Slot
	firstOff map[check.Object]int // first(y) in Q
	slopeOff map[check.Object]int
	scaleOff map[scaleKey]int
}

type scaleKey struct {
	kind ScaleKind
	obj  check.Object
}

func (l *base) scaleNode(kind ScaleKind, o check.Object) *ir.Node {
	off := l.scaleOff[scaleKey{kind, o}]
	for _, s := range l.out.Layout.Scales {
		if s.Off == off && s.Kind == kind {
			if s.N == 1 && (kind == ScaleConserve || kind == ScaleLoss) {
				return l.b.Elem(l.out.In.S, off)
			}
			return l.b.Slice(l.out.In.S, off, ir.Vec(s.N))
		}
	}
	panic("lower: no scale")
}

// modeIndex is the place of switch i in D.
func (l *base) modeIndex(i int) int { return l.out.Layout.ND - l.modes + i }

// modeNode reads the mode of switch i; in the run that only counts switches
// there is no room for it yet.
func (l *base) modeNode(i int) *ir.Node {
	if i >= l.modes {
		return l.b.Input("mode#"+itoa(i), ir.Scalar, true)
	}
	return l.b.Elem(l.out.In.D, l.modeIndex(i))
}

func (l *base) dependsOn(n *ir.Node, on ...*ir.Node) bool {
	for _, x := range ir.Reach(n) {
		for _, o := range on {
			if x == o && o != nil {
				return true
			}
		}
	}
	return false
}

// rateOf is the total derivative of q by time along the flow with the given
// right-hand side of the model's own states.
func (l *base) rateOf(q, rhs *ir.Node) *ir.Node {
	in := &l.out.In
	wrt, dots := []*ir.Node{in.T}, []*ir.Node{l.b.Const(1)}
	if in.Y != nil {
		wrt = append(wrt, in.Y)
		dots = append(dots, l.b.Assemble(in.Y.Shape, []int{0}, []*ir.Node{rhs}))
	}
	if in.U != nil {
		wrt, dots = append(wrt, in.U), append(dots, in.UT)
	}
	return autodiff.JVP(l.b, []*ir.Node{q}, wrt, dots)[0]
}
