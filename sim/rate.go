package sim

// Slack is how much of itself an integrated intensity may lose in a step, which
// round-off explains.
const Slack = 1e-12

// never is a threshold that no integrated intensity reaches.
const never = 1e300

// firstThresholds sets the thresholds of the events with an intensity.
func (s *Integrator) firstThresholds() {
	for e := range s.hy.Events {
		if k := s.hy.Events[e].Threshold; k > 0 {
			if s.draws[e] = nil; s.span.Draws != nil {
				s.draws[e] = s.span.Draws(e)
			}
			s.d[k-1] = s.draw(e)
		}
	}
}

// draw is by how much the threshold of event e grows for its next firing.
func (s *Integrator) draw(e int) float64 {
	if s.draws[e] == nil {
		return never
	}
	return s.draws[e]()
}

// renew raises the threshold of an event that has been triggered by itself,
// which takes its guard back below its surface.
//
// The thresholds are sums of draws, whatever the parameters, so that the time
// of a firing moves by −(∂Λ/∂p)/λ as at any guard.
func (s *Integrator) renew(e int) {
	ev := &s.hy.Events[e]
	s.d[ev.Threshold-1] += s.draw(e)
	s.det.Side[ev.RateGuard] = -1
	s.holds[e] = false
}

// intensities checks that no intensity was negative over the step that
// stands: its integral cannot fall.
func (s *Integrator) intensities() *Failure {
	for e := range s.hy.Events {
		ev := &s.hy.Events[e]
		if ev.Threshold == 0 {
			continue
		}
		if was, is := s.y[ev.Integral], s.end[ev.Integral]; is < was-Slack*(1+was) {
			f := s.fail(Unstable, s.try, "the rate of event %s is negative", ev.Name)
			f.Event = e
			return f
		}
	}
	return nil
}
