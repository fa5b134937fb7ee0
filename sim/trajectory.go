package sim

// Trajectory is the result of a run.
type Trajectory struct {
	Status Status
	Fail   *Failure // nil unless Status.Failed()
	T      float64  // the time reached
	Y, D   []float64

	// SaveY and SaveD hold the state at each save, row by row; BeforeY and
	// BeforeD that before the instant, where an event fell on the save. The
	// first Saved of them were reached.
	SaveY, SaveD     Rows
	BeforeY, BeforeD Rows
	Saved            int

	Log   []Record
	Stats Stats

	// Order is a fingerprint of the order in which triggers, jumps, turns of
	// switches and saves came: where it changes with a parameter, results
	// have a kink.
	Order uint64
}

// RecordKind says what a record of the event log is about.
type RecordKind uint8

// The kinds of records.
const (
	Fired      RecordKind = iota // the assignments of an event
	Rested                       // those of its `zeno rest`
	SlideStart                   // the solution begins to slide along the surface of a switch
	SlideEnd                     // and leaves it
)

// Record is one micro-step of the event log, or the start or end of a motion along
// a surface.
type Record struct {
	Kind             RecordKind
	Event            int // −1 for those of slides
	Switch           int // of slides
	T                float64
	K                int // number of the micro-step within its instant
	YBefore, DBefore []float64
	YAfter, DAfter   []float64
	Rate             float64 // of the guard that triggered, by time; NaN if none did
	Transversality   float64 // 0 at a graze, 1 far from one; NaN without a guard
}

// Stats counts the work of a run.
type Stats struct {
	Steps, Rejected int
	Evaluations     int // of the right-hand side
	Events          int // micro-steps
	Turns           int // of switches: discontinuities of the field that were crossed
	TakenOver       int // runs that the method for stiff ones took, in part at least
	Returns         int // how often runs went back to the first method
	Near            int // saves closer to an event than its localisation error
	Lifted          int // how often a step led states below zero that are not to: see Hybrid.Positive
	Unproven        int // steps in which nothing proves that no crossing of a guard was missed
	UnprovenGuard   int // in the last of these, the guard

	Silent      int // runs that start on the surface of an event that holds there and says nothing of the start
	SilentEvent int // in the last of these, the event

	// Shallow is how many crossings that triggered an event turn back so soon that the
	// tolerances do not tell whether they are any; ShallowGuard, at ShallowT, is the
	// guard of the last one, which goes ShallowDepth beyond its surface.
	Shallow                int
	ShallowGuard           int
	ShallowT, ShallowDepth float64

	// Stiff is how many steps stability held down, by samples, and not the
	// error; Stiffest, from 1, is the state that would move fastest there.
	Stiff, Stiffest int

	Astray Astray
}

// Astray is a state, from 1, that was lost in its absolute tolerance and has grown on the other side of zero by time T; 0:
// none has.
type Astray struct {
	State int
	T     float64
}

// Add adds the counts of another run.
func (s *Stats) Add(x *Stats) {
	s.Steps += x.Steps
	s.Rejected += x.Rejected
	s.Evaluations += x.Evaluations
	s.Events += x.Events
	s.Turns += x.Turns
	s.Near += x.Near
	s.Lifted += x.Lifted
	s.TakenOver += x.TakenOver
	s.Returns += x.Returns
	if x.Stiff > 0 {
		s.Stiff += x.Stiff
		s.Stiffest = x.Stiffest
	}
	if s.Astray.State == 0 {
		s.Astray = x.Astray
	}
	if s.Silent += x.Silent; x.Silent > 0 {
		s.SilentEvent = x.SilentEvent
	}
	if x.Shallow > 0 {
		s.Shallow += x.Shallow
		s.ShallowGuard, s.ShallowT, s.ShallowDepth = x.ShallowGuard, x.ShallowT, x.ShallowDepth
	}
	if s.Unproven += x.Unproven; x.Unproven > 0 {
		s.UnprovenGuard = x.UnprovenGuard
	}
}

// reuse prepares the trajectory for a run with n saves.
func (tr *Trajectory) reuse(n int, size Sizes) {
	*tr = Trajectory{
		Y: resize(tr.Y, size.Y), D: resize(tr.D, size.D),
		SaveY: tr.SaveY, SaveD: tr.SaveD, BeforeY: tr.BeforeY, BeforeD: tr.BeforeD,
		Log: tr.Log[:0],
	}
	tr.SaveY.Resize(n, size.Y)
	tr.SaveD.Resize(n, size.D)
	tr.BeforeY.Resize(n, size.Y)
	tr.BeforeD.Resize(n, size.D)
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
