//go:build !amd64 || purego

package kernel

// bothWays runs f, here in Go alone.
func bothWays(f func(how string)) { f("in Go") }
