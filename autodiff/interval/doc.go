// Package interval bounds graphs: from bounds of some nodes it builds those of
// everything made of them, graph to graph, so that every pass and backend serves
// them alike.
//
// Bounds hold for the values as programs compute them. Operations that round to
// nearest are monotone, so that their own rounding costs nothing; bounds are
// widened by what regrouping, fused multiply–adds and the errors of elementary
// functions may change. Underflow is left out of account.
//
// A function with a limited domain is bounded where it is defined: of √x over
// [−1, 4] the bounds are 0 and 2. Where it is defined nowhere, or has a pole, the
// bounds are infinite. NaN stands for a bound that is not known, and makes every
// comparison with it false.
package interval
