// Command pinode fits, simulates and checks models that join known physics
// with neural blocks.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/report"
)

// The exit codes.
const (
	exitDone        = 0
	exitInternal    = 1
	exitUsage       = 2
	exitModel       = 3
	exitData        = 4
	exitNumerical   = 5
	exitStopped     = 6
	exitOutput      = 7
	exitInterrupted = 130
)

// codeError ends the program with a code; its text is printed unless empty.
type codeError struct {
	code int
	text string
}

func (e *codeError) Error() string { return e.text }

func usageError(format string, args ...any) error {
	return &codeError{exitUsage, fmt.Sprintf(format, args...)}
}

// app is what the commands share.
type app struct {
	out, err io.Writer
	quiet    bool
	verbose  bool
	json     bool
	noColor  bool
}

func main() {
	if os.Getenv("GOGC") == "" {
		// Most processes are short and compile a model, which leaves much
		// garbage for its size; training, which is long, leaves none.
		debug.SetGCPercent(400)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes a command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	a := &app{out: stdout, err: stderr}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "error[internal]: %v\n  = help: this is a mistake in pinode, not in your model; please report it with the lines below\n%s", r, debug.Stack())
			code = exitInternal
		}
	}()
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ctx, stop := interruptible(a)
	defer stop()
	var document bytes.Buffer
	if slices.Contains(args, "--json") {
		a.json, a.out = true, &document // one, and only one, whatever happens
	}
	code = a.report(root.ExecuteContext(ctx))
	if _, err := document.WriteTo(stdout); err != nil {
		fmt.Fprintf(stderr, "error: the output cannot be written: %s\n", err)
		return exitOutput
	}
	return code
}

// interruptible is a context that the first interrupt ends; the second ends
// the program.
func interruptible(a *app) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	var seen atomic.Bool
	go func() {
		for range ch {
			if seen.Swap(true) {
				os.Exit(exitInterrupted)
			}
			fmt.Fprintln(a.err, "\nfinishing the step; interrupt again to stop at once")
			cancel()
		}
	}()
	return ctx, func() { signal.Stop(ch); cancel() }
}

// color reports whether the error stream is a terminal that wants colours.
func (a *app) color() bool {
	if a.noColor || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return a.terminal()
}

func (a *app) terminal() bool {
	f, ok := a.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// report prints an error and returns the exit code that it stands for.
func (a *app) report(err error) int {
	if err == nil {
		return exitDone
	}
	var list *pinode.Diagnostics
	if errors.As(err, &list) {
		if a.json {
			_ = diag.RenderJSON(a.out, list)
		} else {
			diag.Render(a.err, list, diag.Options{Color: a.color()})
		}
		return exitModel
	}
	f := failureOf(err)
	a.fail(f)
	if b, ok := a.out.(*bytes.Buffer); ok && a.json && b.Len() == 0 {
		_ = writeJSON(a.out, struct {
			Version int     `json:"version"`
			Error   failure `json:"error"`
		}{1, f})
	}
	return f.Exit
}

// fail prints what ended a command.
func (a *app) fail(f failure) {
	switch {
	case f.Text == "":
	case f.Code == "":
		fmt.Fprintf(a.err, "error: %s\n", f.Text)
	default:
		fmt.Fprintf(a.err, "error[%s]: %s\n", f.Code, f.Text)
	}
}

// failure is what ended a command, other than mistakes in a model.
type failure struct {
	Code string `json:"code,omitempty"` // as `pinode explain` knows it
	Text string `json:"text"`
	Exit int    `json:"exit"`
}

func failureOf(err error) failure {
	var code *codeError
	var de *pinode.DataError
	var se *pinode.RunError
	var fe *pinode.FitError
	var we *report.WriteError
	switch {
	case errors.As(err, &code):
		return failure{"", code.text, code.code}
	case errors.As(err, &we):
		return failure{"", we.Error(), exitOutput}
	case errors.As(err, &de):
		return failure{"data", de.Error(), exitData}
	case errors.As(err, &se):
		return failure{se.Status.String(), se.Error(), exitNumerical}
	case errors.As(err, &fe):
		return failure{"fit", fe.Error(), exitNumerical}
	case errors.Is(err, fit.ErrNotFinite):
		return failure{"fit", err.Error(), exitNumerical}
	case errors.Is(err, os.ErrNotExist):
		return failure{"", err.Error(), exitData}
	}
	return failure{"", err.Error(), exitUsage}
}

// commands are all of them, each in a file of its name.
var commands = []func(*app) *cobra.Command{
	(*app).fitCmd, (*app).simulateCmd, (*app).evaluateCmd, (*app).scoreCmd, (*app).checkCmd, (*app).fmtCmd, (*app).dumpCmd,
	(*app).plotCmd, (*app).explainCmd, (*app).solversCmd, (*app).benchCmd, (*app).versionCmd,
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "pinode",
		Short: "Fit and simulate models of which some of the physics is known",
		Example: `  pinode fit models/bouncing_ball.node
  pinode simulate models/pendulum.node --set L=0.8 --out swing.csv
  pinode check models/bouncing_ball.node`,
		SilenceUsage: true, SilenceErrors: true,
		SuggestionsMinimumDistance: 2,
	}
	c.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "print results only")
	c.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "print more")
	c.PersistentFlags().BoolVar(&a.json, "json", false, "print results as JSON")
	c.PersistentFlags().BoolVar(&a.noColor, "no-color", false, "no colours")
	for _, command := range commands {
		c.AddCommand(command(a))
	}
	c.Version = report.Version()
	c.SetVersionTemplate("{{.Version}}\n")
	return c
}

// load reads a model with its settings changed by a configuration file and
// flags.
func (a *app) load(path string, o *overrides) (*pinode.Model, error) {
	m, err := pinode.Load(path)
	if err != nil {
		return nil, err
	}
	a.warn(m.Warnings())
	return m, o.apply(m)
}

// warn prints warnings, unless it is to be quiet.
func (a *app) warn(w *diag.List) {
	if w.Count(diag.Warning) > 0 && !a.quiet {
		diag.Render(a.err, w, diag.Options{Color: a.color()})
		fmt.Fprintln(a.err)
	}
}
