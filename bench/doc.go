// Package bench measures pinode against what the same work costs elsewhere:
// small C programs of the same method, built and run beside it, or a bar in
// absolute time. Rows are values in a list, which the command and the Go
// benchmarks range over.
package bench
