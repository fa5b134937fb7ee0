// Package physics owns what the language knows of physics: the penalties for
// violated conservation laws and constraints, and the library of terms, which
// is written in the language itself and embedded.
package physics
