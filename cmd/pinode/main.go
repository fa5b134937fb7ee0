// Command pinode fits, simulates and checks models that join known physics
// with neural blocks.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	_ "github.com/pinode/pinode/data/parquet" // data blocks may name such files
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/files"
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
	exitInterrupted = 130 // and for other signals 128 and their number
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
	out, err *stream
	stdout   io.Writer // where out goes in the end
	quiet    bool
	json     bool
	noColor  bool
	leaving  departure
}

func main() {
	if os.Getenv("GOGC") == "" {
		spareMemory()
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes a command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	a := &app{out: newStream(stdout), err: newStream(stderr), stdout: stdout}
	a.out.plain = a.out.tty
	defer func() {
		if r := recover(); r != nil {
			a.out.to = stdout
			a.failureJSON(failure{"internal", fmt.Sprint(r), exitInternal})
			fmt.Fprintf(stderr, "error[internal]: %v\n  = help: this is a mistake in pinode, not in your model; please report it with the lines below\n%s", r, debug.Stack())
			code = exitInternal
		}
	}()
	root := a.root()
	root.SetArgs(args)
	ctx, stop := interruptible(a)
	defer stop()
	var document bytes.Buffer
	if wantsJSON(args) {
		a.json, a.out.to = true, &document // one, and only one, whatever happens
	}
	if err := root.ExecuteContext(ctx); err != nil && !errors.Is(err, a.out.err) {
		code = a.report(err)
	}
	a.out.to = stdout
	if text := document.Bytes(); len(text) > 0 && text[0] != '{' { // help, a version, a script of a shell
		_ = a.text("text", string(text))
	} else if len(text) > 0 {
		_, _ = document.WriteTo(a.out) // the stream has the error
	}
	if text, failed := a.out.failed(); failed && code == exitDone {
		code = exitOutput
		if text != "" {
			a.say("error: %s", text)
		}
	}
	return code
}

// color reports whether the error stream is a terminal that wants colours.
func (a *app) color() bool {
	if a.noColor || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return a.terminal()
}

// terminal reports whether a person reads the error stream.
func (a *app) terminal() bool { return a.err.tty }

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
	if b, ok := a.out.to.(*bytes.Buffer); ok && b.Len() == 0 {
		a.failureJSON(f)
	}
	return f.Exit
}

// failureJSON is the document of a command that ends without another.
func (a *app) failureJSON(f failure) {
	if a.json {
		_ = writeJSON(a.out, failureDocument(f)) // the stream has the error
	}
}

func failureDocument(f failure) any {
	if f.Text == "" {
		f.Text = explained()[f.Code].Title
	}
	return struct {
		Version int     `json:"version"`
		Error   failure `json:"error"`
	}{1, f}
}

// told are the codes that say no more than the text behind them.
var told = []string{"usage", "input", "output", "gradient", "stopped", "interrupted"}

// fail prints what ended a command.
func (a *app) fail(f failure) {
	switch {
	case f.Text == "":
	case slices.Contains(told, f.Code):
		a.say("error: %s", f.Text)
	default:
		a.say("error[%s]: %s", f.Code, f.Text)
	}
}

// failure is what ended a command, other than mistakes in a model.
type failure struct {
	Code string `json:"code"` // as `pinode explain` knows it
	Text string `json:"text"`
	Exit int    `json:"exit"`
}

// codeOf is the code of a failure of which no more is known than how the command ends.
func codeOf(exit int) string {
	switch exit {
	case exitInternal:
		return "internal"
	case exitModel:
		return "gradient"
	case exitNumerical:
		return "fit"
	case exitStopped:
		return "stopped"
	case exitUsage:
		return "usage"
	}
	return "interrupted"
}

func failureOf(err error) failure {
	var code *codeError
	var de *pinode.DataError
	var se *pinode.RunError
	var fe *pinode.FitError
	var we *files.WriteError
	var busy *files.BusyError
	var re *files.ReadError
	switch {
	case errors.As(err, &code):
		return failure{codeOf(code.code), code.text, code.code}
	case errors.As(err, &we):
		return failure{"output", we.Error(), exitOutput}
	case errors.As(err, &busy):
		return failure{"output", busy.Error(), exitOutput}
	case errors.As(err, &de):
		return failure{"data", de.Error(), exitData}
	case errors.As(err, &se):
		return failure{se.Status.String(), se.Error(), exitNumerical}
	case errors.As(err, &fe):
		return failure{"fit", fe.Error(), exitNumerical}
	case errors.Is(err, fit.ErrNotFinite):
		return failure{"fit", err.Error(), exitNumerical}
	case errors.As(err, &re), errors.Is(err, os.ErrNotExist):
		return failure{"input", err.Error(), exitData}
	}
	return failure{"usage", err.Error(), exitUsage}
}

// commands are all of them, each in a file of its name.
var commands = []func(*app) *cobra.Command{
	(*app).fitCmd, (*app).simulateCmd, (*app).evaluateCmd, (*app).scoreCmd, (*app).distillCmd, (*app).checkCmd, (*app).fmtCmd, (*app).dumpCmd,
	(*app).plotCmd, (*app).explainCmd, (*app).solversCmd, (*app).reproduceCmd, (*app).benchCmd, (*app).versionCmd,
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
	c.PersistentFlags().BoolVar(&a.json, "json", false, "print results as JSON")
	c.PersistentFlags().BoolVar(&a.noColor, "no-color", false, "no colours")
	for _, command := range commands {
		sub := command(a)
		complete(sub)
		c.AddCommand(sub)
	}
	c.PersistentPreRunE = notEmpty
	c.SetOut(a.out) // the commands of completion take it as it is now
	c.SetErr(a.err)
	c.SetHelpCommand(helpCommand(c))
	c.SetFlagErrorFunc(flagError)
	c.InitDefaultCompletionCmd()
	if script, _, err := c.Find([]string{"completion"}); err == nil {
		script.Args, script.RunE = cobra.ArbitraryArgs, completionOf // else it prints its help for whatever it does not know
	}
	c.Version = report.Version()
	c.SetVersionTemplate("{{.Version}}\n")
	return c
}

// load reads a model, with "-" from standard input, and its settings changed by a configuration file and
// flags.
func (a *app) load(path string, o *overrides) (*pinode.Model, error) {
	m, err := open(path, o.model)
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
