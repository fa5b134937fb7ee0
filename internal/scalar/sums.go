package scalar

// Sums start from zero and go on in the order of their terms. A long one is made
// of four, of every fourth term each, which do not wait for each other.

// Parts is of how many sums a sum of n terms is made.
func Parts(n int) int {
	if n < 8 {
		return 1
	}
	return 4
}

// Join is the sum of the parts.
func Join(part *[4]float64) float64 { return (part[0] + part[1]) + (part[2] + part[3]) }
