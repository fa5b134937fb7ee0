package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl"
)

// complete teaches the shell what may stand where, by the names of arguments and flags.
func complete(c *cobra.Command) {
	_, what, _ := strings.Cut(c.Use, " ")
	switch {
	case c.ValidArgsFunction != nil:
	case strings.HasPrefix(what, "FILE"):
		c.ValidArgsFunction = modelFiles
	case what == "RUN":
		c.ValidArgsFunction = runs
	}
	for name, f := range map[string]cobra.CompletionFunc{
		"config": extension("yaml", "yml"), "set": settings, "data": dataBlocks, "model": models, "params": runs, "resume": runs,
		"compare": solverList,
	} {
		if c.Flags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, f) // the flag is there
		}
	}
	for _, name := range []string{"seed", "workers", "max-time", "until", "step", "times", "degree", "terms", "trials", "draws", "block"} {
		if c.Flags().Lookup(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
		}
	}
}

// oneOf lets the shell complete a flag by some words.
func oneOf(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// extension completes files of some kinds.
func extension(ext ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return ext, cobra.ShellCompDirectiveFilterFileExt
	}
}

// modelFiles completes model files: one, or as many as a command takes.
func modelFiles(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && !strings.Contains(c.Use, "…") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"node"}, cobra.ShellCompDirectiveFilterFileExt
}

// runs completes runs below runs/, and other folders.
func runs(c *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if strings.HasSuffix(c.Use, "RUN") && len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	paths, _ := filepath.Glob("runs/*/run.json")
	var list []string
	for _, p := range paths {
		if dir := filepath.Dir(p); strings.HasPrefix(dir, text) {
			list = append(list, dir)
		}
	}
	if len(paths) > 0 && strings.HasPrefix("last", text) {
		list = append(list, "last")
	}
	if len(list) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// named is the model of a command line, or nil.
func named(args []string) *pinode.Model {
	if len(args) == 0 {
		return nil
	}
	m, err := pinode.Load(args[0])
	if err != nil {
		return nil
	}
	return m
}

// settings completes settings and their values, and the parameters and states of the model.
func settings(c *cobra.Command, args []string, text string) (list []string, _ cobra.ShellCompDirective) {
	list = pinode.CompleteSetting(text)
	if m := named(args); m != nil && c.Name() != "check" {
		var names []string
		if c.Name() == "simulate" { // which alone takes initial values
			names = m.States()
		}
		for _, p := range m.Program().Parameters() {
			if !strings.HasSuffix(p.Name, ".weight") && !strings.HasSuffix(p.Name, ".bias") {
				names = append(names, p.Name)
			}
		}
		for _, n := range names {
			if strings.HasPrefix(n, text) {
				list = append(list, n+"=")
			}
		}
	}
	slices.Sort(list)
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// dataBlocks completes the name of a data block; the shell completes the file behind it.
func dataBlocks(_ *cobra.Command, args []string, text string) (list []string, _ cobra.ShellCompDirective) {
	if m := named(args); m != nil && !strings.Contains(text, "=") {
		for _, n := range m.DataSets() {
			list = append(list, n+"=")
		}
		return list, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// models completes the models of a file.
func models(_ *cobra.Command, args []string, _ string) (list []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 && args[0] != "-" {
		if src, err := source(args[0]); err == nil {
			file, _ := dsl.Parse(src)
			for _, d := range file.Decls {
				if m, ok := d.(*dsl.ModelDecl); ok {
					list = append(list, m.Name.Name)
				}
			}
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// solverList completes the last of several solvers.
func solverList(_ *cobra.Command, _ []string, text string) (list []string, _ cobra.ShellCompDirective) {
	before := text[:strings.LastIndex(text, ",")+1]
	for _, s := range pinode.CompleteSetting("fit.solver=") {
		if name := before + strings.TrimPrefix(s, "fit.solver="); strings.HasPrefix(name, text) {
			list = append(list, name)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completionOf is the completion command without a shell that it knows.
func completionOf(c *cobra.Command, args []string) error {
	var shells []string
	for _, s := range c.Commands() {
		shells = append(shells, s.Name())
	}
	known := strings.Join(shells, ", ")
	if len(args) == 0 {
		return usageError("say for which shell: %s", known)
	}
	return usageError("there is no completion for `%s`; there is one for %s", args[0], known)
}
