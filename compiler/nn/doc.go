// Package nn owns neural blocks: activations, layers, guarantees and
// initialisation, as builders of graphs. Training is not its business, and the
// scales of arguments and results are its caller's.
package nn
