// Package explain says what a model is made of and what happened in its runs, in
// the names of the model.
package explain
