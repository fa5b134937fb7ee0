package setting_test

import (
	"testing"

	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/setting"
	"github.com/stretchr/testify/require"
)

// TestOwners checks the tables that packages publish.
func TestOwners(t *testing.T) {
	require.NoError(t, nn.Settings.Verify())
	one := func(name string) []setting.Choice { return []setting.Choice{{Name: name}} }
	require.NoError(t, fit.Settings(fit.Owned{Solver: one("tsit5"), Gradient: one("auto")}).Verify())
}
