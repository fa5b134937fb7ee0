package pinode

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEventsPage: every model of docs/events.md runs, and has its picture.
func TestEventsPage(t *testing.T) {
	page, err := os.ReadFile("docs/events.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```node\n(.*?)```\n!\\[[^\\]]*\\]\\(([^)]*)\\)").FindAllSubmatch(page, -1)
	require.Len(t, blocks, 11)
	for _, b := range blocks {
		m, err := Parse(string(b[2]), string(b[1]))
		require.NoError(t, err, "%s", b[2])
		_, err = m.Simulate()
		require.NoError(t, err, "%s", b[2])
		require.FileExists(t, "docs/"+string(b[2]))
	}
}
