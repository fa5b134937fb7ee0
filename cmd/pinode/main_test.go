package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pinode": main})
}

// TestScripts runs the command as a user would; the scripts hold what it must
// print and the codes it must end with.
func TestScripts(t *testing.T) {
	// Commands begin with the signals as they usually are, also where the tests were started to ignore them.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(signals) }) // behind the scripts, which run side by side
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "ROOT="+root, "NO_COLOR=1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "cell": cell, "count": count, "field": field, "samecurves": sameCurves,
		},
	})
}

// exits CODE pinode … runs the command and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%v ended with %s, want %s", args[1:], got, args[0])
	}
}

// TestReadme runs every pinode command that the README shows as a set-up
// command, on the models it names.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	cmds := regexp.MustCompile(`(?m)^\$ (.*)$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, cmds, 2, "exactly two set-up commands")
	require.Equal(t, "go test ./...", cmds[1][1], "this test is what it runs")
	fields := strings.Fields(cmds[0][1])
	require.Equal(t, []string{"go", "run", "./cmd/pinode"}, fields[:3])
	if testing.Short() {
		t.Skip("a whole fit")
	}
	require.NoError(t, os.Chdir("../.."))
	defer func() { require.NoError(t, os.Chdir("cmd/pinode")) }()
	var out, errs strings.Builder
	dir := t.TempDir()
	args := append(fields[3:], "--out", filepath.Join(dir, "run"))
	require.Equal(t, exitDone, run(args, &out, &errs), errs.String())
	require.Regexp(t, `(?m)^verdict +converged, and meets the data; χ² 1\.0\d per value`, out.String())
	require.Regexp(t, `e +0\.8(29|30)\d* ± `, out.String())
	// The table's commands run as they stand there, on the model and the run.
	copied := filepath.Join(dir, "model.node")
	model, err := os.ReadFile("models/bouncing_ball.node")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, model, 0o600))
	table := regexp.MustCompile("(?m)^\\| `pinode ([^`]+)`").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(table), 8)
	for _, m := range table {
		args := strings.Fields(m[1])
		for i, a := range args {
			switch a {
			case "FILE":
				if args[i] = "models/bouncing_ball.node"; args[0] == "fmt" {
					args[i] = copied
				}
			case "CODE":
				args[i] = "write-conflict"
			case "last":
				args[i] = filepath.Join(dir, "run")
			}
		}
		switch args[0] {
		case "simulate":
			args = append(args, "--out", filepath.Join(dir, "run.csv"))
		case "bench":
			args = append(args, "--quick", "--row", "step_allocations")
		}
		var out, errs strings.Builder
		require.Equal(t, exitDone, run(args, &out, &errs), "%s: %s", m[1], errs.String())
	}
}
