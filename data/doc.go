// Package data owns tables and observation sets: reading files, columns as
// numbers, and the trajectories that rows form, with masks for what is
// missing. It imputes nothing and knows no models.
package data
