// Package check turns a syntax tree into a typed model: names are resolved,
// components flattened, loops unrolled, functions bound, shapes and units
// inferred and checked, events analysed, settings read. It reports every
// mistake of a file in one run.
//
// It owns the meaning of declarations and expressions, the tables of
// functions, operators and distributions, and the wording of its messages. It
// knows neither the grammar (dsl) nor graphs (compiler/lower) nor time
// stepping.
package check
