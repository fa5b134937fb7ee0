package published

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode"
)

// moonNoise is how far points are from their half circles.
const moonNoise = 0.15

// moonCentres are 128 equal steps along each of two half circles.
func moonCentres() (list [][2]float64) {
	for k := range 128 {
		a := math.Pi * float64(k) / 127
		list = append(list, [2]float64{math.Cos(a), math.Sin(a)}, [2]float64{1 - math.Cos(a), 0.5 - math.Sin(a)})
	}
	return list
}

// moonField is the field of the least loss: the mean of b − a over the lines that pass a
// place at a time, where b is one of the centres with normal noise.
func moonField(centres [][2]float64, x, y, t float64) (u, v float64) {
	const s2 = moonNoise * moonNoise
	spread := sq(1-t) + t*t*s2
	gain := (t*s2 - (1 - t)) / spread
	least := math.Inf(1)
	for _, c := range centres {
		least = math.Min(least, sq(x-t*c[0])+sq(y-t*c[1]))
	}
	sum := 0.
	for _, c := range centres {
		dx, dy := x-t*c[0], y-t*c[1]
		w := math.Exp((least - dx*dx - dy*dy) / (2 * spread))
		sum += w
		u, v = u+w*(c[0]+gain*dx), v+w*(c[1]+gain*dy)
	}
	return u / sum, v / sum
}

// moonPoint is a point of the data.
func moonPoint(r *rand.Rand, centres [][2]float64) (x, y float64) {
	c := centres[r.IntN(len(centres))]
	return c[0] + moonNoise*r.NormFloat64(), c[1] + moonNoise*r.NormFloat64()
}

// target is a distribution that a flow is to come to: its points, and the field of the least loss.
type target struct {
	model, of string // the model's file, and what the figure is called
	floor     string // the least loss
	points    int    // of the data
	published string
	point     func(r *rand.Rand) (x, y float64)
	field     func(x, y, t float64) (u, v float64)
}

// flowMatching learns the field to two half moons.
func flowMatching(s *study) error {
	centres := moonCentres()
	return s.matched(&target{
		"moons", "moons", "1.019", 102400, "0.019",
		func(r *rand.Rand) (x, y float64) { return moonPoint(r, centres) },
		func(x, y, t float64) (u, v float64) { return moonField(centres, x, y, t) },
	})
}

// checkerboard learns the field to the squares of a board.
func checkerboard(s *study) error {
	return s.matched(&target{"board", "squares of a board", "3.752", 102400, "–", boardPoint, boardField})
}

// matched learns a field and compares it with that of the least loss, along lines that it has not
// seen.
func (s *study) matched(g *target) error {
	r := noise("flow_matching", 1)
	n, places := g.points, 20000
	if s.quick {
		n, places = 512, 1000
	}
	var points [][]float64
	for range n {
		x, y := g.point(r)
		points = append(points, []float64{x, y})
	}
	if err := s.table(g.model+".csv", []string{"x", "y"}, points); err != nil {
		return err
	}
	f, err := s.fit(g.model, 1, s.quickly(setting{"fit.optimizer.epochs", "4"})...)
	if err != nil {
		return err
	}
	var rows [][]float64
	for range places {
		x, y := g.point(r)
		a, b, t := r.NormFloat64(), r.NormFloat64(), r.Float64()
		zx, zy := (1-t)*a+t*x, (1-t)*b+t*y
		u, v := g.field(zx, zy, t)
		rows = append(rows, []float64{zx, zy, t, u, v})
	}
	if err := s.table("places.csv", []string{"x", "y", "s", "ux", "uy"}, rows); err != nil {
		return err
	}
	m, err := s.model("field")
	if err != nil {
		return err
	}
	run, err := m.Simulate(s.ctx, pinode.SimulateOptions{At: f, Rows: true})
	if err != nil {
		return err
	}
	u, v, sum := run.Column("u[0]"), run.Column("u[1]"), 0.
	if len(u) != len(rows) {
		return fmt.Errorf("%d rows of a simulation, and %d places", len(u), len(rows))
	}
	for k, row := range rows {
		sum += sq(u[k]-row[3]) + sq(v[k]-row[4])
	}
	s.measured(g.of+": excess of the loss over the least one, of "+g.floor, g.published, 0.005, sum/2/float64(places))
	return nil
}
