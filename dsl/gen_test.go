package dsl

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	_ "github.com/pinode/pinode/internal/testseed"
)

// Generators of syntax trees without a source. Names include the words of
// clauses and declarations, which are no keywords inside of expressions.

func genIdent() *rapid.Generator[Ident] {
	return rapid.Custom(func(t *rapid.T) Ident {
		return Ident{Name: rapid.SampledFrom([]string{
			"x", "θ", "k_1", "_a", "λ₀", "state", "fixed", "per", "late", "at", "start", "from", "priority", "of", "data", "rate", "terminate", "zeno",
		}).Draw(t, "name")}
	})
}

func genName(primes int) *rapid.Generator[*Name] {
	return rapid.Custom(func(t *rapid.T) *Name {
		n := &Name{Name: genIdent().Draw(t, "name").Name, Primes: rapid.IntRange(0, primes).Draw(t, "primes")}
		if rapid.IntRange(0, 4).Draw(t, "dotted") == 0 {
			n.Name += "." + genIdent().Draw(t, "part").Name
		}
		return n
	})
}

func genUnit() *rapid.Generator[*UnitExpr] {
	return rapid.Custom(func(t *rapid.T) *UnitExpr {
		u := &UnitExpr{}
		for range rapid.IntRange(0, 3).Draw(t, "factors") {
			u.Factors = append(u.Factors, UnitFactor{
				Name: rapid.SampledFrom([]string{"m", "s", "kg", "%", "in", "µm"}).Draw(t, "unit"),
				Num:  rapid.IntRange(-3, 3).Draw(t, "num"),
				Den:  rapid.IntRange(1, 3).Draw(t, "den"),
			})
		}
		return u
	})
}

func maybe[T any](t *rapid.T, g *rapid.Generator[T]) (x T) {
	if rapid.Bool().Draw(t, "given") {
		x = g.Draw(t, "value")
	}
	return x
}

func genNumber() *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		n := &NumberLit{Text: rapid.SampledFrom([]string{"0", "1", "2.5", ".5", "1e-3", "3E+7", "007"}).Draw(t, "number")}
		n.Value, _ = strconv.ParseFloat(n.Text, 64)
		n.Unit = maybe(t, genUnit())
		return n
	})
}

func genExpr(depth int) *rapid.Generator[Expr] {
	leaf := rapid.OneOf(
		genNumber(),
		rapid.Map(genName(2), func(n *Name) Expr { return n }),
		rapid.Map(rapid.Bool(), func(b bool) Expr { return &BoolLit{Value: b} }),
	)
	if depth == 0 {
		return leaf
	}
	sub := rapid.Deferred(func() *rapid.Generator[Expr] { return genExpr(depth - 1) })
	ops := slices.Sorted(maps.Keys(binding))
	return rapid.OneOf(
		leaf,
		rapid.Custom(func(t *rapid.T) Expr {
			return &Binary{Op: rapid.SampledFrom(ops).Draw(t, "op"), X: sub.Draw(t, "x"), Y: sub.Draw(t, "y")}
		}),
		rapid.Custom(func(t *rapid.T) Expr {
			return &Unary{Op: rapid.SampledFrom([]string{"-", "not"}).Draw(t, "op"), X: sub.Draw(t, "x")}
		}),
		rapid.Custom(func(t *rapid.T) Expr {
			return &Cond{If: sub.Draw(t, "if"), Then: sub.Draw(t, "then"), Else: sub.Draw(t, "else")}
		}),
		rapid.Map(genCall(depth-1), func(c *Call) Expr { return c }),
		rapid.Custom(func(t *rapid.T) Expr {
			return &IndexExpr{X: sub.Draw(t, "x"), Index: genIndex(depth-1).Draw(t, "index")}
		}),
		rapid.Custom(func(t *rapid.T) Expr { return &Array{Elems: rapid.SliceOfN(sub, 0, 3).Draw(t, "elems")} }),
		rapid.Custom(func(t *rapid.T) Expr { return &Paren{X: sub.Draw(t, "x")} }),
		rapid.Custom(func(t *rapid.T) Expr { return &StringLit{Value: rapid.String().Draw(t, "text")} }),
	)
}

func genCall(depth int) *rapid.Generator[*Call] {
	return rapid.Custom(func(t *rapid.T) *Call {
		return &Call{Fun: genName(1).Draw(t, "fun"), Args: rapid.SliceOfN(genExpr(depth), 0, 3).Draw(t, "args")}
	})
}

func genIndex(depth int) *rapid.Generator[[]Range] {
	one := rapid.Custom(func(t *rapid.T) Range {
		if rapid.Bool().Draw(t, "one") {
			return Range{Lo: genExpr(depth).Draw(t, "at")}
		}
		return Range{Colon: true, Lo: maybe(t, genExpr(depth)), Hi: maybe(t, genExpr(depth))}
	})
	return rapid.SliceOfN(one, 1, 2)
}

func genType() *rapid.Generator[Type] {
	return rapid.Custom(func(t *rapid.T) Type {
		return Type{Dims: rapid.SliceOfN(genExpr(1), 0, 2).Draw(t, "dims"), Unit: maybe(t, genUnit())}
	})
}

func genArgs() *rapid.Generator[[]Arg] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Arg {
		return Arg{Name: genIdent().Draw(t, "name"), Type: genType().Draw(t, "type")}
	}), 0, 3)
}

func genOptions(depth int) *rapid.Generator[[]*Option] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *Option {
		key := genIdent().Draw(t, "key")
		if rapid.IntRange(0, 4).Draw(t, "weights") == 0 {
			key.Name = rapid.SampledFrom([]string{"0", "12", "0.weight", "3.input"}).Draw(t, "layer")
		}
		return &Option{Name: key, Value: genValue(depth).Draw(t, "value")}
	}), 0, 3)
}

func genValue(depth int) *rapid.Generator[*Value] {
	return rapid.Custom(func(t *rapid.T) *Value {
		v := &Value{}
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 || kind != 0 {
			v.Expr = genExpr(2).Draw(t, "expr")
			if _, ok := v.Expr.(*NumberLit); ok && kind < 4 && kind > 1 {
				v.Suffix = "cells"
				return v
			}
			for range rapid.IntRange(0, 2).Draw(t, "clauses") {
				c := Clause{Word: rapid.SampledFrom([]string{"from", "to", "over"}).Draw(t, "word"), Expr: genExpr(1).Draw(t, "expr")}
				v.Clauses = append(v.Clauses, c)
			}
			if n := len(v.Clauses); n > 0 && rapid.Bool().Draw(t, "suffix") {
				v.Clauses[n-1].Suffix = "epochs"
			}
		}
		if depth > 0 && kind < 2 {
			v.Block = genOptions(depth-1).Draw(t, "block")
		}
		if depth > 0 && kind == 5 {
			v.Then = genValue(depth-1).Draw(t, "then")
		}
		return v
	})
}

func genAssign() *rapid.Generator[*Assign] {
	return rapid.Custom(func(t *rapid.T) *Assign {
		a := &Assign{Target: genName(1).Draw(t, "target"), Index: maybe(t, genIndex(1)), Add: rapid.Bool().Draw(t, "add"), Value: genExpr(2).Draw(t, "value")}
		a.Minus = a.Add && rapid.Bool().Draw(t, "minus")
		return a
	})
}

func genStmt() *rapid.Generator[Stmt] {
	return rapid.OneOf(
		rapid.Map(genAssign(), func(a *Assign) Stmt { return a }),
		rapid.Just[Stmt](&Terminate{Word: "terminate"}),
		rapid.Custom(func(t *rapid.T) Stmt {
			z := &Zeno{Mode: Ident{Name: rapid.SampledFrom([]string{"error", "stop", "pass", "rest"}).Draw(t, "mode")}}
			if z.Mode.Name == "rest" {
				z.Rest = rapid.SliceOfN(genAssign(), 0, 2).Draw(t, "rest")
			}
			return z
		}),
	)
}

func genEvent(t *rapid.T) Decl {
	expr := genExpr(2)
	e := &EventDecl{Name: genIdent().Draw(t, "name"), Body: rapid.SliceOfN(genStmt(), 0, 3).Draw(t, "body")}
	tr := &e.Trigger
	switch tr.Kind = TriggerKind(rapid.IntRange(0, 5).Draw(t, "kind")); tr.Kind {
	case TriggerAt:
		tr.Time, tr.Expr = genIdent().Draw(t, "time"), expr.Draw(t, "at")
	case TriggerEvery:
		tr.Expr, tr.From, tr.Until = expr.Draw(t, "every"), maybe(t, expr), maybe(t, expr)
	case TriggerOnObservation:
		tr.Of = maybe(t, genName(0))
	case TriggerOnData:
		e.Args = genArgs().Draw(t, "args")
	default:
		tr.Expr = expr.Draw(t, "trigger")
	}
	e.Priority, e.After = maybe(t, expr), maybe(t, expr)
	e.Late, e.Persistent, e.AtStart = rapid.Bool().Draw(t, "late"), rapid.Bool().Draw(t, "persistent"), rapid.Bool().Draw(t, "at start")
	return e
}

func genState(t *rapid.T) Decl {
	d := &StateDecl{Name: genIdent().Draw(t, "name"), Over: genOver(t), Type: genType().Draw(t, "type")}
	if rapid.Bool().Draw(t, "bounded") {
		d.Least = genExpr(2).Draw(t, "least")
	}
	for primes := range 3 {
		if rapid.Bool().Draw(t, "given") {
			in := StateInit{Primes: primes, Value: genExpr(2).Draw(t, "init")}
			if primes > 0 {
				in.Name = d.Name.Name
			}
			d.Inits = append(d.Inits, in)
		}
	}
	return d
}

func genOver(t *rapid.T) []Ident { return rapid.SliceOfN(genIdent(), 0, 3).Draw(t, "over") }

func genBoundary(t *rapid.T) Decl {
	if rapid.IntRange(0, 4).Draw(t, "periodic") == 0 {
		return &BoundaryDecl{Periodic: rapid.SliceOfN(genIdent(), 1, 3).Draw(t, "coordinates")}
	}
	side := rapid.Custom(func(t *rapid.T) BoundarySide {
		return BoundarySide{Axis: genIdent().Draw(t, "axis"), End: genExpr(2).Draw(t, "end"), Where: maybe(t, genExpr(2))}
	})
	return &BoundaryDecl{Left: genExpr(2).Draw(t, "left"), Right: genExpr(2).Draw(t, "right"), Sides: rapid.SliceOfN(side, 1, 3).Draw(t, "sides")}
}

func genParam(t *rapid.T) Decl {
	d := &ParamDecl{Name: genIdent().Draw(t, "name"), Type: genType().Draw(t, "type"), Fixed: rapid.Bool().Draw(t, "fixed")}
	d.Per = rapid.SliceOfN(genIdent(), 0, 2).Draw(t, "per")
	d.Init, d.Prior = maybe(t, genExpr(2)), maybe(t, genCall(1))
	d.Interval = genInterval(t)
	return d
}

func genInterval(t *rapid.T) *Interval {
	if !rapid.Bool().Draw(t, "interval") {
		return nil
	}
	return &Interval{
		LoOpen: rapid.Bool().Draw(t, "lo open"), HiOpen: rapid.Bool().Draw(t, "hi open"),
		Lo: genExpr(1).Draw(t, "lo"), Hi: genExpr(1).Draw(t, "hi"),
	}
}

// genInModel makes a declaration of any kind that stands in a model.
func genInModel(depth int) *rapid.Generator[Decl] {
	expr, options := genExpr(3), genOptions(2)
	ident := func(t *rapid.T) Ident { return genIdent().Draw(t, "name") }
	typ := func(t *rapid.T) Type { return genType().Draw(t, "type") }
	kinds := []func(*rapid.T) Decl{
		genEvent, genState, genParam, genUnitDecl, genBoundary,
		func(t *rapid.T) Decl {
			iv := genInterval(t)
			for iv == nil {
				iv = genInterval(t)
			}
			return &CoordinateDecl{Name: ident(t), Unit: maybe(t, genUnit()), Interval: iv}
		},
		func(t *rapid.T) Decl {
			return &TimeDecl{Name: ident(t), Unit: maybe(t, genUnit()), Interval: genInterval(t)}
		},
		func(t *rapid.T) Decl { return &ConstDecl{Name: ident(t), Type: typ(t), Value: expr.Draw(t, "value")} },
		func(t *rapid.T) Decl {
			return &ConstDecl{Name: ident(t), Type: typ(t), From: &StringLit{Value: "a/b c.csv"}}
		},
		func(t *rapid.T) Decl { return &CovariateDecl{Name: ident(t), Type: typ(t)} },
		func(t *rapid.T) Decl {
			return &InputDecl{Name: ident(t), Type: typ(t), Interp: maybe(t, genIdent()), Value: maybe(t, expr)}
		},
		func(t *rapid.T) Decl { return &AugmentDecl{Name: ident(t), Type: typ(t), Init: maybe(t, expr)} },
		func(t *rapid.T) Decl {
			return &AlgebraicDecl{Name: ident(t), Over: genOver(t), Type: typ(t), Init: maybe(t, expr)}
		},
		func(t *rapid.T) Decl { return &StartDecl{How: ident(t), Options: maybe(t, options)} },
		func(t *rapid.T) Decl { return &ConstraintDecl{Value: expr.Draw(t, "value")} },
		func(t *rapid.T) Decl { return &DiscreteDecl{Name: ident(t), Type: typ(t), Init: maybe(t, expr)} },
		func(t *rapid.T) Decl { return &LetDecl{Name: ident(t), Type: typ(t), Value: expr.Draw(t, "value")} },
		func(t *rapid.T) Decl {
			return &FnDecl{Name: ident(t), Args: genArgs().Draw(t, "args"), Result: typ(t), Body: expr.Draw(t, "body")}
		},
		func(t *rapid.T) Decl {
			return &NeuralDecl{Name: ident(t), Args: genArgs().Draw(t, "args"), Result: typ(t), Options: maybe(t, options)}
		},
		func(t *rapid.T) Decl {
			n := genName(1).Draw(t, "target")
			n.Primes++
			return &EquationDecl{Target: n, Index: maybe(t, genIndex(1)), Value: expr.Draw(t, "value")}
		},
		func(t *rapid.T) Decl {
			return &ConserveDecl{Name: ident(t), Value: expr.Draw(t, "value"), Options: maybe(t, options)}
		},
		func(t *rapid.T) Decl { return &RequireDecl{Cond: expr.Draw(t, "cond"), Options: maybe(t, options)} },
		func(t *rapid.T) Decl {
			d := &ObserveDecl{Name: ident(t), Type: typ(t), Value: maybe(t, expr), Options: maybe(t, options)}
			if d.Value != nil {
				if d.When = maybe(t, expr); d.When != nil {
					d.Time = ident(t)
				}
				d.Dist = maybe(t, genCall(1))
			}
			return d
		},
		func(t *rapid.T) Decl {
			return &LossDecl{Name: ident(t), Value: expr.Draw(t, "value"), Where: maybe(t, expr), Options: maybe(t, options)}
		},
		func(t *rapid.T) Decl {
			d := &DrawDecl{Name: ident(t), Type: typ(t), Dist: genCall(1).Draw(t, "dist"), Options: maybe(t, options)}
			for range rapid.IntRange(0, 2).Draw(t, "keys") {
				d.Per = append(d.Per, ident(t))
			}
			return d
		},
		func(t *rapid.T) Decl {
			return &UseDecl{Model: ident(t), As: ident(t), Backward: rapid.Bool().Draw(t, "backward"), Options: maybe(t, options)}
		},
	}
	if depth > 0 {
		kinds = append(kinds, func(t *rapid.T) Decl {
			return &ForDecl{
				Var: ident(t), Lo: genExpr(1).Draw(t, "lo"), Hi: genExpr(1).Draw(t, "hi"),
				Body: rapid.SliceOfN(genInModel(depth-1), 0, 2).Draw(t, "body"),
			}
		})
	}
	return rapid.Custom(func(t *rapid.T) Decl { return rapid.SampledFrom(kinds).Draw(t, "kind")(t) })
}

func genUnitDecl(t *rapid.T) Decl {
	return &UnitDecl{Name: genIdent().Draw(t, "name"), Value: maybe(t, genNumber())}
}

func genDataItem(depth int) *rapid.Generator[*DataItem] {
	column := rapid.Custom(func(t *rapid.T) Column {
		name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"x", "a.b", "in", "then"}))
		return Column{Name: name.Draw(t, "name"), Unit: maybe(t, genUnit())}
	})
	return rapid.Custom(func(t *rapid.T) *DataItem {
		key := genIdent().Filter(func(k Ident) bool { return k.Name != "from" }) // it is drawn below
		d := &DataItem{Key: key.Draw(t, "key")}
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 5 && depth > 0:
			d.Key.Name = "join"
			d.File = &StringLit{Value: rapid.String().Draw(t, "file")}
			d.List = rapid.Bool().Draw(t, "list")
			d.Columns = []Column{column.Draw(t, "by")}
		case kind == 4 && depth > 0:
			d.Key.Name = "from"
			switch rapid.IntRange(0, 2).Draw(t, "from") {
			case 0:
				d.FirstRow = true
			case 1:
				d.Expr = genNumber().Draw(t, "number")
			default:
				d.Columns = []Column{column.Draw(t, "column")}
			}
		case kind == 0:
			d.Key.Name = "train"
			d.Expr = genExpr(2).Draw(t, "rows")
		case kind == 1 && depth > 0:
			d.Group = rapid.SliceOfN(genDataItem(depth-1), 0, 3).Draw(t, "group")
		case kind == 2:
			d.List = true
			d.Columns = rapid.SliceOfN(column, 1, 3).Draw(t, "columns")
		default:
			d.Columns = []Column{column.Draw(t, "column")}
		}
		return d
	})
}

// genFile makes a file of any declarations.
func genFile() *rapid.Generator[*File] {
	top := rapid.Custom(func(t *rapid.T) Decl {
		switch rapid.IntRange(0, 5).Draw(t, "top") {
		case 0:
			return &DataDecl{
				Name: genIdent().Draw(t, "name"), Path: StringLit{Value: rapid.String().Draw(t, "path")},
				Items: rapid.SliceOfN(genDataItem(1), 0, 4).Draw(t, "items"),
			}
		case 1:
			word := rapid.SampledFrom([]string{"fit", "simulate"}).Draw(t, "word")
			return &SettingsDecl{Keyword: Ident{Name: word}, Options: genOptions(3).Draw(t, "options")}
		case 2:
			return genUnitDecl(t)
		}
		return &ModelDecl{Name: genIdent().Draw(t, "name"), Body: rapid.SliceOfN(genInModel(2), 0, 4).Draw(t, "body")}
	})
	return rapid.Map(rapid.SliceOfN(top, 0, 3), func(decls []Decl) *File { return &File{Decls: decls} })
}

// TestGeneratorDrawsEverything: each field of each type of the syntax tree that random
// files are made of is set in some of them. Without that the round trip through the
// formatter would not see that a field is not printed.
func TestGeneratorDrawsEverything(t *testing.T) {
	ofTheSource := []string{"At", "OpSp", "Documented", "Source", "Comments"} // random files have none
	set := map[string]bool{}
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				f := v.Type().Field(i)
				if !f.IsExported() || slices.Contains(ofTheSource, f.Name) {
					continue
				}
				name := v.Type().Name() + "." + f.Name
				set[name] = set[name] || !v.Field(i).IsZero()
				visit(v.Field(i))
			}
		}
	}
	g := genFile()
	for seed := range 2000 {
		visit(reflect.ValueOf(g.Example(seed)))
	}
	var never []string
	for name, some := range set {
		if !some {
			never = append(never, name)
		}
	}
	slices.Sort(never)
	require.Empty(t, never)
}
