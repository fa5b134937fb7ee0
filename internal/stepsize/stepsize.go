// Package stepsize has the rules by which steps are accepted and their lengths chosen.
// They are written once, in an Arithmetic: of numbers for the steppers of package
// solvers, and of graphs for the programs of package compiler/step, which take steps by
// themselves. So both come to the same lengths, to the last bit. solvers.Controller has
// comparisons of one line written out, for speed, and a test that they are these. It
// takes no steps.
package stepsize

import "math"

// Control are the constants that step sizes are chosen with: a PI controller
// in the form of Gustafsson, with the constants of Hairer–Nørsett–Wanner I,
// IV.2. From the norm err of a step's error and that of the accepted step
// before, the next length is the last one times
//
//	Safety · err^−Alpha · before^Beta
//
// within [Least, Most], or, after a rejection, times Safety · err^−Alpha
// within [Least, Back].
type Control struct {
	Alpha, Beta, Safety, Least, Most, Back float64
}

const (
	// LeastLog is the logarithm of the least error norm that is remembered, 1e-4.
	LeastLog = -9.210340371976182

	// DoubtLog is the logarithm of an error norm, 10^−3.5, that would be chance or says that the solution
	// is simpler than its neighbours: see solvers.FreeLanes.
	DoubtLog = -8.05904782547916

	// Near is the part of the way to an instant from which on a step ends there.
	Near = 1 - 1e-10

	// Tiny is the part of the time below which lengths are looked at.
	Tiny = 1e-12
)

// Small is whether a mean square of a step's weighted error lets it stand.
func Small[T any, A Arithmetic[T]](a A, mean T) T { return a.Le(mean, a.Const(1)) }

// Joined is the mean square of a step's weighted error of which there are two estimates, of
// the mean squares first and second: that of |first|²/√(|first|² + 0.01 |second|²), which does not
// trust the first where it is small by chance.
//
// E. Hairer, S.P. Nørsett, G. Wanner, Solving ODEs I, 2nd ed., II.10 (10.17).
func Joined[T any, A Arithmetic[T]](a A, first, second T) T {
	sum := a.FMA(a.Const(0.01), second, first)
	return a.Mul(first, a.Div(first, a.Max(sum, a.Const(math.SmallestNonzeroFloat64))))
}

// Factor is, for a step whose weighted error has the given mean square, the
// logarithm of its norm, and by what its length is to be multiplied: if it is small for
// the next step, else to try again. before is the logarithm for the accepted step
// before. For an error that is no number they are none.
func Factor[T any, A Arithmetic[T]](a A, c *Control, mean, before T) (log, factor T) {
	log = a.Mul(a.Const(0.5), a.Log(mean))
	small := Small(a, mean)
	before = a.Select(small, before, a.Const(0))
	most := a.Select(small, a.Const(c.Most), a.Const(c.Back))
	factor = a.Mul(a.Const(c.Safety), a.Exp(a.FMA(a.Const(c.Beta), before, a.Mul(a.Const(-c.Alpha), log))))
	return log, a.Min(a.Max(factor, a.Const(c.Least)), most)
}

// Refused is a factor after a rejection: one that is no number is the least.
func Refused[T any, A Arithmetic[T]](a A, c *Control, factor T) T {
	return a.Select(a.Le(a.Const(c.Least), factor), factor, a.Const(c.Least))
}

// Accepted is a factor for the step after one that was accepted: right behind one that
// was rejected, lengths do not grow.
func Accepted[T any, A Arithmetic[T]](a A, rejected, factor T) T {
	return a.Select(rejected, a.Min(factor, a.Const(1)), factor)
}

// Remembered is what is remembered of the logarithm of an accepted step's error.
func Remembered[T any, A Arithmetic[T]](a A, log T) T { return a.Max(log, a.Const(LeastLog)) }

// Reaches is whether a step of length h is to end where its way ends.
func Reaches[T any, A Arithmetic[T]](a A, h, way T) T {
	return a.Le(a.Mul(way, a.Const(Near)), h)
}

// Lane is a run that goes on by itself: see solvers.Block for what its numbers are.
type Lane[T any] struct {
	T, H, Before, Until, Stop, Cap, Sure, Outcome, Next, Clipped, Rejected, Taken, Refused, Left, Longest T
}

// Trial is what a trial step came to: whether its end is Finite, nothing happens inside of it
// (NoCrossing), its error is Small, and what Factor says.
type Trial[T any] struct{ NoCrossing, Finite, Small, Log, Factor T }

// Advance accepts the step of a lane or rejects it, and chooses the next length, where
// nothing else is to be done; Outcome says which, as solvers.Block has it. taken is whether the end of the step is
// the start of the next.
func Advance[T any, A Arithmetic[T]](a A, c *Control, l Lane[T], step Trial[T]) (next Lane[T], taken T) {
	one := a.Const(1)
	end := a.Add(l.T, l.H)
	taken = a.Mul(a.Mul(step.NoCrossing, a.Mul(step.Small, step.Finite)), a.Lt(end, l.Until))
	taken = a.Mul(taken, a.Max(a.Le(l.H, l.Sure), a.Lt(a.Const(DoubtLog), step.Log)))

	back := a.Mul(l.H, Refused(a, c, step.Factor))
	able := a.Mul(a.Lt(a.Const(math.Inf(-1)), l.Until), a.Le(a.Mul(a.Const(Tiny), a.Abs(l.T)), back))
	refused := a.Mul(a.Sub(one, step.Small), able)
	some := a.Lt(a.Const(0), l.Left)
	taken, refused = a.Mul(taken, some), a.Mul(refused, some)
	outcome := a.Add(taken, a.Mul(a.Const(2), refused))

	t := a.Select(taken, end, l.T)
	h := a.Select(taken, a.Mul(l.H, Accepted(a, l.Rejected, step.Factor)), back)
	h = a.Min(h, l.Cap)
	way := a.Sub(l.Stop, t)
	clipped := Reaches(a, h, way)
	keep := func(was, v T) T { return a.Select(outcome, v, was) }
	next = Lane[T]{Stop: l.Stop, Cap: l.Cap, Sure: l.Sure, Outcome: outcome}
	next.Taken, next.Refused = a.Add(l.Taken, taken), a.Add(l.Refused, refused)
	next.Left = a.Sub(l.Left, one)
	next.Longest = a.Select(taken, a.Max(l.Longest, l.H), l.Longest)
	next.Next, next.Clipped = keep(l.Next, h), keep(l.Clipped, clipped)
	next.Before = a.Select(taken, Remembered(a, step.Log), l.Before)
	next.T, next.H = keep(l.T, t), keep(l.H, a.Select(clipped, way, h))
	next.Rejected = keep(l.Rejected, a.Sub(one, taken))
	next.Until = keep(l.Until, a.Select(clipped, a.Const(math.Inf(-1)), l.Until))
	return next, taken
}
