package solvers

// Methods lists the methods that a model can name, each in the file of its family: of
// explicit Runge–Kutta methods erk.go, and erk_*.go for those of many coefficients, of
// Rosenbrock methods rosenbrock.go, of implicit Runge–Kutta methods esdirk.go and radau.go, of
// symplectic methods symplectic.go, and bdf.go and rkc.go.
var Methods = []*Tableau{
	Euler, Heun, Midpoint, Ralston, RK4, Bosh32, Dopri5, Tsit5, BS5, Vern7, Dop853, Vern9,
	Rosenbrock23, Rodas4, Rodas5P, Kvaerno5, Radau, BDF, RKC,
	SymplecticEuler, Verlet, Yoshida4, Yoshida6,
}

// Method returns the method of that name, or nil.
func Method(name string) *Tableau {
	for _, m := range Methods {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Auto are the methods for a tolerance where none is named: an explicit one to begin with,
// of higher order where the tolerance is tight, and one that takes over where that finds the
// problem stiff.
func Auto(rtol float64) (method, stiff *Tableau) {
	switch {
	case rtol <= 1e-10:
		return Dop853, Rodas5P
	case rtol <= 1e-7:
		return Vern7, Rodas5P
	case rtol < 1e-4:
		return Tsit5, Rodas5P
	}
	return Tsit5, Rodas4
}
