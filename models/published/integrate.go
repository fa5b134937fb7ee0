package published

// integrate takes y from t0 to t1 in n steps of the classical method of Runge and
// Kutta. Truths of data are made by it and not by a solver of the project, whose
// mistakes would cancel.
func integrate(rhs func(t float64, y, dy []float64), t0, t1 float64, n int, y []float64) {
	h := (t1 - t0) / float64(n)
	k := make([][]float64, 4)
	for i := range k {
		k[i] = make([]float64, len(y))
	}
	z := make([]float64, len(y))
	shifted := func(a float64, k []float64) []float64 {
		for i := range z {
			z[i] = y[i] + a*k[i]
		}
		return z
	}
	for i := range n {
		t := t0 + float64(i)*h
		rhs(t, y, k[0])
		rhs(t+h/2, shifted(h/2, k[0]), k[1])
		rhs(t+h/2, shifted(h/2, k[1]), k[2])
		rhs(t+h, shifted(h, k[2]), k[3])
		for j := range y {
			y[j] += h / 6 * (k[0][j] + 2*k[1][j] + 2*k[2][j] + k[3][j])
		}
	}
}
