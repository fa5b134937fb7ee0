// Package gradcheck makes gradient certificates: it compares derivatives in every
// mode with finite differences.
package gradcheck
