// Package nn owns neural blocks: activations, layers, guarantees and
// initialisation, as builders of graphs. Training is not its business.
package nn
