// Package dsl owns the text of a model file: the lexer, the grammar, the
// syntax tree and the formatter. It does not know what names mean; that is
// compiler/check.
package dsl
