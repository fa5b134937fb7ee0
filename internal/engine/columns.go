package engine

import (
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/solvers"
)

// Column is one direction of forward derivatives: that of a shared parameter or weight,
// of a parameter of the trajectory, or of a state that a segment begins with, and where in x
// it is.
type Column struct {
	Of    Mover
	At    int     // in the inputs, or among the states
	By    float64 // how far a state moves with the coordinate
	Coord int
}

// Mover is what a direction moves.
type Mover int

// What directions move.
const (
	Shared Mover = iota // parameters and weights of all trajectories
	Own                 // those of one
	First               // states that a segment begins with
)

// Direct is the derivative by what the direction moves of something with the derivatives
// p and q by shared and own inputs, of lane of w lanes: 0 by states.
func (c *Column) Direct(p, q []float64, w, lane int) float64 {
	from := p
	switch c.Of {
	case Own:
		from = q
	case First:
		return 0
	}
	if from == nil {
		return 0
	}
	return from[c.At*w+lane]
}

// Columns are the directions in which a run is differentiated. The derivatives of the
// right-hand side come from a program that gives them as matrices, at the stages of a step
// side by side.
type Columns struct {
	sys   *System
	list  []Column
	first []float64 // the tangents of the states that a segment begins with
	set   *float64  // the tangent that is not 0

	frame *exec.Frame // nil: one direction at a time
	code  *exec.Program
	blk   *solvers.Block

	t, y, d, u, ut, q []float64
	rows              []jacobianRow

	jy, jt, jd [][]float64 // by stage: rows by states, time and discrete variables
	direct     [][]float64 // by stage: by what moves, of each state in each column
	sum        []float64
}

// jacobianRow is a row of the program's outputs, of all lanes; nil is zero.
type jacobianRow struct{ y, t, d, p, q []float64 }

// widest is how many states a model has at most whose Jacobian is computed by rows: above,
// directions one by one are less work.
const widest = 32

// NewColumns returns columns of a system's runs; mod has the program Jacobian, or is nil.
func NewColumns(sys *System, mod *exec.Module) *Columns {
	s := &Columns{sys: sys}
	if mod == nil || sys.Size.Y > widest {
		return s
	}
	f := mod.NewFrame()
	s.frame, s.code, s.blk = f, place.Jacobian.In(mod), &solvers.Block{Width: mod.Lanes()}
	s.t, s.y, s.d, s.u, s.ut, s.q = place.Time.In(f), place.States.In(f), place.Discretes.In(f), place.Signals.In(f), place.SignalRates.In(f), place.Own.In(f)
	for k := range sys.Size.Y {
		s.rows = append(s.rows, jacobianRow{
			place.RowByStates(k).In(f, s.code), place.RowByTime(k).In(f, s.code), place.RowByDiscretes(k).In(f, s.code),
			place.RowByParams(k).In(f, s.code), place.RowByOwn(k).In(f, s.code),
		})
	}
	return s
}

// Bind lets the program read the shared parameters and scales.
func (s *Columns) Bind(p, scales []float64) {
	if s.frame != nil {
		s.frame.Bind("p", p)
		copy(place.Scales.In(s.frame), scales)
	}
}

// Use sets the directions, for a run that begins as told; nil: as the model says.
func (s *Columns) Use(list []Column, b *Beginning) {
	clear(s.sys.PDot)
	clear(s.sys.QDot)
	s.list, s.first, s.set = list, nil, nil
	if b != nil {
		s.first = b.YDot
		clear(s.first)
	}
}

// Columns implements sim.Columns.
func (s *Columns) Columns() int { return len(s.list) }

// Column implements sim.Columns.
func (s *Columns) Column(c int) {
	if s.set != nil {
		*s.set = 0
	}
	s.set = nil
	v, to := 1., s.sys.PDot
	switch col := &s.list[c]; col.Of {
	case Own:
		to = s.sys.QDot
	case First:
		v, to = col.By, s.first
	}
	if to != nil {
		s.set = &to[s.list[c].At]
		*s.set = v
	}
}

// Linearise implements sim.Linear.
func (s *Columns) Linearise(t []float64, y [][]float64, d []float64) bool {
	if s.frame == nil || s.sys.slidingAt(d) != nil {
		return false
	}
	s.room(len(t))
	w := s.blk.Width
	for lo := 0; lo < len(t); lo += w {
		hi := min(lo+w, len(t))
		for i := lo; i < hi; i++ {
			s.load(i-lo, t[i], y[i], d)
		}
		s.code.Run(s.frame)
		for i := lo; i < hi; i++ {
			if s.read(i, i-lo); !Finite(s.jy[i]) || !Finite(s.direct[i]) { // of a slope without bounds the directions decide
				return false
			}
		}
	}
	return true
}

// room makes room for the matrices of n stages.
func (s *Columns) room(n int) {
	ny, nd, cols := s.sys.Size.Y, s.sys.Size.D, len(s.list)
	for len(s.jy) < n {
		s.jy, s.jt, s.jd = append(s.jy, make([]float64, ny*ny)), append(s.jt, make([]float64, ny)), append(s.jd, make([]float64, ny*nd))
		s.direct = append(s.direct, nil)
	}
	for i := range s.direct {
		if cap(s.direct[i]) < ny*cols {
			s.direct[i] = make([]float64, ny*cols)
		}
		s.direct[i] = s.direct[i][:ny*cols]
	}
}

// load puts a point into a lane.
func (s *Columns) load(lane int, t float64, y, d []float64) {
	w := s.blk.Width
	if s.t != nil {
		s.t[lane] = t
	}
	put := func(to, from []float64) {
		if to != nil {
			s.blk.Scatter(to, from[:len(to)/w], lane)
		}
	}
	put(s.y, y)
	put(s.d, d)
	put(s.q, s.sys.Q)
	if s.u == nil && s.ut == nil {
		return
	}
	for k, g := range s.sys.Signals {
		v, r := g.Along(s.sys.From, t)
		if s.u != nil {
			s.u[k*w+lane] = v
		}
		if s.ut != nil {
			s.ut[k*w+lane] = r
		}
	}
}

// read takes the matrices of stage i from a lane.
func (s *Columns) read(i, lane int) {
	w, ny, nd, n := s.blk.Width, s.sys.Size.Y, s.sys.Size.D, len(s.list)
	take := func(to, from []float64) {
		if from == nil {
			clear(to)
			return
		}
		s.blk.Gather(to, from, lane)
	}
	for k := range s.rows {
		r := &s.rows[k]
		take(s.jy[i][k*ny:(k+1)*ny], r.y)
		take(s.jt[i][k:k+1], r.t)
		take(s.jd[i][k*nd:(k+1)*nd], r.d)
		to := s.direct[i][k*n : (k+1)*n]
		for c := range to {
			to[c] = s.list[c].Direct(r.p, r.q, w, lane)
		}
	}
}

// RHSColumns implements sim.Linear.
func (s *Columns) RHSColumns(i int, tDot, yDot, dDot, out []float64) {
	ny, nd, n := s.sys.Size.Y, s.sys.Size.D, len(s.list)
	copy(out, s.direct[i])
	for k := range ny {
		to := out[k*n : (k+1)*n]
		for m, a := range s.jy[i][k*ny : (k+1)*ny] {
			if a != 0 {
				floats.AddScaled(to, a, yDot[m*n:(m+1)*n])
			}
		}
		if a := s.jt[i][k]; a != 0 {
			floats.AddScaled(to, a, tDot)
		}
		for m, a := range s.jd[i][k*nd : (k+1)*nd] {
			if a != 0 {
				floats.AddScaled(to, a, dDot[m*n:(m+1)*n])
			}
		}
	}
}

// Room is room for n numbers, cleared.
func (s *Columns) Room(n int) []float64 {
	if cap(s.sum) < n {
		s.sum = make([]float64, n)
	}
	clear(s.sum[:n])
	return s.sum[:n]
}
