// Package simtest has models for tests of package sim that need no compiler: a model
// whose functions are closures over numbers that carry their derivatives, and steps of
// several lanes.
package simtest
