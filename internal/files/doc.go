// Package files reads and writes the files of a user: input of a bounded size that does
// not wait for ever, output that is whole or not there at all, and folders that one
// process at a time works in. It knows nothing of what is in them.
package files
