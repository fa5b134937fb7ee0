package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/internal/report"
)

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) { fmt.Fprintln(a.out, report.Version()) },
	}
}
