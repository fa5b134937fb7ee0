package distill

import (
	"math"

	"github.com/pinode/pinode/internal/estimate"
)

// apart is how far the runs of two fits are from each other behind the data: the root of the
// mean square of the difference of their states, each in its size there, over as long
// again as the data reach. It is infinite where one of them fails, and NaN where none can be
// made: inputs or events of the data end with them.
func apart(a, b *estimate.Fit) float64 {
	x, ok := a.Beyond(points)
	y, also := b.Beyond(points)
	if !ok || !also {
		return math.NaN()
	}
	sum, count := 0., 0.
	for i := range x {
		if x[i] == nil || y[i] == nil {
			return math.Inf(1)
		}
		for k := range x[i][0] {
			size, off := 0., 0.
			for r := range x[i] {
				size += x[i][r][k]*x[i][r][k] + y[i][r][k]*y[i][r][k]
				off += (x[i][r][k] - y[i][r][k]) * (x[i][r][k] - y[i][r][k])
			}
			if size > 0 {
				sum += 2 * off / size
			}
			count++
		}
	}
	return math.Sqrt(sum / math.Max(count, 1))
}
