package main

import (
	"github.com/spf13/cobra"

	"github.com/pinode/pinode/internal/report"
)

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.text("pinode", report.Version()+"\n") },
	}
}
