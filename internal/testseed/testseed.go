// Package testseed fixes the seed of property tests, for its effect on tests
// that import it: what they draw is the same in every run. The flag
// -rapid.seed has the last word, and 0 draws anew.
package testseed

import (
	"flag"

	_ "pgregory.net/rapid" // registers the flag
)

func init() {
	if err := flag.Set("rapid.seed", "20261"); err != nil {
		panic(err)
	}
}
