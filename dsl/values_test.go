package dsl

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl/diag"
)

// Numbers of trees that were built, and units with powers of both signs.
func TestWrittenNumbersAndUnits(t *testing.T) {
	for want, v := range map[string]float64{
		"0.1": 0.1, "1e+300": 1e300, "1e-07": 1e-7, "1.23456789e+08": 123456789, "inf": math.Inf(1), "2": 2,
	} {
		require.Equal(t, want, FormatExpr(&NumberLit{Value: v}))
	}
	require.Equal(t, "1e3", FormatExpr(&NumberLit{Value: 1000, Text: "1e3"}), "as it was written")
	for want, u := range map[string][]UnitFactor{
		"1": nil, "m": {{Name: "m", Num: 1, Den: 1}}, "m/s^2": {{Name: "m", Num: 1, Den: 1}, {Name: "s", Num: -2, Den: 1}},
		"1/s": {{Name: "s", Num: -1, Den: 1}}, "1/s*m^(1/2)": {{Name: "s", Num: -1, Den: 1}, {Name: "m", Num: 1, Den: 2}},
		"m^(3/2)/s^(1/2)": {{Name: "m", Num: 3, Den: 2}, {Name: "s", Num: -1, Den: 2}}, "m*K^3": {{Name: "m", Num: 1, Den: 1}, {Name: "K", Num: 3, Den: 1}},
	} {
		require.Equal(t, want, FormatUnit(&UnitExpr{Factors: u}))
	}
}

// Decimal exponents of units are fractions; those that are not are refused.
func TestDecimalExponents(t *testing.T) {
	unit := func(text string) (string, *diag.List) {
		f, diags := Parse(diag.NewSource("t.node", "model M {\n  state x: "+text+" = 1\n}\n"))
		if len(diags.All) > 0 {
			return "", diags
		}
		return FormatUnit(f.Decls[0].(*ModelDecl).Body[0].(*StateDecl).Type.Unit), diags
	}
	for text, want := range map[string]string{
		"m^2.5": "m^(5/2)", "m^-0.125": "1/m^(1/8)", "m^1.2*s": "m^(6/5)*s", "s/m^2.0": "s/m^2", "m^(0.5)": "m^(1/2)",
	} {
		got, diags := unit(text)
		require.Equal(t, want, got, "%s: %v", text, diags.All)
	}
	for text, want := range map[string][2]string{
		"m^0.33":   {"the exponent of a unit is a whole number or a fraction, not `0.33`", "write a fraction in brackets, like `m^(5/3)`"},
		"m^2000.5": {"the exponent of a unit is a whole number or a fraction, not `2000.5`", "write a fraction in brackets, like `m^(5/3)`"},
	} {
		_, diags := unit(text)
		require.Len(t, diags.All, 1, text)
		require.Equal(t, want, [2]string{diags.All[0].Message, diags.All[0].Help}, text)
	}
}

// What is said of a statement that starts like none, and what helps.
func TestHelpForStatements(t *testing.T) {
	for text, want := range map[string][2]string{
		"+ x":        {"no declaration starts with `+`", "a statement goes on after an operator: put `+` at the end of the line before"},
		"== x":       {"no declaration starts with `==`", "a statement goes on after an operator: put `==` at the end of the line before"},
		"] x":        {"no declaration starts with `]`", ""},
		"x := 3":     {"no declaration starts with `x`", "`:=` belongs inside an event; an equation is written `x' = …`"},
		"x = 3":      {"no declaration starts with `x`", "name a quantity with `let x = …`; a state's equation is `x' = …`"},
		"x' 3":       {"no declaration starts with `x`", "an equation is written `x' = …`"},
		"stat x = 1": {"no declaration starts with `stat`", "did you mean `state`?"},
		"data d":     {"no declaration starts with `data`", "`data` stands outside of the model"},
	} {
		_, diags := Parse(diag.NewSource("t.node", "model M {\n  "+text+"\n}\n"))
		require.NotEmpty(t, diags.All, text)
		require.Equal(t, want, [2]string{diags.All[0].Message, diags.All[0].Help}, text)
	}
	_, diags := Parse(diag.NewSource("t.node", "state x = 1\n"))
	require.Equal(t, "`state` belongs inside a `model` block", diags.All[0].Help)
}
