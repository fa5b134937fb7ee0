package problem

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
)

// Conditions over the columns of a row of data.

// rowCondition makes a function of a condition over the columns of a row.
func rowCondition(x *check.RowExpr) func(data.Row) (bool, error) {
	if x == nil {
		return nil
	}
	return func(r data.Row) (bool, error) {
		v, err := evalRow(x, x.Expr, r)
		if err != nil {
			return false, err
		}
		return v.isNumber && v.num != 0 && !math.IsNaN(v.num), nil
	}
}

// cell is a value in a row's condition.
type cell struct {
	text     string
	num      float64
	isNumber bool
}

func truth(b bool) cell {
	if b {
		return cell{num: 1, isNumber: true}
	}
	return cell{isNumber: true}
}

// evalRow evaluates a part x of a condition.
func evalRow(c *check.RowExpr, x dsl.Expr, r data.Row) (cell, error) {
	switch x := x.(type) {
	case *dsl.NumberLit:
		v := x.Value
		if f, ok := c.Factors[x]; ok {
			v *= f
		}
		return cell{num: v, isNumber: true, text: x.Text}, nil
	case *dsl.StringLit:
		return cell{text: x.Value}, nil
	case *dsl.BoolLit:
		return truth(x.Value), nil
	case *dsl.Paren:
		return evalRow(c, x.X, r)
	case *dsl.Name:
		text, num, ok, err := r.Cell(x.Name)
		return cell{text, num, ok}, err
	case *dsl.Unary:
		v, err := evalRow(c, x.X, r)
		if x.Op == "not" {
			return truth(v.num == 0), err
		}
		v.num = -v.num
		return v, err
	case *dsl.Binary:
		a, err := evalRow(c, x.X, r)
		if err != nil {
			return a, err
		}
		b, err := evalRow(c, x.Y, r)
		if err != nil {
			return b, err
		}
		both := a.isNumber && b.isNumber
		switch x.Op {
		case "==":
			return truth(both && a.num == b.num || !both && a.text == b.text), nil
		case "!=":
			return truth(both && a.num != b.num || !both && a.text != b.text), nil
		case "and":
			return truth(a.num != 0 && b.num != 0), nil
		case "or":
			return truth(a.num != 0 || b.num != 0), nil
		}
		if !both {
			return a, &data.Error{File: x.Span().Pos().String(), Text: fmt.Sprintf("`%s` compares a text with a number", dsl.FormatExpr(x))}
		}
		switch x.Op {
		case "<":
			return truth(a.num < b.num), nil
		case "<=":
			return truth(a.num <= b.num), nil
		case ">":
			return truth(a.num > b.num), nil
		case ">=":
			return truth(a.num >= b.num), nil
		case "+":
			a.num += b.num
		case "-":
			a.num -= b.num
		case "*":
			a.num *= b.num
		case "/":
			a.num /= b.num
		}
		return a, nil
	}
	return cell{}, &data.Error{File: x.Span().Pos().String(), Text: fmt.Sprintf("`%s` cannot stand in a condition on rows", dsl.FormatExpr(x))}
}
