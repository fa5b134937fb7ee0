package published

import (
	"fmt"
	"math"

	"github.com/pinode/pinode"
)

func eventSystems(s *study) error {
	for _, f := range []func(*study) error{impacts, learnBall, relay, fan, discs, arrivals} {
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

// gradient evaluates a model whose loss is a time, and returns it and its derivatives.
func (s *study) gradient(name string) (float64, map[string]float64, error) {
	m, err := s.model(name)
	if err != nil {
		return 0, nil, err
	}
	e, err := m.Evaluate(s.ctx, pinode.EvaluateOptions{})
	if err != nil {
		return 0, nil, err
	}
	return e.Loss, e.LossGradient.Params, nil
}

// distance is the largest relative difference of some numbers from what they should be.
func distance(got, want map[string]float64) (worst float64) {
	for k, w := range want {
		d := math.Abs(got[k]-w) / max(1, math.Abs(w))
		if !(d <= worst) { // a NaN too
			worst = d
		}
	}
	return worst
}

// impacts compares the time of the tenth bounce, and its gradient, with the closed
// form t_n = √(2H/g)·S_n, S_n = (1 + e − 2eⁿ)/(1 − e), H = y₀ − r.
func impacts(s *study) error {
	if err := s.table("end.csv", []string{"t", "n"}, [][]float64{{11.3, 10}}); err != nil {
		return err
	}
	got, slopes, err := s.gradient("impacts")
	if err != nil {
		return err
	}
	const g, h, e, n = 9.8, 9.8, 0.8, 10
	en := math.Pow(e, n)
	sn := (1 + e - 2*en) / (1 - e)
	dsn := (2 - 2*n*en/e + 2*(n-1)*en) / sq(1-e)
	fall := math.Sqrt(2 * h / g)
	t := fall * sn
	s.measured("time of the tenth bounce", "error 9.1e-7", 1e-9, math.Abs(got-t))
	s.measured("its gradient by gravity, radius, restitution, height and speed, relative", "error 3.8e-6", 1e-6, distance(slopes, map[string]float64{
		"g": -t / (2 * g), "r": -t / (2 * h), "e": fall * dsn, "y0": t / (2 * h), "v0": 1 / g}))
	return nil
}

// learnBall recovers the five numbers of a ball from 300 positions of four bounces,
// 50 a second in each flight, times of impact included.
func learnBall(s *study) error {
	const g, r, e, y0 = 9.8, 0.2, 0.8, 10.0
	var rows [][]float64
	start, y, v := 0.0, y0, 0.0
	for len(rows) < 300 {
		flight := (v + math.Sqrt(v*v+2*g*(y-r))) / g
		n := int(50 * flight)
		for i := range n {
			tau := flight * float64(i+1) / float64(n)
			rows = append(rows, []float64{start + tau, y + v*tau - g*tau*tau/2})
		}
		start, y, v = start+flight, r, e*(g*flight-v)
	}
	if err := s.table("path.csv", []string{"t", "y"}, rows[:300]); err != nil {
		return err
	}
	f, err := s.fit("learn_ball", 1)
	if err != nil {
		return err
	}
	got := map[string]float64{}
	for name, p := range f.Params {
		got[name] = p.Value
	}
	s.measured("learn_physics: largest error of gravity, radius, restitution, height and speed, relative", "9.8e-4", 1e-6,
		distance(got, map[string]float64{"g": g, "r": r, "e": e, "y0": y0, "v0": 0}))
	return nil
}

// relay compares the times of switching of a thermostat with ln((u_h−lo)/(u_h−hi))/k.
func relay(s *study) error {
	run, err := s.simulate("relay")
	if err != nil {
		return err
	}
	dwell, worst := math.Log(7.0/3), 0.0
	list := run.Events()
	for i, e := range list {
		worst = max(worst, math.Abs(e.Time-float64(i+1)*dwell))
	}
	if len(list) != int(20/dwell) {
		return fmt.Errorf("a thermostat switches %d times", len(list))
	}
	s.measured("thermostat: largest error of 23 times of switching", "", 1e-9, worst)
	return nil
}

// simulate runs a model of the row as its file says.
func (s *study) simulate(name string) (*pinode.Simulation, error) {
	m, err := s.model(name)
	if err != nil {
		return nil, err
	}
	return m.Simulate(s.ctx, pinode.SimulateOptions{})
}

// fan follows the switching linear system from (½, 1). It turns about (1, −1) until
// x = 0, slides down along that border at y' = −1, as both fields have it, until the
// right field turns away at y = −1, and then goes on the circle of radius 1 about
// (1, −1), which touches the border.
func fan(s *study) error {
	run, err := s.simulate("fan")
	if err != nil {
		return err
	}
	// From (½, 1), relative to the centre: (−½, 2). x = 1 − ½cos τ − 2 sin τ is 0 first
	// where cos(τ − φ) = 1/ρ, ρ = √4.25, φ = atan2(2, ½).
	rho, phi := math.Sqrt(4.25), math.Atan2(2, 0.5)
	entry := phi - math.Acos(1/rho)
	y := -1 + 2*math.Cos(entry) - 0.5*math.Sin(entry)
	exit := entry + y + 1
	worst := 0.0
	xs, ys, ts := run.Column("x"), run.Column("y"), run.Column("t")
	for i, t := range ts {
		var x0, y0 float64
		switch {
		case t <= entry:
			x0, y0 = 1-0.5*math.Cos(t)-2*math.Sin(t), -1+2*math.Cos(t)-0.5*math.Sin(t)
		case t <= exit:
			x0, y0 = 0, y-(t-entry)
		default:
			x0, y0 = 1-math.Cos(t-exit), -1-math.Sin(t-exit)
		}
		worst = max(worst, math.Abs(xs[i]-x0), math.Abs(ys[i]-y0))
	}
	s.measured("fan with its sliding segment: largest error of the path to t = 10", "", 1e-6, worst)
	return nil
}

// discs compares a run of two elastic discs in a box with one that goes from contact
// to contact by the roots of their quadratic equations.
func discs(s *study) error {
	run, err := s.simulate("discs")
	if err != nil {
		return err
	}
	const radius, side = 0.2, 2.0
	pos := [4]float64{0.5, 0.7, 1.4, 1.1}
	vel := [4]float64{0.9, 0.35, -0.6, -0.5}
	next := func() (dt float64, what int) {
		dt = math.Inf(1)
		for i := range 4 {
			wall := side - radius
			if vel[i] < 0 {
				wall = radius
			}
			if h := (wall - pos[i]) / vel[i]; h < dt {
				dt, what = h, i
			}
		}
		dx, dy, wx, wy := pos[2]-pos[0], pos[3]-pos[1], vel[2]-vel[0], vel[3]-vel[1]
		b, w2 := dx*wx+dy*wy, wx*wx+wy*wy
		if q := b*b - w2*(dx*dx+dy*dy-4*radius*radius); b < 0 && q > 0 {
			if h := (-b - math.Sqrt(q)) / w2; h < dt {
				dt, what = h, 4
			}
		}
		return dt, what
	}
	t, worst, hits := 0.0, 0.0, 0
	for _, e := range run.Events() {
		dt, what := next()
		t += dt
		worst = max(worst, math.Abs(e.Time-t))
		for i := range pos {
			pos[i] += dt * vel[i]
		}
		if what < 4 {
			vel[what] = -vel[what]
			continue
		}
		hits++
		nx, ny := pos[2]-pos[0], pos[3]-pos[1]
		k := (nx*(vel[2]-vel[0]) + ny*(vel[3]-vel[1])) / (nx*nx + ny*ny)
		vel[0], vel[1], vel[2], vel[3] = vel[0]+k*nx, vel[1]+k*ny, vel[2]-k*nx, vel[3]-k*ny
	}
	if hits == 0 {
		return fmt.Errorf("the discs never met")
	}
	energy := run.Column("energy")
	for _, e := range energy {
		worst = max(worst, math.Abs(e-energy[0]))
	}
	s.measured("discs: largest error of the times of contact and of the energy", "", 1e-6, worst)
	return nil
}

// arrivals compares the time at which μt + (α/β)(1 − exp(−βt)) reaches 1, and its
// gradient, with the root and the implicit function theorem.
func arrivals(s *study) error {
	if err := s.table("arrival.csv", []string{"t", "n", "rows"}, [][]float64{{2, 1, 1}}); err != nil {
		return err
	}
	got, slopes, err := s.gradient("arrivals")
	if err != nil {
		return err
	}
	const mu, alpha, beta = 0.4, 1.5, 2.0
	t := 1.0
	for range 50 {
		x := math.Exp(-beta * t)
		t -= (mu*t + alpha/beta*(1-x) - 1) / (mu + alpha*x)
	}
	x := math.Exp(-beta * t)
	rate := mu + alpha*x
	s.measured("arrival of a point process: error of its time", "", 1e-9, math.Abs(got-t))
	s.measured("its gradient, relative", "", 1e-6, distance(slopes, map[string]float64{"μ": -t / rate, "α": -(1 - x) / beta / rate,
		"β": -(alpha*t*x/beta - alpha/(beta*beta)*(1-x)) / rate}))
	return nil
}
