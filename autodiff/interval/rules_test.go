package interval

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/ir"
)

// TestRules: every operation has a rule.
func TestRules(t *testing.T) {
	for op := ir.OpInvalid + 1; op < ir.NumOps; op++ {
		if op.Info().Class != ir.Leaf {
			require.NotNil(t, rules[op], "%s has no rule in autodiff/interval/rules.go", op)
		}
	}
}
