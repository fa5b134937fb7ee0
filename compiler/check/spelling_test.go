package check

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSpellings: a name that is no unit leads to one that is, and what is proposed to be declared can be.
func TestSpellings(t *testing.T) {
	const model = "model M {\n  time t: s\n  state x = 1\n  param q: %s = 1\n  x' = -x/1 [s]\n  let p = q*0/1 [%s]\n}\n"
	for other, name := range spellings {
		if other == "°" { // is no word
			continue
		}
		_, diags := checkText(t, fmt.Sprintf(model, other, other))
		require.Error(t, diags.Err(), other)
		require.Equal(t, fmt.Sprintf("did you mean `%s`?", name), diags.All[0].Help, other)
		_, diags = checkText(t, fmt.Sprintf(model, name, name))
		require.NoError(t, diags.Err(), name)
	}
	for name, meant := range foreign {
		_, diags := checkText(t, fmt.Sprintf(model, name, name))
		declaration := fmt.Sprintf("unit %s = %s", name, meant)
		require.Equal(t, fmt.Sprintf("say which is meant, for instance `%s`", declaration), diags.All[0].Help)
		_, diags = checkText(t, declaration+"\n"+fmt.Sprintf(model, name, name))
		require.NoError(t, diags.Err(), declaration)
	}
}
