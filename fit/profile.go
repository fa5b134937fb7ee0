package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Profile is a profile likelihood interval of one coordinate: where the loss,
// minimised over all other coordinates, has risen by a given amount of
// negative log-likelihood. It carries over to the parameter by putting its
// ends through the transform, and needs no normal approximation.
//
// A. Raue et al., Bioinformatics 25, 1923–1929, 2009.
type Profile struct {
	Coordinate int
	Lo, Hi     float64 // infinite when the data do not bound that side
	Points     []ProfilePoint
	// Blocked says, for an end that is as far as the model could be solved
	// and no true bound, why; lower end first.
	Blocked [2]string
}

// ProfilePoint is a coordinate's value and the rise of the negative
// log-likelihood there.
type ProfilePoint struct {
	At, Rise float64
}

// LowerError is the error of a profile that finds a lower loss than where it begins: that was no minimum.
type LowerError struct {
	Coordinate int
	At, By     float64 // its value there, and how much lower the negative log-likelihood is
}

func (e *LowerError) Error() string {
	return fmt.Sprintf("with coordinate %d at %g the negative log-likelihood is lower than at the estimate by %.3g: the fit has not reached its minimum", e.Coordinate, e.At, e.By)
}

// Rise95 is the rise at the ends of a 95 % interval: half the quantile of χ²
// with one degree of freedom.
const Rise95 = 1.920729410347062

const (
	// farthest is the distance, in first steps, beyond which a side counts as
	// not bounded.
	farthest = 1 << 10
	// profileTol is the accuracy of the ends relative to the interval.
	profileTol = 1e-3
)

// NewProfile computes the interval of coordinate c around the optimum x.
// first is the first step, such as the standard error; scale turns the loss
// into a negative log-likelihood, see InformationScale; rise is usually
// Rise95. Each point is a fit of all other coordinates by L-BFGS from the
// nearest point known. A lower loss found on the way is an error, since x was
// no minimum then.
func NewProfile(ctx context.Context, obj Objective, x []float64, c int, first, scale, rise float64) (*Profile, error) {
	if c < 0 || c >= len(x) || !(first > 0) || !(scale > 0) || !(rise > 0) || math.IsInf(first+scale+rise, 0) {
		return nil, fmt.Errorf("a profile of coordinate %d of %d needs a positive first step, scale and rise, not %g, %g, %g", c, len(x), first, scale, rise)
	}
	res, err := obj.Eval(ctx, x, nil, 1, nil)
	if err == nil {
		err = finite(&res, nil)
	}
	if err != nil {
		return nil, err
	}
	if res.Failed {
		return nil, fmt.Errorf("the model cannot be solved at the estimate: %s", res.Reason)
	}
	w := &profiler{
		ctx: ctx, obj: obj, coordinate: c, scale: scale, least: res.Loss,
		p: &Profile{Coordinate: c, Points: []ProfilePoint{{At: x[c]}}},
	}
	for side, sign := range []float64{-1, 1} {
		end, err := w.side(x, sign*first, rise, &w.p.Blocked[side])
		if err != nil {
			return nil, err
		}
		if side == 0 {
			w.p.Lo = end
		} else {
			w.p.Hi = end
		}
	}
	slices.SortFunc(w.p.Points, func(a, b ProfilePoint) int {
		if a.At < b.At {
			return -1
		}
		return 1
	})
	return w.p, nil
}

type profiler struct {
	ctx          context.Context
	obj          Objective
	coordinate   int
	scale, least float64
	p            *Profile
}

// side finds the end of the interval in the direction of step: it doubles the
// step until the rise is passed, then closes in on √rise, which is nearly
// linear, by the Illinois form of regula falsi.
func (w *profiler) side(x []float64, step, rise float64, blocked *string) (float64, error) {
	centre := x[w.coordinate]
	in, fIn := 0., -math.Sqrt(rise) // distance inside, and its √rise − √target
	var out, fOut float64
	near := slices.Clone(x)
	for out = step; ; out *= 2 {
		f, ok, err := w.at(near, centre+out, rise, blocked)
		if err != nil {
			return 0, err
		}
		if fOut = f; !ok || f >= 0 {
			break
		}
		if in, fIn = out, f; math.Abs(out) >= farthest*math.Abs(step) {
			return math.Inf(int(math.Copysign(1, step))), nil
		}
	}
	last := 0
	for range 60 {
		if math.Abs(out-in) <= profileTol*math.Abs(out) || fIn == 0 {
			break
		}
		mid := (in + out) / 2 // where a side failed, there is nothing to interpolate
		if !math.IsInf(fOut, 0) {
			*blocked = ""
			mid = (in*fOut - out*fIn) / (fOut - fIn)
		}
		if !(math.Abs(mid-in) > 0 && math.Abs(out-mid) > 0) {
			break
		}
		f, ok, err := w.at(near, centre+mid, rise, blocked)
		switch {
		case err != nil:
			return 0, err
		case ok && math.Abs(f) <= profileTol*math.Sqrt(rise):
			return centre + mid, nil
		case !ok || f >= 0:
			out, fOut = mid, f
			if last == 1 {
				fIn /= 2
			}
			last = 1
		default:
			in, fIn = mid, f
			if last == -1 && !math.IsInf(fOut, 0) {
				fOut /= 2
			}
			last = -1
		}
	}
	return centre + in, nil
}

// at fits the other coordinates with the profiled one held at v, from near,
// which becomes the result, and returns √rise − √target. Where a solve fails
// it is infinite, ok is false and blocked says why.
func (w *profiler) at(near []float64, v, target float64, blocked *string) (f float64, ok bool, err error) {
	h := &held{Objective: w.obj, coordinate: w.coordinate, full: slices.Clone(near), grad: make([]float64, len(near))}
	h.full[w.coordinate] = v
	loss := 0.
	if len(near) == 1 {
		res, err := w.obj.Eval(w.ctx, h.full, nil, 1, nil)
		if err == nil {
			err = finite(&res, nil)
		}
		if err != nil {
			return 0, false, err
		}
		if res.Failed {
			*blocked = res.Reason.String()
			return math.Inf(1), false, nil
		}
		loss = res.Loss
	} else {
		// The gradient of a negative log-likelihood is scale times that of the
		// loss; a thousandth of it does not move the interval.
		m := &LBFGS{MaxIterations: 200, Memory: 15, GradTol: 1e-3 / w.scale, LossTol: 1e-12}
		s, err := (&Trainer{Objective: h, Stages: []Method{m}}).Run(w.ctx, h.drop(near))
		var failed *FailedError
		if errors.As(err, &failed) {
			*blocked = failed.Failure.String()
			return math.Inf(1), false, nil
		}
		if err != nil {
			return 0, false, err
		}
		if s.Status == Interrupted {
			return 0, false, w.ctx.Err()
		}
		h.fill(s.Best.X)
		loss = s.Best.Score
	}
	rise := w.scale * (loss - w.least)
	if rise < -0.02*target {
		return 0, false, &LowerError{Coordinate: w.coordinate, At: v, By: -rise}
	}
	copy(near, h.full)
	w.p.Points = append(w.p.Points, ProfilePoint{At: v, Rise: rise})
	return math.Sqrt(max(rise, 0)) - math.Sqrt(target), true, nil
}

// held is an objective with one coordinate held.
type held struct {
	Objective
	coordinate int
	full, grad []float64
}

func (h *held) Dim() int { return h.Objective.Dim() - 1 }

func (h *held) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	h.fill(x)
	if grad == nil {
		return h.Objective.Eval(ctx, h.full, batch, horizon, nil)
	}
	res, err := h.Objective.Eval(ctx, h.full, batch, horizon, h.grad)
	copy(grad, h.grad[:h.coordinate])
	copy(grad[h.coordinate:], h.grad[h.coordinate+1:])
	return res, err
}

// fill puts the other coordinates in full.
func (h *held) fill(x []float64) {
	copy(h.full, x[:h.coordinate])
	copy(h.full[h.coordinate+1:], x[h.coordinate:])
}

// drop is full without the held coordinate.
func (h *held) drop(full []float64) []float64 {
	return slices.Delete(slices.Clone(full), h.coordinate, h.coordinate+1)
}
