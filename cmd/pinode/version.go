package main

import (
	_ "embed"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/internal/report"
)

//go:generate go run ../../tools/notices notices.txt

// notices are the licences of what is linked into the command.
//
//go:embed notices.txt
var notices string

func (a *app) versionCmd() *cobra.Command {
	var licences bool
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if licences {
				return a.text("licences", notices)
			}
			return a.text("pinode", report.Version()+"\n")
		},
	}
	c.Flags().BoolVar(&licences, "licences", false, "print the licences of all that is linked into the program")
	return c
}
