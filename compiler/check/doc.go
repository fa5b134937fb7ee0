// Package check turns a syntax tree into a typed model: names are resolved,
// components flattened, loops unrolled, shapes and units inferred and checked,
// settings read. It reports every mistake of a file in one run.
//
// It knows neither graphs (compiler/lower) nor time stepping.
package check
