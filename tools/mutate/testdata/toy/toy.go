// Package toy has faults put into it by the tests of mutate.
package toy

// Larger is the larger of two numbers.
func Larger(a, b int) int {
	if a < b {
		return b
	}
	return a
}

// Area is what the test of this package looks at too little.
func Area(width, height int) int { return width * height }

// Sum adds the numbers below n.
func Sum(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i
	}
	return sum
}
