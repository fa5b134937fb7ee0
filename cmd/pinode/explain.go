package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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

// lookUp finds a code by one of its names, whatever joins their words: a verdict says "not converged".
func lookUp(all map[string]diag.Code, words []string) (diag.Code, bool) {
	joined := func(s string) string { return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(s)) }
	name := joined(strings.Join(words, " "))
	for _, c := range all {
		if joined(c.Name) == name || slices.Contains(c.Also, name) {
			return c, true
		}
	}
	return diag.Code{}, false
}

// codeJSON is a diagnostic or status in JSON.
type codeJSON struct {
	Name        string `json:"code"`
	Title       string `json:"title"`
	Explanation string `json:"explanation"`
	Example     string `json:"example,omitempty"`
}

func jsonOf(c diag.Code) codeJSON { return codeJSON{c.Name, c.Title, c.Explanation, c.Example} }

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use: "explain CODE", Short: "Explain a diagnostic, how a run ended, or a word of a verdict", Example: "  pinode explain unit-mismatch\n  pinode explain event_graze\n  pinode explain not converged", Args: cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.FixedCompletions(slices.Sorted(maps.Keys(explained())), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(_ *cobra.Command, args []string) error {
			all := explained()
			names := slices.Sorted(maps.Keys(all))
			if len(args) == 0 {
				if a.json {
					list := []codeJSON{}
					for _, n := range names {
						list = append(list, jsonOf(all[n]))
					}
					return writeJSON(a.out, map[string]any{"version": 1, "codes": list})
				}
				for _, n := range names {
					fmt.Fprintf(a.out, "%-20s %s\n", n, all[n].Title)
				}
				return nil
			}
			c, ok := lookUp(all, args)
			if word := strings.Join(args, " "); !ok {
				near, _ := diag.Nearest(word, names)
				if near != "" {
					return usageError("there is no diagnostic, status or verdict `%s`; did you mean `%s`?", word, near)
				}
				return usageError("there is no diagnostic, status or verdict `%s`; `pinode explain` lists them", word)
			}
			if a.json {
				return writeJSON(a.out, map[string]any{"version": 1, "code": jsonOf(c)})
			}
			fmt.Fprintf(a.out, "%s: %s\n\n%s\n", c.Name, c.Title, c.Explanation)
			if c.Example != "" {
				fmt.Fprintf(a.out, "\nExample of a file that gives it:\n\n%s\n", c.Example)
			}
			return nil
		},
	}
}
