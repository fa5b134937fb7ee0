package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/internal/report"
	"github.com/pinode/pinode/internal/report/figures"
)

func (a *app) plotCmd() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "plot RUN", Short: "Draw the figures of a run",
		Long:    "Draw the figures of a run into its folder: the trajectories over the data with the instants of events, the loss, what neural blocks learned, and the profiles of parameters.",
		Example: "  pinode plot last\n  pinode plot runs/bouncing_ball-20260101-120000-abcd --format svg", Args: one,
		RunE: func(_ *cobra.Command, args []string) error {
			run, err := report.Open(args[0], "")
			if err != nil {
				return err
			}
			if format != "png" && format != "svg" {
				return usageError("--format is png or svg, not `%s`", format)
			}
			paths, err := figures.Draw(run, format)
			if err == nil && a.json {
				return writeJSON(a.out, struct {
					Version int      `json:"version"`
					Figures []string `json:"figures"`
				}{1, paths})
			}
			for _, p := range paths {
				fmt.Fprintln(a.out, p)
			}
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "png", "`FORMAT`: png or svg")
	oneOf(c, "format", "png", "svg")
	return c
}
