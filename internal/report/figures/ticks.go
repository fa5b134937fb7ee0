package figures

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// Ticks are at some five round numbers: multiples of 1, 2 or 5 times a power of ten.
type Ticks struct {
	Bare bool // without numbers
	Few  bool // some three
}

// Ticks implements plot.Ticker.
func (k Ticks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) || math.IsInf(hi-lo, 0) {
		return []plot.Tick{{Value: lo, Label: strconv.FormatFloat(lo, 'g', 4, 64)}}
	}
	// The least step that is about a fifth of the range, or a quarter.
	part := (hi - lo) / 5
	power := math.Pow(10, math.Floor(math.Log10(part)))
	step := 10 * power
	for _, m := range []float64{5, 2, 1} {
		if k.Few && math.Floor(hi/step+1e-9)-math.Ceil(lo/step-1e-9) >= 2 {
			break // three have room
		}
		if k.Few || m*power >= 0.85*part {
			step = m * power
		}
	}
	places := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	large := math.Max(math.Abs(lo), math.Abs(hi))
	var out []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step; i++ {
		v := i * step
		label := strconv.FormatFloat(v, 'f', places, 64)
		if large >= 1e6 || large < 1e-4 {
			label = strconv.FormatFloat(v, 'g', max(1, 1+int(math.Floor(math.Log10(large)+1e-9)-math.Floor(math.Log10(step)+1e-9))), 64)
		}
		if i == 0 {
			label = "0"
		}
		if k.Bare {
			label = " "
		}
		out = append(out, plot.Tick{Value: v, Label: label})
	}
	return out
}

// decades are ticks of a logarithmic axis: the powers of ten, and numbers between them where
// there are few of these.
type decades struct{ few bool }

// Ticks implements plot.Ticker.
func (d decades) Ticks(lo, hi float64) []plot.Tick {
	most := 5
	if d.few {
		most = 3
	}
	from, to := int(math.Floor(math.Log10(lo)+1e-9)), int(math.Ceil(math.Log10(hi)-1e-9))
	every := max(1, (to-from)/most)
	var out []plot.Tick
	for e := from; e <= to; e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow(10, float64(e))
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) || every > 1 && (m > 1 || (e-from)%every != 0) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || hi <= 100*lo {
				t.Label = strconv.FormatFloat(v, 'g', -1, 64)
			}
			out = append(out, t)
		}
	}
	return out
}
