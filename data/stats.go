package data

import "math"

// First is the first value of an observation that is present, and its time.
func (tr *Trajectory) First(obs int) (v, t float64, ok bool) {
	for i := range tr.Obs.Len() {
		r := tr.Obs.At(i)
		if !math.IsNaN(r[obs]) {
			return r[obs], tr.Times[i], true
		}
	}
	return math.NaN(), math.NaN(), false
}

// Measured reports whether an observation has a value at time t.
func (tr *Trajectory) Measured(obs int, t float64) bool {
	for i := range tr.Obs.Len() {
		r := tr.Obs.At(i)
		if tr.Times[i] == t && !math.IsNaN(r[obs]) {
			return true
		}
	}
	return false
}

// slopeTimes is at how many times the initial slope looks.
const slopeTimes = 4

// Slope is the initial slope of an observation: that of the least-squares
// line through its values at the first four different times at which it is
// present, fewer if there are fewer. At equal distances that has a third of
// the noise of the first difference.
func (tr *Trajectory) Slope(obs int) (float64, bool) {
	var ts, ys []float64
	different := 0
	for i := range tr.Obs.Len() {
		r := tr.Obs.At(i)
		if math.IsNaN(r[obs]) {
			continue
		}
		if len(ts) == 0 || tr.Times[i] != ts[len(ts)-1] {
			if different++; different > slopeTimes {
				break
			}
		}
		ts, ys = append(ts, tr.Times[i]), append(ys, r[obs])
	}
	if different < 2 {
		return math.NaN(), false
	}
	tm, ym := mean(ts), mean(ys)
	var tt, ty float64
	for i, t := range ts {
		tt += (t - tm) * (t - tm)
		ty += (t - tm) * (ys[i] - ym)
	}
	return ty / tt, true
}

func mean(v []float64) float64 {
	sum := 0.
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// Stats describes an observation over the trajectories of a split.
type Stats struct {
	Values, Missing int // in rows with a value of some observation; see Trajectory.Lost
	Mean, SD        float64
}

// Describe counts and averages observation obs over the trajectories of a
// split. SD is the root of the mean squared deviation, not of its unbiased
// estimate. Both are updated value by value (B. P. Welford, Technometrics 4,
// 419–420, 1962), so that a small spread about a large mean is not lost.
func (s *Set) Describe(obs int, split Split) Stats {
	var out Stats
	var sq float64
	for _, tr := range s.Trajectories {
		if tr.Split != split {
			continue
		}
		for i := range tr.Obs.Len() {
			v := tr.Obs.At(i)[obs]
			if math.IsNaN(v) {
				out.Missing++
				continue
			}
			out.Values++
			d := v - out.Mean
			out.Mean += d / float64(out.Values)
			sq += d * (v - out.Mean)
		}
	}
	if out.Values > 0 {
		out.SD = math.Sqrt(sq / float64(out.Values))
	}
	return out
}
