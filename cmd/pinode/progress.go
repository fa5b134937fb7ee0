package main

import (
	"fmt"
	"math"
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

// progress shows how a fit goes on: a bar on a terminal, a line every few
// seconds elsewhere.
type progress struct {
	a     *app
	model *pinode.Model
	bar   *pb.ProgressBar
	stage int
	last  time.Time
	begun bool
	prev  fit.Progress
}

func (p *progress) step(s fit.Progress) {
	if p.a.quiet || p.a.json {
		return
	}
	next := p.begun && (s.Index != p.stage || s.Start != p.prev.Start)
	if next {
		p.finishStage()
	}
	p.prev = s
	if !p.a.terminal() || os.Getenv("TERM") == "dumb" { // which cannot go back in a line
		if !p.begun || next || time.Since(p.last) > 5*time.Second {
			fmt.Fprintln(p.a.err, "training       "+line(s))
			p.last = time.Now()
		}
		p.begun, p.stage = true, s.Index
		return
	}
	if p.bar == nil {
		form := barForm
		if s.Of <= 0 { // nobody knows how many there will be
			form = openForm
		}
		p.bar = form.New(s.Of).Set(pb.CleanOnFinish, true).Set(pb.Terminal, true).
			SetWriter(p.a.err).SetRefreshRate(60 * time.Millisecond).SetMaxWidth(120)
	}
	p.begun, p.stage = true, s.Index
	p.bar.Set("line", "training       "+line(s)).SetCurrent(int64(s.Iteration))
	if !p.bar.IsStarted() {
		p.bar.Start()
	}
}

// barForm is a line of a fit with a bar behind it, and the time to go.
const barForm pb.ProgressBarTemplate = `{{string . "line"}}  {{bar . " " "━" "━" " " " "}} {{rtime . "%s"}}`

// openForm is one of a fit that goes on until it has found what it looks for: a bar of blanks, which makes the
// line as wide as the terminal is, and the time so far.
const openForm pb.ProgressBarTemplate = `{{string . "line"}}  {{bar . " " " " " " " " " "}} {{etime . "%s"}}`

func line(s fit.Progress) string {
	t := fmt.Sprintf("%s %d", s.Stage, s.Iteration)
	if s.Starts > 1 {
		t = fmt.Sprintf("start %d of %d  %s", s.Start+1, s.Starts, t)
	}
	if s.Of > 0 {
		t += fmt.Sprintf("/%d", s.Of)
	}
	t += fmt.Sprintf("  loss %.5g", s.Loss)
	if s.Phase != "" {
		t += "  " + s.Phase
	}
	if !math.IsNaN(s.Valid) {
		t += fmt.Sprintf("  valid %.5g", s.Valid)
	}
	if s.LR > 0 {
		t += fmt.Sprintf("  lr %.2g", s.LR)
	}
	if s.Horizon < 1 {
		t += fmt.Sprintf("  horizon %.0f %%", 100*s.Horizon)
	}
	return t
}

// finishStage leaves a line for the stage that has ended.
func (p *progress) finishStage() {
	if p.bar != nil {
		p.bar.Finish()
		p.bar = nil
	}
	fmt.Fprintf(p.a.err, "training       %s  %s\n", line(p.prev), p.prev.Elapsed.Round(10*time.Millisecond))
}

func (p *progress) end() {
	if p.begun {
		p.finishStage()
	}
}
