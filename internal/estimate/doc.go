// Package estimate fits models to data, and describes what a fit found.
package estimate
