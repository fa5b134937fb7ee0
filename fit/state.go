package fit

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pinode/pinode/internal/kernel"
)

// Status says how a run ended.
type Status string

// The statuses of a run. Running is that of a checkpoint taken on the way.
const (
	Running       Status = "running"
	Converged     Status = "converged"      // the last stage met its own tolerance
	MaxIterations Status = "max_iterations" // the last stage made all its iterations
	StoppedEarly  Status = "stopped_early"  // no further improvement; Message says of what
	MaxTime       Status = "max_time"
	Interrupted   Status = "interrupted" // the context ended; the state can be taken up again
	Failed        Status = "failed"      // the error says why
)

// stateVersion changes when older checkpoints can no longer be read.
const stateVersion = 2

// State is a run at the end of a step: its result, and all that is needed to
// go on. As JSON its floats are exact.
type State struct {
	Version int      `json:"version"`
	Seed    uint64   `json:"seed"`
	Status  Status   `json:"status"`
	Message string   `json:"message,omitempty"`
	Stages  []string `json:"stages"` // names of the chain's methods
	Stage   int      `json:"stage"`  // index of the one that runs

	Iteration int    `json:"iteration"` // finished in this stage
	Epoch     int    `json:"epoch"`     // finished epochs of all first-order stages
	X         Vector `json:"x"`         // where the method stands
	Method    memory `json:"method"`

	Best    *Point   `json:"best,omitempty"` // the result; nil before the first score
	Mark    *float64 `json:"mark,omitempty"` // score of the last improvement by min_delta
	Wait    int      `json:"wait"`           // iterations since
	History []Record `json:"history,omitempty"`

	Kinks    int           `json:"kinks"`    // changes in the order of events between evaluations
	Rejected int           `json:"rejected"` // trial steps at which a solve failed
	Elapsed  time.Duration `json:"elapsed"`

	Start   int      `json:"start,omitempty"`   // its number, where a run has several
	Earlier []*State `json:"earlier,omitempty"` // of its other starts, without such of their own
}

// Point is a place and its score at exactly X: the training loss over all trajectories
// or, where the fit is stopped on it, the validation loss.
type Point struct {
	X         Vector  `json:"x"`
	Score     float64 `json:"score"`
	Validated bool    `json:"validated"`
	Horizon   float64 `json:"horizon"`
	Stage     int     `json:"stage"`
	Iteration int     `json:"iteration"` // finished iterations of the stage
}

// better orders points: losses at different horizons do not compare, so the
// longer horizon comes first, then the lower score.
func (p *Point) better(q *Point) bool {
	if p.Horizon != q.Horizon {
		return p.Horizon > q.Horizon
	}
	return p.Score < q.Score
}

// Record is the line of a finished iteration in the history. The loss is that
// before the iteration's step; for mini-batches it is the mean over the epoch.
type Record struct {
	Stage     int      `json:"stage"`
	Iteration int      `json:"iteration"` // counted from 1
	Loss      float64  `json:"loss"`
	Terms     []Term   `json:"terms,omitempty"`
	Valid     *float64 `json:"valid,omitempty"` // nil without validation, or when its solve failed
	Rate      float64  `json:"rate,omitempty"`  // learning rate; 0 for methods without
	Horizon   float64  `json:"horizon"`
	GradNorm  float64  `json:"grad_norm"` // Euclidean for first-order methods, else largest component
	Kinks     int      `json:"kinks,omitempty"`
	Rejected  int      `json:"rejected,omitempty"`
	Phase     string   `json:"phase,omitempty"` // of a procedure: what the iteration was for
}

// memory is what the running method remembers: one of the fields or none, and for a procedure that
// ends with L-BFGS both.
type memory struct {
	FirstOrder *descent `json:"first_order,omitempty"`
	Trust      *trust   `json:"trust,omitempty"`
	LBFGS      *trail   `json:"lbfgs,omitempty"`
	Auto       *journal `json:"auto,omitempty"`
}

// Vector is a list of finite numbers that stands in JSON as one text: their
// eight bytes each, least first, in base64. Decimal digits would take four times
// as long as a short fit's last step.
type Vector []float64

// MarshalText fails for a number that is not finite.
func (v Vector) MarshalText() ([]byte, error) {
	if !kernel.Finite(v) {
		return nil, errors.New("a number is not finite")
	}
	b := make([]byte, 0, 8*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText wrote.
func (v *Vector) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if len(b)%8 != 0 {
		return fmt.Errorf("a list of numbers ends after %d bytes", len(b))
	}
	*v = make(Vector, len(b)/8)
	for i := range *v {
		(*v)[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	if !kernel.Finite(*v) {
		return errors.New("a number is not finite")
	}
	return nil
}

// All are the states of all starts of a run, by their numbers; of a single start itself.
func (s *State) All() []*State {
	self := *s
	self.Earlier = nil
	list := append(slices.Clone(s.Earlier), &self)
	slices.SortFunc(list, func(a, b *State) int { return a.Start - b.Start })
	return list
}

// Result is the best point of all starts; nil: there is none yet.
func (s *State) Result() *Point {
	best := s.Best
	for _, o := range s.Earlier {
		if o.Best != nil && (best == nil || o.Best.better(best)) {
			best = o.Best
		}
	}
	return best
}

// Spent is the time that all starts have taken.
func (s *State) Spent() time.Duration {
	sum := s.Elapsed
	for _, o := range s.Earlier {
		sum += o.Elapsed
	}
	return sum
}

// Encode writes the state as JSON.
func (s *State) Encode() ([]byte, error) { return json.Marshal(s) }

// DecodeState reads what Encode wrote.
func DecodeState(b []byte) (*State, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	s := new(State)
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("the checkpoint cannot be read: %w", err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("the checkpoint has version %d, this program reads version %d", s.Version, stateVersion)
	}
	return s, nil
}

// clone is an independent copy, and a check that the state can be written.
func (s *State) clone() (*State, error) {
	b, err := s.Encode()
	if err != nil {
		return nil, err
	}
	return DecodeState(b)
}
