package loss

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestRoomOfManyRows prepares the residuals of rows of a table, each a trajectory with an offset of its
// own, whose network has many weights: the room is that of the rows, not of rows times weights.
// Their derivatives are those of the loss.
func TestRoomOfManyRows(t *testing.T) {
	const rows, hidden = 400, 30
	var table strings.Builder
	table.WriteString("id,t,v,y\n")
	for i := range rows {
		fmt.Fprintf(&table, "%d,0.5,%g,%g\n", i, float64(i)/rows, float64(i%7)/7)
	}
	o, x := objective(t, fmt.Sprintf(`model M {
  covariate v
  param b per id = 0.1
  param c = 0.3
  state z = v
  neural f(z) -> 1 { hidden: [%d, %d] }
  z' = f(z)
  observe y = c*f(z) + b ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: id, y: y, v: v }
`, hidden, hidden), table.String(), "auto")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, why, err := NewSquares(o)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Empty(t, why)
	const weights = hidden + hidden + hidden*hidden + hidden + hidden + 1
	require.Equal(t, rows+1+weights, o.Dim())
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(rows*weights*16))

	r, jac, grad := make([]float64, s.Rows()), mat.NewDense(s.Rows(), o.Dim(), nil), make([]float64, o.Dim())
	_, err = s.Residuals(context.Background(), x, 1, r, jac)
	require.NoError(t, err)
	res, err := o.Eval(context.Background(), x, nil, 1, grad)
	require.NoError(t, err)
	var g mat.VecDense
	g.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	for i, v := range grad {
		require.InDelta(t, v*float64(res.Values), g.AtVec(i), 1e-6, i)
	}
}
