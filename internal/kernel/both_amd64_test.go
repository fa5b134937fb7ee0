//go:build !purego

package kernel

// bothWays runs f with and without the assembly.
func bothWays(f func(how string)) {
	was := fast
	defer func() { fast = was }()
	f("as it is")
	fast = false
	f("in Go")
}
