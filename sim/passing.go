package sim

import (
	"math"

	"github.com/pinode/pinode/solvers"
)

// passing is how the lanes of a group go past saves: a lane that runs free does not stop at
// a save, which is read off the dense output of its step once the lane has left it.
type passing struct {
	due   []float64      // by lane: the time of the next save that it goes past, or +∞
	going int            // lanes that have one before they stop
	left  *solvers.Block // the last step in which a lane came to one: its starts, which the lanes have left, and its stages
	whole bool           // the stages behind the end of that step stand
}

// newPassing are the saves of lanes whose steps are in a block.
func newPassing(blk *solvers.Block) passing {
	p := passing{due: make([]float64, blk.Width), left: &solvers.Block{Width: blk.Width, T: make([]float64, blk.Width), H: make([]float64, blk.Width)}}
	p.left.Y = [][]float64{make([]float64, len(blk.Y[0]))}
	p.left.K = append([][]float64{make([]float64, len(blk.K[0]))}, blk.K[1:]...)
	p.forget()
	return p
}

// forget is for lanes none of which runs.
func (p *passing) forget() {
	p.going = 0
	for l := range p.due {
		p.due[l] = math.Inf(1)
	}
}

// begin has a lane go past saves from one of the given time on, before it stops.
func (p *passing) begin(l int, time, stop float64) {
	if time < stop {
		p.due[l] = time
		p.going++
	}
}

// end has a lane go past no more saves.
func (p *passing) end(l int) {
	if !math.IsInf(p.due[l], 1) {
		p.due[l] = math.Inf(1)
		p.going--
	}
}

// keep keeps the starts of the lanes' steps, before a step in which one may come to a save.
func (p *passing) keep(blk *solvers.Block) {
	if p.going == 0 {
		return
	}
	for l, t := range p.due {
		if blk.T[l]+blk.H[l] > t {
			carry(p.left.T, blk.T)
			carry(p.left.H, blk.H)
			carry(p.left.Y[0], blk.Y[0])
			carry(p.left.K[0], blk.K[0])
			p.whole = false
			return
		}
	}
}

// behind takes the stages behind the end of the step that lanes have left, from where they started.
func (p *passing) behind(blk *solvers.Block, steps Lazy) {
	if p.whole {
		return
	}
	p.swap(blk)
	steps.Behind()
	p.swap(blk)
	p.whole = true
}

// swap exchanges the starts of the step that lanes have left with those of the next.
func (p *passing) swap(blk *solvers.Block) {
	for _, x := range [...][2][]float64{{p.left.T, blk.T}, {p.left.H, blk.H}, {p.left.Y[0], blk.Y[0]}, {p.left.K[0], blk.K[0]}} {
		for i, v := range x[0] {
			x[0][i], x[1][i] = x[1][i], v
		}
	}
}

// pass reads the saves in the step that the lane has left.
func (s *freeRun) pass() {
	p, l := &s.group.passing, s.lane
	if s.lazy {
		p.behind(s.blk, s.many.(Lazy))
		s.out.Stats.Evaluations += s.opt.Method.Behind()
	}
	s.hist.readSaves(p.left, l, p.left.T[l], p.left.H[l], s.blk.T[l])
	p.end(l)
	p.begin(l, s.saves.time, s.blk.Stop[l])
}
