package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/distill"
)

func (a *app) distillCmd() *cobra.Command {
	var o pinode.DistillOptions
	var out string
	c := &cobra.Command{
		Use: "distill RUN", Short: "Find formulas for the learned blocks of a run",
		Long: "Find formulas for the learned blocks of a run. Sparse regression over the region that the trajectories visit proposes sums of terms of a block's arguments; the best of them, refitted to the data in the place of the block, are compared by the Bayesian information criterion. Where no formula does, that is the answer. The model with formulas in the place of blocks is written beside the results of the run.",
		Example: `  pinode distill last
  pinode distill runs/lv-20260101-120000-abcd --block interaction --degree 2 --out lv_formula.node`,
		Args: one,
		RunE: func(c *cobra.Command, args []string) error { return a.distill(c, args[0], o, out) },
	}
	f := c.Flags()
	f.StringVar(&o.Block, "block", "", "one block, by its `NAME`; default all that equations use")
	f.IntVar(&o.Degree, "degree", 3, "highest `DEGREE` of monomials")
	f.IntVar(&o.Terms, "terms", 5, "most terms of an element of a result")
	f.IntVar(&o.Trials, "trials", 300, "most structures of a block that are refitted to the data")
	f.IntVar(&o.Draws, "draws", 100, "resampled regressions that tell how often each term is chosen")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of these, a `NUMBER`")
	f.StringVar(&out, "out", "", "`FILE` for the model with formulas; default distilled.node in the folder of the run")
	return c
}

func (a *app) distill(c *cobra.Command, name string, o pinode.DistillOptions, out string) error {
	for flag, v := range map[string]int{"degree": o.Degree, "terms": o.Terms, "trials": o.Trials, "draws": o.Draws} {
		if v < 1 {
			return usageError("--%s takes a number from 1 on, not %d", flag, v)
		}
	}
	run, err := pinode.OpenRun(name)
	if err != nil {
		return err
	}
	m, err := run.Load()
	if err != nil {
		return err
	}
	var r *pinode.Distillation
	if err := within(c.Context(), func(ctx context.Context) (err error) { r, err = m.Distill(ctx, run, o); return err }); err != nil {
		return err
	}
	if found := slices.ContainsFunc(r.Blocks, func(b distill.Block) bool { return b.Found }); !found {
		out = ""
	} else {
		if out == "" {
			out = filepath.Join(run.Dir, "distilled.node")
		}
		text := distill.Relocated(run.Model, r.Text, filepath.Dir(out))
		if err := a.output(out, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.out, distillJSON(run, r, out))
	}
	for i := range r.Blocks {
		a.printBlock(&r.Blocks[i])
	}
	if out != "" {
		fmt.Fprintf(a.out, "written to %s\n", out)
	}
	return nil
}

func (a *app) printBlock(b *distill.Block) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "%s: %s\n", b.Name, b.Why)
	for _, f := range b.Formulas {
		fmt.Fprintf(w, "  %s%s = %s\n", b.Name, f.Element, f.Text)
		for _, t := range f.Terms {
			mark := ""
			if t.In {
				mark = fmt.Sprintf("%s = %.6g", t.Parameter, t.Coefficient)
			}
			fmt.Fprintf(w, "    %s\tchosen in %.0f %%\t%s\n", t.Text, 100*t.Chosen, mark)
		}
	}
	if len(b.Formulas) == 0 {
		return
	}
	fmt.Fprintf(w, "  R² of the formula for the block\t%.4f\t%d structures were refitted\n", b.Share, b.Trials)
	fmt.Fprint(w, "  \tnetwork\tformula\n")
	line := func(name string, x, y float64) { fmt.Fprintf(w, "  %s\t%.6g\t%.6g\n", name, x, y) }
	line("log-likelihood", b.Network.LogLikelihood, b.Formula.LogLikelihood)
	if !math.IsNaN(b.Network.Held) {
		line("held back", b.Network.Held, b.Formula.Held)
	}
	line("numbers", float64(b.Network.Numbers), float64(b.Formula.Numbers))
	for _, name := range slices.Sorted(maps.Keys(b.Network.RMSE)) {
		line("RMSE of "+name, b.Network.RMSE[name], b.Formula.RMSE[name])
	}
	if !math.IsNaN(b.Apart) {
		fmt.Fprintf(w, "  apart beyond the data\t%.3g\tof the size of the states, over as long again\n", b.Apart)
	}
}

func distillJSON(run *pinode.Run, r *pinode.Distillation, out string) any {
	type judgement struct {
		LogLikelihood jsonNumber            `json:"log_likelihood"`
		Held          jsonNumber            `json:"log_likelihood_validate"`
		RMSE          map[string]jsonNumber `json:"rmse"`
		Numbers       int                   `json:"numbers"`
		Criterion     jsonNumber            `json:"bic"`
	}
	type term struct {
		Text        string     `json:"term"`
		Chosen      jsonNumber `json:"chosen"`
		In          bool       `json:"in_formula"`
		Parameter   string     `json:"parameter,omitempty"`
		Coefficient jsonNumber `json:"coefficient"`
	}
	type formula struct {
		Element string `json:"element"`
		Text    string `json:"formula"`
		Terms   []term `json:"terms"`
	}
	type block struct {
		Name     string     `json:"block"`
		Found    bool       `json:"found"`
		Why      string     `json:"why"`
		Formulas []formula  `json:"formulas"`
		Share    jsonNumber `json:"r2"`
		Apart    jsonNumber `json:"apart_beyond"`
		Trials   int        `json:"refits"`
		Network  judgement  `json:"network"`
		Formula  judgement  `json:"formula"`
	}
	doc := struct {
		Version int     `json:"version"`
		Run     string  `json:"run"`
		Found   bool    `json:"found"`
		File    string  `json:"file,omitempty"`
		Blocks  []block `json:"blocks"`
	}{1, run.Dir, r.Found, out, []block{}}
	judged := func(j distill.Judgement) judgement {
		return judgement{jsonNumber(j.LogLikelihood), jsonNumber(j.Held), jsonMap(j.RMSE), j.Numbers, jsonNumber(j.Criterion)}
	}
	for _, b := range r.Blocks {
		x := block{b.Name, b.Found, b.Why, []formula{}, jsonNumber(b.Share), jsonNumber(b.Apart), b.Trials, judged(b.Network), judged(b.Formula)}
		for _, f := range b.Formulas {
			y := formula{f.Element, f.Text, []term{}}
			for _, t := range f.Terms {
				y.Terms = append(y.Terms, term{t.Text, jsonNumber(t.Chosen), t.In, t.Parameter, jsonNumber(t.Coefficient)})
			}
			x.Formulas = append(x.Formulas, y)
		}
		doc.Blocks = append(doc.Blocks, x)
	}
	return doc
}
