package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

func (a *app) solversCmd() *cobra.Command {
	return &cobra.Command{
		Use: "solvers", Short: "List the solvers", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) { fmt.Fprint(a.out, pinode.Solvers()) },
	}
}
