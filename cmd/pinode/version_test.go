package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is linked into the command has its licence among the notices.
func TestLicences(t *testing.T) {
	var out, errs strings.Builder
	require.Equal(t, exitDone, run([]string{"version", "--licences"}, &out, &errs), errs.String())
	list, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", ".").Output()
	require.NoError(t, err)
	modules := strings.Fields(strings.ReplaceAll(string(list), " v", "@v"))
	require.Greater(t, len(modules), 20)
	for _, m := range append(modules, "the@Go@library") {
		require.Contains(t, out.String(), "\n==== "+strings.ReplaceAll(m, "@", " ")+"\n", "run `go generate ./cmd/pinode`")
	}
	require.Contains(t, out.String(), "Redistribution and use in source and binary forms")
}

// TestGrowth: small heaps may grow by four times their size, large ones by half.
func TestGrowth(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 16 << 20: 400, 32 << 20: 200, 64 << 20: 100, 100 << 20: 64, 1 << 30: 50} {
		require.Equal(t, want, growth(live))
	}
}
