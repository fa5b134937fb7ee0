package explain

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// Diagnostics are the codes of mistakes and doubts, in the order of the passes.
func Diagnostics() []diag.Code {
	return slices.Concat(dsl.Codes, check.Codes, lower.Codes, Codes, command)
}

// Codes explains the diagnostics of fits, of simulations and of reading data.
var Codes = []diag.Code{
	{
		Name: "far-start", Title: "a start that is far before the first row",
		Explanation: "Trajectories start at 0 unless a row is earlier, or the model or the data block says otherwise. Where the first row comes after a gap of twice the rows' span or more, that is doubtful (a warning); after more than ten times the span it is refused. Calendar years are written `time t: yr in [1900, inf)`; `from: first row` in the data block starts at the data; `time t in [0, inf)` says that the start is meant.",
		Example: `model M {
  param k = 1
  state x = 1
  x' = -k*x
  observe seen = x
}
data d from "d.csv" { time: year; seen: seen }`,
	},
	{
		Name: "first-late", Title: "an initial value that is not measured at the start",
		Explanation: "`first(y)` as an initial value is the value of y where the trajectory starts. A later one would be taken for it. Start the trajectory where y is measured, with `from` in the data block, or make the initial value a parameter, `param y0 per trajectory = first(y)`.",
		Example: `model M {
  param k = 1
  state x = first(seen)
  x' = -k*x
  observe seen = x
}
data d from "d.csv" { time: t; from: -1; seen: seen }`,
	},
	{
		Name: "input-late", Title: "an input whose first value is behind the start",
		Explanation: "Between the start of a trajectory and the first value of an input that value is taken: nothing else is known. Where it was another, 0 say, give it a row at the start. A warning.",
		Example: `model M {
  input u hold
  param k = 1
  state x = 0
  x' = u - k*x
  observe seen = x
}
data d from "d.csv" { time: t; from: -1; u: year; seen: seen }`,
	},
	{
		Name: "input-switched", Title: "an input that looks switched and is read along straight lines",
		Explanation: "Between two rows an input goes along a straight line, unless the file says otherwise. A voltage, a valve or a feed that is switched keeps its value until the next one, `input u hold`: a line through its jump begins a row too early, and a fit to data of a fast motion behind it misses them. Also two rows at one time say where it jumps. `input u linear` says that lines are meant, without this warning. A warning.",
		Example: `model M {
  input u
  param k = 1
  state x = 0
  x' = u - k*x
  observe seen = x
}
data d from "steps.csv" { time: t; u: u; seen: seen }`,
	},
	{
		Name: "outside-horizon", Title: "an output time outside of the simulation",
		Explanation: "A simulation has rows between its start and its end only: see `from` and `until`. A warning. Of fields that are a network it is an error: they are known over the span of `time t in [start, end]`, which the model must tell, and are not continued.",
		Example: `model M {
  param k = 1
  state x = 1
  x' = -k*x
  observe seen = x
}
data d from "d.csv" { time: t; seen: seen }
simulate { until: 1; times: [0.5, 2] }`,
	},
	{
		Name: "skipped-rows", Title: "rows or events before the start of a run",
		Explanation: "They are left out, measurements, doses and events at a constant time alike. A warning.",
		Example: `model M {
  param k = 1
  state x = 1
  x' = -k*x
  observe seen = x
}
data d from "d.csv" { time: t; from: 0.5; seen: seen }`,
	},
	{
		Name: "not-supported", Title: "a setting that the language has and the program does not obey yet",
		Explanation: "What is written is understood and means something, but this version cannot do it. It is refused rather than ignored. docs/language.md lists what is refused.",
		Example: `model M {
  state x = 1
  x' = -x
  observe seen = x ~ normal(0.1)
}
data d from "d.csv" { time: t; seen: seen }
fit { loss: mse }`,
	},
	{
		Name: "no-interval", Title: "a parameter whose interval or standard error was not found",
		Explanation: "With `uncertainty: profile` a parameter is moved step by step while the others are fitted, until the negative log-likelihood has risen by 1.92. There is no interval where the model fails on the way or where a better fit is found there: then the estimate is not the optimum, and more iterations, or `optimizer: auto`, help. With `uncertainty: ensemble` at least two starts have to meet the data as well as the best. A warning.",
		Example: `model M {
  param k in (0, inf) = 3
  state x = 1
  x' = -k*x
  observe seen = x ~ normal(0.1)
}
data d from "d.csv" { time: t; seen: seen }
fit { optimizer: adam { epochs: 1 }; uncertainty: profile }`,
	},
	{
		Name: "no-effect", Title: "a setting that changes nothing in this model",
		Explanation: "The setting is about something that the model does not have, like the precision of networks in a model without any. Remove it, or add what it was meant for.",
		Example: `model M {
  param k in (0, inf) = 1
  state x = 1
  x' = -k*x
  observe seen = x
}
data d from "d.csv" { time: t; seen: seen }
fit { precision: f32 }`,
	},
	{
		Name: "precision", Title: "a tolerance below what single precision resolves",
		Explanation: "With `precision: f32` networks have an error of some 1e-7 of their values. A solver that is asked for a smaller one sees these errors in the place of its own and takes ever smaller steps. Use double precision, or a relative tolerance of 1e-6 or more.",
		Example: `model M {
  neural f(x) -> 1 { hidden: [4] }
  state x = 1
  x' = f(x)
  observe seen = x
}
data d from "d.csv" { time: t; seen: seen }
fit { solver: tsit5 { rtol: 1e-9 }; precision: f32 }`,
	},
	{
		Name: "not-separable", Title: "a symplectic method for a model that does not part in positions and momenta",
		Explanation: "Methods such as `verlet` move the positions by rates that depend on momenta alone, and the momenta by rates that depend on positions, and the time, alone. The halves are found from the equations. The message names the equation that belongs to neither, as one with friction does. Methods such as `tsit5` and `vern9` take all models.",
		Example: `model M {
  state q = 1
  state p = 0
  q' = p
  p' = -q - 0.1*p
  observe seen = q
}
data d from "d.csv" { time: t; seen: seen }
fit { solver: verlet { step: 0.01 } }`,
	},
	{
		Name: "stiff", Title: "stability, and not the error, holds down the steps of a run",
		Explanation: "Something in the model moves back to its equilibrium much faster than the solution moves. An explicit method must follow at the pace of the fast part to stay stable, long after it has come to rest: steps are short whatever the tolerances, and the error of a state that is at rest wanders within the absolute tolerance `atol`. A state whose values are not large beside `atol` can be wrong in most of its digits. Take `solver: auto`, the default, or `rodas5p`, whose steps do not depend on the fast part. With an explicit method set `atol` well below the values that matter, which costs few steps here; or replace the equation of the fast state by its equilibrium.",
		Example: `model M {
  state a = 1
  state b = 0
  state c = 0
  a' = -0.04*a + 1e4*b*c
  b' = 0.04*a - 1e4*b*c - 3e7*b^2
  c' = 3e7*b^2
}
simulate { until: 40, solver: tsit5 }`,
	},
	{
		Name: "below-atol", Title: "a state grows out of its absolute tolerance to the other side of zero",
		Explanation: "Of a state that is smaller than its absolute tolerance `atol` a solver knows nothing but that, not even its sign. In many models that does not matter, since it stays there; but where the equations of a state that is slightly negative lead it on, as those of reactions do whose rates are products of concentrations, what follows is the solution from another start, however exact the steps are. Set `atol` far below the values that matter, or leave it out: it follows the sizes of states then. A state that is declared `state c >= 0` is kept from falling below zero.",
		Example: `model M {
  state a = 1
  state b = 0
  state c = 0
  a' = -0.04*a + 1e4*b*c
  b' = 0.04*a - 1e4*b*c - 3e7*b^2
  c' = 3e7*b^2
}
simulate { until: 1e11, solver: radau { rtol: 1e-3, atol: 1e-3 } }`,
	},
	{
		Name: "inexact", Title: "a run comes out otherwise with smaller tolerances",
		Explanation: "Tolerances bound the error of each step, and not what the motion makes of it: where neighbouring motions part from each other, as in chaos, in what grows from next to nothing, or at an impact that grazes, a small error becomes a large one. So simulations that take little time are run once more with a hundredth of their tolerances, and this is said where a state differs by more than a thousand relative tolerances of its size (a thousandth of it at least, a tenth at most). Solve with a smaller `rtol` until results stay, and then believe what stays. Of a chaotic motion no tolerance tells more than some time; what is asked of it should be an average then.",
		Example: `model M {
  state x = 1
  state y = 1
  state z = 20
  x' = 10*(y - x)
  y' = x*(28 - z) - y
  z' = x*y - 8/3*z
}
simulate { until: 40 }`,
	},
	{
		Name: "held-back", Title: "a parameter of a trajectory that is held back, and nothing tells it",
		Explanation: "A parameter `per` key has a value of its own for a trajectory that is held back. It is estimated behind the fit on the rows that are `given`, with everything else held; without such rows it stays at its start value, and what is reported of the trajectory says little. Where values of a fit that did not have the trajectory are taken for it, in `simulate`, `evaluate` and `score`, that is an error: give the parameter a value by `--set`.",
		Example: `model M {
  param k per year in (0, inf) = 1
  state x = 1
  x' = -k*x
  observe seen = x ~ normal(0.1)
}
data d from "d.csv" { time: t; trajectory: year; seen: seen; validate: year == 1901 }`,
	},
	{
		Name: "never-fires", Title: "an event that never fires at the estimates of a fit that does not meet the data",
		Explanation: "At the values that the fit has found, the condition of an event never turns true over the data, which are not met either. The loss then does not change with the event's threshold and jump, so that no descent finds the way back to where it fires: this is an optimum of another motion. Begin from values at which it fires, or give its threshold an interval that the motion comes through (`param level in (50, 90) = 70`).",
		Example: `model M {
  param a = 1
  state x = 1
  x' = 1
  event empty when x >= 5 { x := 0 }
  observe seen = a*x ~ normal(0.1)
}
data d from "d.csv" { time: t; seen: seen }`,
	},
	{
		Name: "unidentified", Title: "parameters that the data do not tell",
		Explanation: "Parameters can move together, or one of them alone, without a change of the loss: any of these values explains the data as well as another, and none has a standard error. Fix one of them, give it a prior, observe something else, or write the model in the combination that the data tell, such as their product.",
		Example: `model M {
  param a in (0, inf) = 1
  param b in (0, inf) = 1
  state x = 1
  x' = -a*b*x
  observe seen = x ~ normal(0.1)
}
data d from "d.csv" { time: t; seen: seen }`,
	},
	{
		Name: "shallow-crossing", Title: "a crossing that the tolerances do not tell from none",
		Explanation: "The guard of an event crosses its surface and would turn back so soon that it goes less far beyond than the state may be off by the tolerances of the solver. Whether the event fires at all hangs on errors of the solution. Smaller tolerances tell whether it crosses; if the solution touches the surface exactly, as sin(t) touches 1, they never do, and the condition should have some distance from there. Derivatives through such an event are doubtful. A warning.",
		Example: `model M {
  state x = 0
  discrete n = 0
  x' = cos(t)
  event e when x > 1 { n := n + 1 }
}
simulate { until: 3 }`,
	},
	{
		Name: "silent-start", Title: "an event whose condition holds at the start, where it does not fire",
		Explanation: "An event fires where its condition turns true. At the start nothing turns true, so that an event which holds there, on the surface of its guard, does not fire, and the motion goes on to where it holds: a ball that lies on the floor falls through it. Write `at start` for an event that is to fire there, or `zeno rest { … }` for a state that is to rest. A warning.",
		Example: `model M {
  state h = 0
  state v = 0
  h' = v
  v' = -9.81
  event bounce when h <= 0 { v := -0.8*v }
}
simulate { until: 1 }`,
	},
}

// command explains the codes of mistakes that are not in a model file.
var command = []diag.Code{
	{
		Name: "data", Title: "a table that does not fit its data block",
		Explanation: "A file of data could not be read, or what stands in it cannot be what the data block says: a column that is not there, a text in the place of a number, two values of a key in one trajectory. The message names the file, and the line and column where there are some.",
	},
	{
		Name: "usage", Title: "a wrong command line or setting",
		Explanation: "A flag, an argument or a setting is not what the command takes, or a file that it would write is there already. The message says what was found and what would be right; `pinode COMMAND --help` has examples. Exit code 2.",
	},
	{
		Name: "input", Title: "a file or a run that is not there, or cannot be read",
		Explanation: "A model, a table, a configuration or the folder of a run does not exist, is larger than what is read, or may not be opened. The message names it. Exit code 4.",
	},
	{
		Name: "output", Title: "a result that could not be written",
		Explanation: "The disk is full, the folder may not be written, another command works in it, or standard output is closed. What was there before is as it was. Exit code 7.",
	},
	{
		Name: "gradient", Title: "a gradient that disagrees with differences, or none to compare",
		Explanation: "The gradient of the loss was compared with finite differences, and one of its values is another, or no parameter and no weight has an effect at the start values. `pinode check --gradients FILE` shows each. Another `fit.gradient` may be right where one is not. Exit code 3.",
	},
	{
		Name: "fit", Title: "a fit that could not be carried out",
		Explanation: "The model and its data were read, and the fit ended without estimates: its loss or gradient was not finite, its gradient did not agree with finite differences, or too many of its runs failed. The message says which, and what to change.",
	},
	{
		Name: "internal", Title: "a mistake in pinode",
		Explanation: "Something happened that must not happen, whatever the model is. Please report it with the lines that were printed below it and, if you can, with the model.",
	},
}
