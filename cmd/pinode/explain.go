package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl/diag"
)

// explained are all documented diagnostics, and the ways a run can end, by name.
func explained() map[string]diag.Code {
	out := map[string]diag.Code{}
	for _, c := range pinode.Explanations() {
		out[c.Name] = c
	}
	return out
}

// codeJSON is a diagnostic or status in JSON.
type codeJSON struct {
	Name        string `json:"code"`
	Title       string `json:"title"`
	Explanation string `json:"explanation"`
	Example     string `json:"example,omitempty"`
}

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use: "explain CODE", Short: "Explain a diagnostic, or how a run ended", Example: "  pinode explain unit-mismatch\n  pinode explain event_graze", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(slices.Sorted(maps.Keys(explained())), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(_ *cobra.Command, args []string) error {
			all := explained()
			names := slices.Sorted(maps.Keys(all))
			if len(args) == 0 {
				if a.json {
					list := []codeJSON{}
					for _, n := range names {
						list = append(list, codeJSON(all[n]))
					}
					return writeJSON(a.out, map[string]any{"version": 1, "codes": list})
				}
				for _, n := range names {
					fmt.Fprintf(a.out, "%-20s %s\n", n, all[n].Title)
				}
				return nil
			}
			c, ok := all[args[0]]
			if !ok {
				near, _ := diag.Nearest(args[0], names)
				if near != "" {
					return usageError("there is no diagnostic or status `%s`; did you mean `%s`?", args[0], near)
				}
				return usageError("there is no diagnostic or status `%s`; `pinode explain` lists them", args[0])
			}
			if a.json {
				return writeJSON(a.out, map[string]any{"version": 1, "code": codeJSON(c)})
			}
			fmt.Fprintf(a.out, "%s: %s\n\n%s\n", c.Name, c.Title, c.Explanation)
			if c.Example != "" {
				fmt.Fprintf(a.out, "\nExample of a file that gives it:\n\n%s\n", c.Example)
			}
			return nil
		},
	}
}
