package dsl

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl/diag"
)

// parse parses a text without errors.
func parse(t require.TestingT, text string) *File {
	f, diags := Parse(diag.NewSource("t.node", text))
	require.NoError(t, diags.Err(), text)
	return f
}

// parseIn parses declarations of a model.
func parseIn(t require.TestingT, text string) []Decl {
	return parse(t, "model M {\n"+text+"\n}").Decls[0].(*ModelDecl).Body
}

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"0..n-1":           "Number 0|Op ..|Ident n|Op -|Number 1",
		"1e-3 .5 2.5e+7 3": "Number 1e-3|Number .5|Number 2.5e+7|Number 3",
		"x'' left.θ'":      "Ident x|Prime ''|Ident left|Op .|Ident θ|Prime '",
		"x₁ _a β2":         "Ident x₁|Ident _a|Ident β2",
		"a:=b == c = d":    "Ident a|Op :=|Ident b|Op ==|Ident c|Op =|Ident d",
		"-> - > <= != ~":   "Op ->|Op -|Op >|Op <=|Op !=|Op ~",
		`"a \" # b" # c`:   `String "a \" # b"`,
		"a # c\nb":         "Ident a|Op ;|Ident b",
		"a +\n b\n+ c":     "Ident a|Op +|Ident b|Op ;|Op +|Ident c",
		"f(a,\n b\n)\nc":   "Ident f|Op (|Ident a|Op ,|Ident b|Op )|Op ;|Ident c",
		"a\n\n\n b":        "Ident a|Op ;|Ident b",
		"a\nand b\nthen c": "Ident a|Ident and|Ident b|Ident then|Ident c",
		"a\n{\nb\n}":       "Ident a|Op {|Op ;|Ident b|Op ;|Op }",
		"a\r\nb":           "Ident a|Op ;|Ident b",
		"\ufeffa":          "Ident a",
		// A forgotten bracket ends where a declaration starts.
		"f(a\nstate b": "Ident f|Op (|Ident a|Op ;|Ident state|Ident b",
		"f(a\nx' = b":  "Ident f|Op (|Ident a|Op ;|Ident x|Prime '|Op =|Ident b",
		"a = 1,\nx' =": "Ident a|Op =|Number 1|Op ,|Ident x|Prime '|Op =",
		"f(a,\nstate)": "Ident f|Op (|Ident a|Op ,|Ident state|Op )",
		// Behind it all is as if it were closed.
		"f(a\nx' = b\nc": "Ident f|Op (|Ident a|Op ;|Ident x|Prime '|Op =|Ident b|Op ;|Ident c",
		"f(a}\nb\nc":     "Ident f|Op (|Ident a|Op }|Op ;|Ident b|Op ;|Ident c",
		"f(a{\nb\nc":     "Ident f|Op (|Ident a|Op {|Op ;|Ident b|Op ;|Ident c",
		"a)\nb(\nc)\nd":  "Ident a|Op )|Op ;|Ident b|Op (|Ident c|Op )|Op ;|Ident d",
		// So it does in the loops of a model, not in what an event does, where a name may be an argument.
		"a\nfor i {\nf(b\nx' = c\nd":          "Ident a|Op ;|Ident for|Ident i|Op {|Op ;|Ident f|Op (|Ident b|Op ;|Ident x|Prime '|Op =|Ident c|Op ;|Ident d",
		"a\nevent e {\nf(b\nx' = c\nd":        "Ident a|Op ;|Ident event|Ident e|Op {|Op ;|Ident f|Op (|Ident b|Ident x|Prime '|Op =|Ident c|Ident d",
		"for i { a }\nevent e {\nf(b\nx' = c": "Ident for|Ident i|Op {|Ident a|Op }|Op ;|Ident event|Ident e|Op {|Op ;|Ident f|Op (|Ident b|Ident x|Prime '|Op =|Ident c",
	} {
		names := map[any]string{}
		for name, typ := range rules.Symbols() {
			names[typ] = name
		}
		diags := &diag.List{}
		var got []string
		for _, tok := range lex(diag.NewSource("t.node", text), diags).tokens {
			got = append(got, names[tok.Type]+" "+tok.Value)
		}
		require.NoError(t, diags.Err(), text)
		require.Equal(t, want, strings.Join(got, "|"), text)
	}
}

func TestExpressions(t *testing.T) {
	for text, want := range map[string]string{
		"-x^2":                                "(-(x ^ 2))",
		"2^-3^2":                              "(2 ^ (-(3 ^ 2)))",
		"a^b^c":                               "(a ^ (b ^ c))",
		"a - b - c":                           "((a - b) - c)",
		"a / b * c":                           "((a / b) * c)",
		"a + b * c @ d":                       "(a + ((b * c) @ d))",
		"not a == b and c or d":               "(((not (a == b)) and c) or d)",
		"not not a":                           "(not (not a))",
		"a < b or c >= d and e != f":          "((a < b) or ((c >= d) and (e != f)))",
		"-a * b":                              "((-a) * b)",
		"a * -b ^ c":                          "(a * (-(b ^ c)))",
		"- -a":                                "(-(-a))",
		"+a + +b":                             "(a + b)",
		"if a < b then c else d + 1":          "(if (a < b) then c else (d + 1))",
		"if a then b else if c then d else e": "(if a then b else (if c then d else e))",
		"1 + if a then b else c * 2":          "(1 + (if a then b else (c * 2)))",
		"x[1:3] + x[:2] @ A[i, j] - x[n-1:] * x[:][0]": "(((x[1:3]) + ((x[:2]) @ (A[i,j]))) - ((x[(n - 1):]) * ((x[:])[0])))",
		"f(x', left.θ'')[2]":                           "(f(x',left.θ'')[2])",
		"x[0]'":                                        "(x'[0])",
		"9.81 [m/s^2] * 1e-3":                          "(9.81 [m/s^2] * 1e-3)",
		"3 [1/yr] + 4 [%] + 5 [1]":                     "((3 [1/yr] + 4 [%]) + 5 [1])",
		"2 [J/(mol*K)] + 1 [m^(1/2)*s^-2]":             "(2 [J/mol/K] + 1 [m^(1/2)/s^2])",
		"(3)[0]":                                       "(3[0])",
		"[1, [2, 3],]":                                 "[1,[2,3]]",
		"true and not false":                           "(true and (not false))",
		`"a\tb"`:                                       `"a\tb"`,
		"f()":                                          "f()",
		"(a + b) * c":                                  "((a + b) * c)",
		"sum(\n  a,\n  b\n) +\n c":                     "(sum(a,b) + c)",
	} {
		require.Equal(t, want, explicit(parseIn(t, "let y = "+text)[0].(*LetDecl).Value), text)
	}
}

// explicit writes an expression with all its parentheses.
func explicit(x Expr) string {
	list := func(xs []Expr) string {
		parts := make([]string, len(xs))
		for i, x := range xs {
			parts[i] = explicit(x)
		}
		return strings.Join(parts, ",")
	}
	switch x := x.(type) {
	case nil:
		return ""
	case *Paren:
		return explicit(x.X)
	case *Unary:
		return "(" + x.Op + strings.Repeat(" ", len(x.Op)/3) + explicit(x.X) + ")"
	case *Binary:
		return "(" + explicit(x.X) + " " + x.Op + " " + explicit(x.Y) + ")"
	case *Cond:
		return "(if " + explicit(x.If) + " then " + explicit(x.Then) + " else " + explicit(x.Else) + ")"
	case *Call:
		return explicit(x.Fun) + "(" + list(x.Args) + ")"
	case *IndexExpr:
		parts := make([]string, len(x.Index))
		for i, r := range x.Index {
			parts[i] = explicit(r.Lo) + strings.Repeat(":", map[bool]int{true: 1}[r.Colon]) + explicit(r.Hi)
		}
		return "(" + explicit(x.X) + "[" + strings.Join(parts, ",") + "])"
	case *Array:
		return "[" + list(x.Elems) + "]"
	}
	return FormatExpr(x)
}

// TestClauses: the clauses of parameters and events stand in any order.
func TestClauses(t *testing.T) {
	for text, want := range map[string]string{
		"param x = 1 fixed": "param x fixed = 1",
		"param x fixed = 1": "param x fixed = 1",
		"param k: 1/s ~ normal(0, 1) per ball, drop in (0, inf] = 2": "param k: 1/s in (0, inf] per ball, drop = 2 ~ normal(0, 1)",
		"param L: in in (0, 1)":                                        "param L: in in (0, 1)",
		"event e at τ = 3 at start { }":                                "event e at τ = 3 at start { }",
		"event e when a at start late after 2 priority 1 { }":          "event e when a priority 1 after 2 late at start { }",
		"event e(a: mg, b) on data persistent { x := a }":              "event e(a: mg, b) on data persistent { x := a }",
		"event e every p from a until b late { zeno stop; terminate }": "event e every p from a until b late { zeno stop; terminate }",
		"event e on observation of left.y { θ'[0] := 1; x[1]' := 2 }":  "event e on observation of left.y { θ[0]' := 1; x[1]' := 2 }",
		"event e with rate λ(x) after late late { }":                   "event e with rate λ(x) after late late { }",
		"state θ: rad = 0.3, θ' = 0":                                   "state θ: rad = 0.3, θ' = 0",
		"state θ = θ' = 1":                                             "state θ = θ' = 1",
		"input u[2]: V hold":                                           "input u[2]: V hold",
		"input u: V = sin(t)":                                          "input u: V = sin(t)",
		"neural f(x[3]: m) -> 1":                                       "neural f(x[3]: m) -> 1",
		"p'[0] = x[0]'":                                                "p[0]' = x'[0]",
		"state state = late' + at":                                     "state state = late' + at",
		"state' = -state":                                              "state' = -state",
		"for i in 0..n-1 { x[i+1]' = x[i - 1] }":                       "for i in 0..n-1 {\n    x[i+1]' = x[i-1]\n  }",
	} {
		f := parse(t, "model M { "+text+" }")
		require.Equal(t, "model M {\n  "+want+"\n}\n", string(Format(f)), text)
	}
}

func TestData(t *testing.T) {
	f := parse(t, `data d from "a.csv" {
  time: t; trajectory: [ball, "run no"], h: height.cm [cm]
  dose: { amount: AMT [mg], where: EVID == 1 }
  train: drop == 1 or drop > 3
}`)
	items := f.Decls[0].(*DataDecl).Items
	require.Len(t, items, 5)
	require.Equal(t, "run no", items[1].Columns[1].Name)
	require.True(t, items[1].List)
	require.Equal(t, "height.cm", items[2].Columns[0].Name)
	require.Equal(t, "cm", FormatUnit(items[2].Columns[0].Unit))
	require.Len(t, items[3].Group, 2)
	require.Equal(t, "EVID == 1", FormatExpr(items[3].Group[1].Expr))
	require.NotNil(t, items[4].Expr)
}

func TestSettings(t *testing.T) {
	f := parse(t, `fit {
  optimizer: adam { lr: 0.01 }
    then lbfgs
  curriculum: horizon from 0.2 to 1 over 100 epochs, weights: { h: 2 }
  stop: { }
}`)
	o := f.Decls[0].(*SettingsDecl).Options
	require.Len(t, o, 4)
	require.Equal(t, "lbfgs", FormatExpr(o[0].Value.Then.Expr))
	require.Len(t, o[1].Value.Clauses, 3)
	require.Equal(t, "epochs", o[1].Value.Clauses[2].Suffix)
	require.Equal(t, "h", o[2].Value.Block[0].Name.Name)
	require.NotNil(t, o[3].Value.Block)
}

func TestDocs(t *testing.T) {
	f := parse(t, `## The model,
##  indented.
model M {  ## no doc
  ## first
  state a; state b  ## behind
  state c
  ## blank line below

  state d
  # plain
  ## eta
  state e
}`)
	m := f.Decls[0].(*ModelDecl)
	require.Equal(t, "The model,\n indented.", m.Doc)
	var docs []string
	for _, d := range m.Body {
		docs = append(docs, d.(*StateDecl).Doc)
	}
	require.Equal(t, []string{"first", "", "", "", "eta"}, docs)
}

// TestSpans: every node covers exactly its own text.
func TestSpans(t *testing.T) {
	text := "model M {  # c\n  param k: N/m in (0, inf) = 10 ~ normal(1, 2)   # trailing\n\n  x[1]' = a  # inside (\n    + f(b)  # more\n" +
		"  event e at t = 2 late {\n    v := -1 [m]\n    zeno rest { h := 0 }  # end\n  }\n}\nfit { opt: adam { lr: 1 } then sgd  # s\n}\n"
	text = strings.Replace(text, "a  # inside (\n    + f(b)", "a + f(b)", 1)
	body := parse(t, text).Decls[0].(*ModelDecl).Body
	param, eq, ev := body[0].(*ParamDecl), body[1].(*EquationDecl), body[2].(*EventDecl)
	for want, n := range map[string]Node{
		"param k: N/m in (0, inf) = 10 ~ normal(1, 2)": param,
		"(0, inf)":             param.Interval,
		"N/m":                  param.Type.Unit,
		"normal(1, 2)":         param.Prior,
		"x[1]' = a + f(b)":     eq,
		"x":                    eq.Target,
		"a + f(b)":             eq.Value,
		"at t = 2":             ev.Trigger,
		"v := -1 [m]":          ev.Body[0],
		"zeno rest { h := 0 }": ev.Body[1],
	} {
		require.Equal(t, want, n.Span().Text())
	}
	require.Equal(t, "+", eq.Value.(*Binary).OpSp.Text())
	require.True(t, strings.HasPrefix(ev.Span().Text(), "event e") && strings.HasSuffix(ev.Span().Text(), "# end\n  }"))
	opt := parse(t, text).Decls[1].(*SettingsDecl).Options[0]
	require.Equal(t, "opt: adam { lr: 1 } then sgd", opt.Span().Text())
	require.Equal(t, "adam { lr: 1 } then sgd", opt.Value.Span().Text())
	require.Equal(t, "lr: 1", opt.Value.Block[0].Span().Text())
}

var comment = regexp.MustCompile(`(#.*)?\n`)

// TestEveryNodeHasAPlace walks the trees of all models.
func TestEveryNodeHasAPlace(t *testing.T) {
	for _, name := range modelFiles(t) {
		f := parse(t, read(t, name))
		for _, d := range f.Decls {
			walkNodes(reflect.ValueOf(d), func(n Node) {
				s := n.Span()
				if id, ok := n.(*Ident); ok && id.Name == "" {
					return // was not written
				}
				require.NotNil(t, s.Src, "%T in %s", n, name)
				require.Less(t, s.Start, s.End, "%T in %s", n, name)
				require.Equal(t, strings.TrimSpace(s.Text()), s.Text(), "%T in %s", n, name)
				if s.Text() == "exact" {
					return // a distribution is written without parentheses where it has no parameters
				}
				if _, isExpr := n.(Expr); isExpr {
					again := parseIn(t, "let y = "+comment.ReplaceAllString(s.Text(), " "))[0].(*LetDecl).Value
					require.Equal(t, reflect.TypeOf(n), reflect.TypeOf(again), "%q", s.Text())
				}
			})
		}
	}
}

func walkNodes(v reflect.Value, visit func(Node)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walkNodes(v.Elem(), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkNodes(v.Index(i), visit)
		}
	case reflect.Struct:
		if v.Type() == atType || v.Type() == spanType || v.Type() == positionType {
			return
		}
		if n, ok := v.Addr().Interface().(Node); ok {
			visit(n)
		}
		for i := range v.NumField() {
			walkNodes(v.Field(i), visit)
		}
	}
}

// TestDepth: whatever nests deeply ends in a positioned error, not in a full
// stack.
func TestDepth(t *testing.T) {
	const n = 20_000
	for _, text := range []string{
		"model M { let a = " + strings.Repeat("(", n) + " }",
		"model M { let a = " + strings.Repeat("-", n) + "x }",
		"model M { let a = " + strings.Repeat("not ", n) + "x }",
		"model M { let a = " + strings.Repeat("[", n) + "x }",
		"model M { let a = " + strings.Repeat("f(", n) + "x }",
		"model M { let a = " + strings.Repeat("x^", n) + "x }",
		"model M { let a = " + strings.Repeat("x+", n) + "x }",
		"model M { let a = x" + strings.Repeat("[0]", n) + " }",
		"model M { let a = " + strings.Repeat("if a then b else ", n) + "x }",
		"model M { let a = 1 [" + strings.Repeat("(", n) + "m] }",
		"model M { " + strings.Repeat("for i in 0..1 {", n) + strings.Repeat("}", n) + " }",
		"model M { " + strings.Repeat("for i in 0..1 {", n),
		"fit { a: " + strings.Repeat("a then ", n) + "b }",
		"fit { " + strings.Repeat("a: {", n) + strings.Repeat("}", n) + " }",
	} {
		_, diags := Parse(diag.NewSource("t.node", text))
		require.Error(t, diags.Err(), text[:40])
		require.Less(t, len(diags.All), maxErrors+2, text[:40])
	}
	// What there is too much of is said, and what helps.
	for text, want := range map[string][2]string{
		strings.Repeat("x + ", 2*maxChain) + "x":      {"more than 5000 operators in a row", "name the parts with `let`"},
		strings.Repeat("x < y or ", 2*maxChain) + "x": {"more than 5000 operators in a row", "name the parts with `let`"},
		"x" + strings.Repeat("[0]", 2*maxChain):       {"more than 5000 indices in a row", ""},
		strings.Repeat("(", maxNesting+1) + "x":       {"the expression nests deeper than 200", "name its parts with `let`"},
	} {
		_, diags := Parse(diag.NewSource("t.node", "model M {\n  let a = "+text+"\n}\n"))
		require.NotEmpty(t, diags.All, want)
		require.Equal(t, want, [2]string{diags.All[0].Message, diags.All[0].Help})
	}
	// What is within the limits is printed and read again.
	long := "model M {\n  let a = " + strings.Repeat("x + ", maxChain) + "x\n}\n"
	require.Equal(t, long, string(Format(parse(t, long))))
}

// TestLarge: a file of some megabytes is read.
func TestLarge(t *testing.T) {
	var b strings.Builder
	b.WriteString("model M {\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "  ## state number %d\n  state x%d: m = 1.5 [m]  # comment\n", i, i)
	}
	b.WriteString("}\n")
	require.Greater(t, b.Len(), 1<<20)
	f := parse(t, b.String())
	require.Equal(t, "state number 19999", f.Decls[0].(*ModelDecl).Body[19_999].(*StateDecl).Doc)
	require.Equal(t, b.String(), string(Format(f)))

	_, diags := Parse(diag.NewSource("t.node", strings.Repeat("x", maxSource+1)))
	require.Equal(t, "too-large", diags.All[0].Code)
}

func BenchmarkParse(b *testing.B) {
	var s strings.Builder
	s.WriteString("model M {\n")
	for i := range 10_000 {
		fmt.Fprintf(&s, "  ## state %d\n  state x%d: m = 1.5 [m]  # comment\n  x%d' = -k*(x%d - x0)^2 + f(x%d, t)\n", i, i, i, i, i)
	}
	s.WriteString("}\n")
	b.SetBytes(int64(s.Len()))
	for b.Loop() {
		parse(b, s.String())
	}
}

// TestConcurrent: files are parsed side by side.
func TestConcurrent(t *testing.T) {
	text := read(t, "testdata/language.node")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			f, diags := Parse(diag.NewSource("t.node", text))
			require.NoError(t, diags.Err())
			require.NotEmpty(t, Format(f))
		})
	}
	wg.Wait()
}
