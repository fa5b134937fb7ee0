package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPages runs the pages that show commands with their output: models and tables are the
// blocks that have a file's name, a line that begins with `$ pinode` is a command, and what
// stands below it is what it prints, but for … (anything), up to the exit code if that is not 0.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("whole fits")
	}
	docs, err := filepath.Abs("../../docs")
	require.NoError(t, err)
	for _, name := range []string{"tutorial", "simulating", "advice"} {
		t.Run(name, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(docs, name+".md"))
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			tables, err := filepath.Glob(filepath.Join(docs, name, "*.csv"))
			require.NoError(t, err)
			for _, path := range tables {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Base(path), text, 0o600))
			}
			commands := 0
			for _, block := range regexp.MustCompile("(?ms)^```(\\w*) ?(\\S*)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
				switch {
				case block[2] != "":
					require.NoError(t, os.WriteFile(block[2], []byte(block[3]), 0o600))
				case strings.HasPrefix(block[3], "$ "):
					for _, shown := range strings.Split(block[3], "$ ")[1:] {
						commands++
						command, want, _ := strings.Cut(shown, "\n")
						requireShown(t, command, want)
					}
				}
			}
			require.Greater(t, commands, 3)
		})
	}
}

// requireShown runs a command that a page shows, and compares.
func requireShown(t *testing.T, command, want string) {
	t.Helper()
	args := strings.Fields(command)
	require.Equal(t, "pinode", args[0], command)
	exit := 0
	if m := regexp.MustCompile(`(?m)^exit (\d+)\n`).FindStringSubmatch(want); m != nil {
		exit, _ = strconv.Atoi(m[1])
		want = strings.Replace(want, m[0], "", 1)
	}
	var out, errs strings.Builder
	require.Equal(t, exit, run(append([]string{"--no-color"}, args[1:]...), &out, &errs), "%s: %s", command, errs.String())
	got := out.String()
	if exit != 0 {
		got = errs.String()
	}
	if want = strings.TrimSpace(want); want == "" {
		return
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", "(?s:.*)")
	pattern = strings.ReplaceAll(pattern, "0 (?s:.*) ", "0 … ") // a range of the program's own
	require.Regexp(t, `^\s*`+pattern+`\s*$`, got, command)
}
