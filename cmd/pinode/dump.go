package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl"
)

func (a *app) dumpCmd() *cobra.Command {
	var stage string
	c := &cobra.Command{
		Use: "dump FILE", Short: "Print a model at a stage of compilation",
		Long:    "Print a model at a stage of compilation. Plans and machine code have the steps of the model's solver too: that of its fit, or, without data, of its simulation. The variable PINODE_EXEC=interp turns off machine code, jit asks for it.",
		Example: "  pinode dump --stage graph models/pendulum.node", Args: one,
		RunE: func(_ *cobra.Command, args []string) error {
			src, err := source(args[0])
			if err != nil {
				return err
			}
			if stage == "ast" { // of a file with other mistakes than in its grammar, too
				file, l := dsl.Parse(src)
				if err := l.Err(); err != nil {
					return err
				}
				var b strings.Builder
				dsl.Dump(&b, file)
				return a.text("text", b.String())
			}
			m, err := pinode.Parse(src.Name, src.Text)
			if err != nil {
				return err
			}
			var b strings.Builder
			if err := m.Dump(&b, stage); err != nil {
				return usageError("%s", err)
			}
			return a.text("text", b.String())
		},
	}
	c.Flags().StringVar(&stage, "stage", "model", "`STAGE`: ast, model, graph, plan or asm; grid for fields")
	oneOf(c, "stage", "ast", "model", "graph", "plan", "asm", "grid")
	return c
}
