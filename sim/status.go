package sim

import "fmt"

// Status says how a run ended.
type Status uint8

// The ways a run can end. Only Success and Terminated are not failures.
const (
	Success      Status = iota
	Terminated          // an event said so
	MaxSteps            // more steps than allowed
	StepTooSmall        // the step fell below what the clock resolves
	Unstable            // a value left the representable range
	Livelock            // an instant has too many micro-steps
	Graze               // a guard touches its surface without crossing it
	Sliding             // a switch flips without progress
	ZenoLimit           // the gaps of an event shrink to nothing
	NoBalance           // the constraints have no solution
	Negative            // a state fell below zero that is not to
	NoSteady            // there is no steady state to start from
	Stopped             // the caller did not wait for the end, see Options.Ended
)

var statusNames = [...]string{
	"success", "terminated", "max_steps", "step_too_small", "unstable",
	"event_livelock", "event_graze", "event_sliding", "event_zeno", "no_balance", "negative", "no_steady", "stopped",
}

func (s Status) String() string { return statusNames[s] }

// Failed reports whether the run has no end state to speak of.
func (s Status) Failed() bool { return s > Terminated }

// Failure is a run that could not be carried to its end.
type Failure struct {
	Status   Status
	T, H     float64   // when, and the step that was tried
	Y, D     []float64 // the last good state
	Event    int       // index of the event concerned, or −1
	Switches []int     // indices of the switches concerned
	Guard    int       // index of the guard concerned, or −1
	State    int       // index in Y of the state concerned, or −1
	Detail   string    // what went wrong, in words; names no file

	// EndsBehind: the field has no value right behind the last good state.
	EndsBehind bool

	// Stiffest is the state, from 1, for which stability held down most steps; 0:
	// it did not.
	Stiffest int
}

// NewFailure returns a failure that concerns no event, switch, guard or state in
// particular.
func NewFailure(status Status, t float64, detail string) *Failure {
	return &Failure{Status: status, T: t, Event: -1, Guard: -1, State: -1, Detail: detail}
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s at t = %.6g: %s", f.Status, f.T, f.Detail)
}
