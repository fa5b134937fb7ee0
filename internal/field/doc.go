// Package field owns fields that are a network: the points at which equations, boundary
// conditions and initial values are asked to hold, the loss of what is left of them there,
// and how points are drawn and weighed while it is minimised. It knows neither how a
// field is written down nor what minimises the loss.
package field
