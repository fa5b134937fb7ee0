package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/solvers"
)

// gear is a method with what takes its steps. A run has one, or two that it changes between:
// see takeover.
type gear struct {
	takers
	method  *solvers.Tableau
	in      *Group           // whose lanes it runs in; nil: it runs alone
	stepper *solvers.Stepper // for single trajectories, on the memory of one
	blk     *solvers.Block   // of many
	ctl     *solvers.Controller
	lazy    bool // steps leave out the stages behind their end
	reads   bool // derivatives read the stages of steps besides their arguments, or what is behind the end is made of them
	rates   bool // they are kept, for that or for those by times

	stageWords, actWords int // numbers that the tape keeps of a step's stages, and of a stage's activations
}

// takers take the steps of a trajectory.
type takers struct {
	one  Steps // of a single trajectory, at its events
	slow Steps // of a single trajectory along surfaces, stage by stage
	many Steps // in its lane; one, unless it runs in a Group
}

func newGear(r *run, method *solvers.Tableau, stepper *solvers.Stepper, take takers, in *Group) *gear {
	stepper.Sizes, stepper.Momenta = r.opt.Sizes, r.hy.Momenta
	g := &gear{
		takers: take, method: method, in: in, stepper: stepper, blk: take.many.Block(),
		ctl: solvers.NewController(method), lazy: leavesOut(take.one),
	}
	g.reads = method.ReadsRates() || g.lazy
	g.rates = r.moving || g.reads
	g.actWords, g.stageWords = g.blk.ActWords(), r.size.Y*(len(g.blk.Y)-1)
	if g.rates {
		g.stageWords += r.size.Y * len(g.blk.K)
	}
	return g
}

// leg is a part of a run that one gear took, in one lane.
type leg struct {
	gear  int8
	lane  int
	phase int // of the runs of the group: see Group.Run
}

// mostLegs bounds the legs of a run.
const mostLegs = math.MaxUint16

// legs are those of a run, of which entries of the tape name theirs.
type legs struct {
	gears []*gear // the first is that with which runs begin
	list  []leg
	leg   uint16 // the current one
}

// add adds a gear, and returns its place.
func (s *legs) add(g *gear) int8 {
	s.gears = append(s.gears, g)
	return int8(len(s.gears) - 1)
}

// reorder goes on with another order of the method, from where the run is, if its last step
// told for that. Each order is a gear of its own, in the lane in which the run is.
func reorder(s *Integrator) {
	shift := s.shift
	if s.shift = 0; shift == 0 || len(s.list) > mostLegs || !(s.t < s.span.T1) {
		return
	}
	from, orders := s.gear, s.method.Orders
	method := orders[slices.Index(orders, s.method)+shift]
	to := slices.IndexFunc(s.gears, func(g *gear) bool { return g.method == method && g.in == from.in })
	if to < 0 {
		opt := s.opt
		opt.Method = method
		one := newStagewise(s.hy, s.size, opt)
		to = int(s.add(newGear(s.run, method, one.step, takers{one, one, one}, from.in)))
	}
	s.begins(int8(to), s.lane)
	s.traceMethod()
	s.sides.along(s.method)
	s.ctl.Restart()
	s.use()
	s.stepper.T = s.t
	copy(s.stepper.Y[0], from.stepper.Y[0])
	copy(s.stepper.K[0], from.stepper.K[0])
	s.blk.Fresh = true
	s.reload = true
}

// phase is that of the group.
func (s *run) phase() int {
	if s.group == nil {
		return 0
	}
	return s.group.home().phase
}

// begins adds a leg, and enters it.
func (s *stepping) begins(gear int8, lane int) {
	s.run.group = s.gears[gear].in
	s.list = append(s.list, leg{gear, lane, s.phase()})
	s.enter(uint16(len(s.list) - 1))
}

// enter takes the gear and the lane of a leg.
func (s *stepping) enter(k uint16) {
	s.run.leg = k
	s.lane = s.list[k].lane
	g := s.gears[s.list[k].gear]
	if s.gear == g {
		return
	}
	s.gear = g
	s.run.group, s.opt.Method = g.in, g.method
	s.place, s.whole = inLane, !g.lazy
	if s.alone() {
		s.place = inStepper
	}
}

// along tells the search for crossings what guards are along the steps of a method.
func (s *sides) along(method *solvers.Tableau) {
	degree := len(method.Dense[0])
	if degree > events.MaxDegree {
		clear(s.det.Affine)
		return
	}
	s.det.Along(degree)
	copy(s.det.Affine, s.hy.Affine)
}
