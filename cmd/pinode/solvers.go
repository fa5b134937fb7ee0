package main

import (
	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

func (a *app) solversCmd() *cobra.Command {
	return &cobra.Command{
		Use: "solvers", Short: "List the solvers", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.text("solvers", pinode.Solvers()) },
	}
}
