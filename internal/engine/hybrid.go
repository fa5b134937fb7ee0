package engine

import (
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
)

// NewHybrid describes a compiled model's events and switches to the simulator.
func NewHybrid(p *compiler.Program) *sim.Hybrid {
	m := p.Model
	hy := &sim.Hybrid{Flags: make([]bool, p.NumGuards), Affine: p.Affine(), Prioritised: m.Priorities != nil, Nilpotent: p.Nilpotent(), Simple: compiler.Simple(p), Balance: m.Balance, Positive: m.Positive, Project: m.Project, Steady: m.Steady}
	for i, g := range m.Guards {
		hy.Flags[i] = g.Flag
	}
	kinds := map[dsl.TriggerKind]events.Kind{
		dsl.TriggerWhen: events.When, dsl.TriggerAt: events.At, dsl.TriggerEvery: events.Every,
		dsl.TriggerOnData: events.OnData, dsl.TriggerOnObservation: events.OnObs,
	}
	rules := map[string]events.ZenoRule{"error": events.ZenoError, "stop": events.ZenoStop, "rest": events.ZenoRest, "pass": events.ZenoPass}
	for i, e := range m.Events {
		c := e.Checked
		ev := events.Event{
			Name: c.Name, Kind: kinds[c.Kind], Cond: condition(e.Cond), Priority: c.Priority, Delayed: e.Delay != nil,
			Late: c.Late, Persistent: c.Persistent, AtStart: c.AtStart, Terminate: c.Terminate, Zeno: rules[c.Zeno],
			Targets: e.Targets, Adds: e.Adds, Rest: e.RestTargets, Release: p.Releases[i],
		}
		if e.Cond != nil {
			ev.Kind = events.When
		}
		if i+1 == m.Balance || i+1 == m.Positive || m.Steady > 0 && (i+1 == m.Steady || i == m.Steady) || m.Project > 0 && (i+1 == m.Project || i == m.Project) {
			ev.Kind = events.Never
		}
		if e.Rate != nil {
			ev.Threshold, ev.RateGuard, ev.Integral = e.Threshold+1, e.Cond.Guard, e.Likelihood-1
		}
		hy.Events = append(hy.Events, ev)
		s := p.Schedules[i]
		hy.Schedules = append(hy.Schedules, sim.Schedule{At: s.At, Period: s.Period, From: s.From, Until: s.Until})
	}
	for _, w := range m.Switches {
		k := slices.IndexFunc(hy.Switches, func(x events.Switch) bool { return x.Guard == w.Guard })
		if k < 0 {
			k = len(hy.Switches)
			hy.Switches = append(hy.Switches, events.Switch{Guard: w.Guard, Floor: w.Floor, Upper: w.Upper, Corner: true})
		}
		x := &hy.Switches[k]
		x.Trigger, x.Implicit, x.Root = max(x.Trigger, w.Trigger), x.Implicit || w.Implicit, x.Root || w.Root
		x.Modes, x.AtZero, x.Corner = append(x.Modes, w.Mode), append(x.AtZero, w.AtZero), x.Corner && w.Corner
	}
	return hy
}

// hybrid is that of a program, with the events that are told.
func (c *Compiled) hybrid() *sim.Hybrid {
	hy := NewHybrid(c.Program)
	for i, told := range c.told {
		if ev := &hy.Events[i]; told {
			ev.Kind, ev.Cond, ev.Zeno, ev.AtStart = events.OnData, nil, events.ZenoError, false
		}
	}
	return hy
}

func condition(c *lower.Cond) *events.Cond {
	if c == nil {
		return nil
	}
	ops := map[lower.CondOp]events.CondOp{
		lower.CondBelow: events.Below, lower.CondAbove: events.Above, lower.CondCross: events.Cross,
		lower.CondRise: events.Rise, lower.CondFall: events.Fall, lower.CondFlag: events.Flag,
		lower.CondAnd: events.And, lower.CondOr: events.Or, lower.CondNot: events.Not, lower.CondConst: events.Const,
	}
	out := &events.Cond{Op: ops[c.Op], Guard: c.Guard, Inclusive: c.Inclusive, Value: c.Value}
	for _, a := range c.Args {
		out.Args = append(out.Args, condition(a))
	}
	return out
}
