package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pinode/pinode/dsl/diag"
)

// one wants the one argument of a command, which is a model file or a run.
func one(c *cobra.Command, args []string) error {
	_, what, _ := strings.Cut(c.Use, " ")
	if len(args) > 1 {
		return usageError("`%s` takes one %s, not %d: `%s` is too much", c.CommandPath(), what, len(args), args[1])
	}
	return some(c, args)
}

// some wants arguments, of whatever number.
func some(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	_, what, _ := strings.Cut(c.Use, " ")
	kind := "a model file"
	if what == "RUN" {
		kind = "a run, its folder or `last`"
	}
	return usageError("`%s` needs %s: %s; see `%s --help`", c.CommandPath(), kind, c.UseLine(), c.CommandPath())
}

// notEmpty refuses flags with nothing behind them, as they come from variables that a shell does not know.
func notEmpty(c *cobra.Command, _ []string) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && strings.TrimSpace(f.Value.String()) == "" {
			err = usageError("--%s has nothing behind it; leave it out, or give it a value", f.Name)
		}
	})
	return err
}

// flagError says what is wrong with a flag.
func flagError(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		kind := "another value"
		switch f.Value.Type() {
		case "uint64":
			kind = "a whole number from 0 on"
		case "int":
			kind = "a whole number"
		case "bool":
			kind = "no value, or true or false"
		}
		return usageError("--%s takes %s, not `%s`", f.Name, kind, invalid.GetValue())
	case errors.As(err, &missing):
		name, _ := pflag.UnquoteUsage(missing.GetFlag())
		return usageError("--%s needs a value: --%s %s", missing.GetFlag().Name, missing.GetFlag().Name, name)
	case errors.As(err, &unknown):
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near, ok := diag.Nearest(strings.TrimLeft(unknown.GetSpecifiedName(), "-"), names); ok {
			return usageError("%s; did you mean `--%s`?", err, near)
		}
		return usageError("%s; `%s --help` lists the flags", err, c.CommandPath())
	}
	return usageError("%s", err)
}

// helpCommand is the command `help`, for which a command that is not there is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command", Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) (list []string, _ cobra.ShellCompDirective) {
			for _, c := range root.Commands() {
				if !c.Hidden {
					list = append(list, c.Name())
				}
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || c == nil || len(rest) > 0 {
				return usageError("there is no command `%s`; `pinode help` lists them", strings.Join(args, " "))
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}
