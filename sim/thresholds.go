package sim

// thresholds are those that the integrated intensities of events fire at.
type thresholds struct {
	*sides
	conds *conditions
	draws []func() float64 // of each event with an intensity; nil: it fires at data alone
}

// Slack is how much of itself an integrated intensity may lose in a step, which
// round-off explains.
const Slack = 1e-12

// never is a threshold that no integrated intensity reaches.
const never = 1e300

// firstThresholds sets the thresholds of the events with an intensity.
func (s *thresholds) firstThresholds() {
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
func (s *thresholds) draw(e int) float64 {
	if s.draws[e] == nil {
		return never
	}
	return s.draws[e]()
}

// renew raises the threshold of an event that has reached it, which takes its guard
// back below its surface.
//
// The thresholds are sums of draws, whatever the parameters, so that the time of a
// firing moves by −(∂Λ/∂p)/λ as at any guard.
func (s *thresholds) renew(e int) {
	ev := &s.hy.Events[e]
	s.d[ev.Threshold-1] += s.draw(e)
	s.det.Side[ev.RateGuard] = -1
	s.conds.holds[e] = false
}
