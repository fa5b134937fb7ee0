package sim

// States that are declared not to fall below zero: see Hybrid.Positive. A step that leads one below it by
// more than its error may be is taken again, half as long; what is left below zero then is its error, and
// is taken away. So what grows where a state is negative, as the rate of a reaction, has nothing to begin with.

// positive are the states that do not fall below zero.
func (hy *Hybrid) positive() []int {
	if hy.Positive == 0 {
		return nil
	}
	return hy.Events[hy.Positive-1].Targets
}

// lift sets states below zero to zero, and reports whether there are any.
func (s *balancing) lift() bool {
	targets := s.hy.positive()
	for _, k := range targets {
		if s.y[k] < 0 {
			next := s.vals[:len(targets)]
			s.model.Jump(s.hy.Positive-1, s.t, s.y, s.d, nil, next)
			s.assign(s.hy.Positive-1, next)
			s.out.Stats.Lifted++
			return true
		}
	}
	return false
}

// positives keeps such states from falling.
type positives struct{ *stepping }

// below is a state that is below zero by more than its error may be, or −1.
func (s positives) below(y []float64) int {
	for _, k := range s.hy.positive() {
		if y[k] < -s.opt.atol(k)-s.opt.RTol*max(s.y[k], 0) {
			return k
		}
	}
	return -1
}

// shorten takes the step again, half as long, if it leads a state below zero by more than its error may be.
func (s positives) shorten() (again bool, fail *Failure) {
	k := s.below(s.end)
	switch {
	case k < 0 || !s.opt.Method.Adaptive():
		return false, nil
	case s.try/2 < 8*ulp(s.t):
		return true, s.fall(k, "its equation leads it there")
	}
	s.out.Stats.Rejected++
	s.out.Stats.Lifted++
	s.traceStep(s.try, false)
	s.cut, s.shift = true, 0
	s.h = s.try / 2
	return true, nil
}

// stay checks that states at zero are not on their way below it, by more than their error may be
// until the end of the run: no step would then be short enough.
func (s positives) stay() *Failure {
	for _, k := range s.hy.positive() {
		if rate := s.stepper.K[0][k]; s.y[k] == 0 && rate*(s.span.T1-s.t) < -s.opt.atol(k) {
			return s.fall(k, "its equation leads it there: at zero its rate is %.3g", rate)
		}
	}
	return nil
}

// jumped checks what an instant, or the start, makes of such states.
func (s positives) jumped() *Failure {
	if k := s.below(s.y); k >= 0 {
		return s.fall(k, "it is set to %.3g", s.y[k])
	}
	return nil
}

// fall is the failure of a run whose state k falls below zero.
func (s positives) fall(k int, format string, args ...any) *Failure {
	f := s.fail(Negative, 0, "a state that is declared `>= 0` falls below zero: "+format, args...)
	f.State = k
	return f
}
