package explain

import (
	"github.com/pinode/pinode/dsl/diag"
)

// Statuses explains how a run can end, in the order of sim.Status. Its example is
// a run that ends so.
var Statuses = []diag.Code{
	{
		Name: "success", Title: "the run reached its end",
		Explanation: "The solution was computed from the start to the end, with every event on the way. Nothing is to be changed.",
		Example: `model Decay {
  state x = 1
  x' = -x
}
simulate { until: 1 }`,
	},
	{
		Name: "terminated", Title: "an event ended the run",
		Explanation: "An event with `terminate` in its body fired, or one with `zeno stop` came to the limit of its times. The run has values until then. In a fit, a trajectory that ends so before its last measurement counts as failed: it predicts nothing there. To let the run go on, take `terminate` out of the event, or write another `zeno` line.",
		Example: `model Decay {
  state x = 1
  x' = -x
  event low when x <= 0.5 { terminate }
}
simulate { until: 3 }`,
	},
	{
		Name: "max_steps", Title: "the allowed number of steps did not reach the end",
		Explanation: "Each trajectory may take `max_steps` steps of the solver, a million unless the model says otherwise. When they run out, the problem is often stiff: something in it is very fast and decays at once, and an explicit method must follow it with tiny steps. `solver: auto`, the default, or `rodas5p` do not have to. An event that fires again and again after very short times uses up steps too: see the event log. Only when the steps are all of a sensible length, allow more of them: `solver: tsit5 { max_steps: 10000000 }`.",
		Example: `model Fast {
  state x = 1
  x' = -10000*(x - cos(t))
}
simulate { until: 10, solver: tsit5 { max_steps: 200 } }`,
	},
	{
		Name: "step_too_small", Title: "the tolerances ask for a step that is too short for the clock",
		Explanation: "The solver made its steps shorter and shorter until the time could not be advanced any more. Mostly the solution runs to infinity at a finite time there, or the equation has a singularity: a division by something that comes to zero, a power of something negative. The message names the largest state and its equation. Keep the solution away from there (bounds of parameters, a `clamp`, an event that acts before), or end the run earlier. Tolerances near 1e-15 cannot be met at all.",
		Example: `model Growth {
  state x = 1
  x' = x^2
}
simulate { until: 2 }`,
	},
	{
		Name: "unstable", Title: "a value is too large for a number, or is none",
		Explanation: "A state or a rate became infinite, or is not a number: the logarithm or the root of something negative, 0/0, an exponential of something large. The message names the state or the event and its place. Say in the model what holds there (`if`, `max`), give parameters bounds that keep out of it, or choose other start values. A fixed step that is too long for its method also ends so: take a shorter one, or a method that controls its step.",
		Example: `model Tank {
  state level = 1
  level' = -sqrt(level) - 0.1
}
simulate { until: 3 }`,
	},
	{
		Name: "event_livelock", Title: "one event fires more than 100 times at one instant",
		Explanation: "Events fire each other round and round without any time going by. The message names the last ones. Mostly the condition of one is made true by the jump of the other, and the other way round. Leave a gap between the two conditions (a dead band), give the events a variable that remembers what was done, or let one of them wait with `after D`. An event that another puts onto its threshold holds there if it compares by `>=` or `<=`; `rising(…)` and `falling(…)` fire where the motion crosses it, and not by such a jump.",
		Example: `model Flip {
  state x = 0
  discrete on = 0
  x' = 1
  event up when x >= 1 and on == 0 { on := 1 }
  event down when x >= 1 and on == 1 { on := 0 }
}
simulate { until: 2 }`,
	},
	{
		Name: "event_graze", Title: "a guard touches its surface without crossing it",
		Explanation: "The guard of an event or of a switch comes to zero and turns back, within the accuracy of the run. Whether the event fires there is a matter of round-off, and the time of the event has no derivative by the parameters: a little more and it is not there at all. Move the threshold, or change the parameters a little, so that it is clearly crossed or clearly missed. A guard that comes to rest on its surface is no graze.",
		Example: `model Throw {
  state x = 0
  discrete seen = 0
  x' = 1 - t
  event top when x >= 0.5 { seen := 1 }
}
simulate { until: 2 }`,
	},
	{
		Name: "event_sliding", Title: "the solution can neither leave surfaces nor slide along them",
		Explanation: "Where the fields on both sides of a surface push onto it, the solution slides along it, and where surfaces meet, along all of them. Here that leaves no motion: the fields push back only by their second derivatives, more than two surfaces meet at which jumps multiply each other, or no mean of the fields around them stays there. The message names the surfaces. Give one of the switches a dead band (an event with two thresholds and a discrete variable), or replace the jump of the field by a steep slope: `tanh(x/width)` for `sign(x)`, or `smooth(…)` around the term, which turns off the location of its corner.",
		Example: `model Swing {
  state x = 0
  state v = 0
  x' = v
  v' = -sign(x)
}
simulate { until: 2 }`,
	},
	{
		Name: "event_zeno", Title: "an event fires ever faster, and nothing says what then",
		Explanation: "The gaps between the firings of an event shrink to nothing before a limit, which the message has, like the bounces of a ball that comes to rest. No finite number of jumps gets past it. Say in the body of the event what holds from there: `zeno rest { h := 0; v := 0 }` assigns values and holds these states until the field pushes them off, `zeno stop` ends the run without an error, `zeno pass` goes on beyond the limit. If the event should not fire so often at all, look at its jump: mostly it gives back too little.",
		Example: `model Ball {
  state h = 1
  state v = 0
  h' = v
  v' = -9.81
  event bounce when h <= 0 { v := -0.5*v }
}
simulate { until: 3 }`,
	},
	{
		Name: "no_balance", Title: "no algebraic unknowns satisfy the equations",
		Explanation: "The lines `0 = …` of the model were to be solved for the algebraic unknowns, at the start or behind an event, by Newton's method from the declared guess or the values before, and that came to no end: there is no solution, the guess is too far from one, or the equations leave an unknown open (their derivatives by the unknowns are singular there). Look whether the equations have a solution with these parameters, and give a guess on the right branch: `algebraic q = 2`.",
		Example: `model Root {
  state x = 1
  algebraic z = 1
  x' = -x
  0 = z^2 + x
}
simulate { until: 1 }`,
	},
	{
		Name: "negative", Title: "a state falls below zero that is declared `>= 0`",
		Explanation: "`state c >= 0` says that the equations keep c from falling below zero, as those of a concentration do, whose losses come to an end with it; a solver that leads it there takes shorter steps. Here it is the model that does so: the rate of c is negative at zero, or an event or the start sets it to a negative value. Look at the equation that the message names: a loss that does not depend on c goes on when nothing is left. End it by an `if c > 0`, or by an event; or leave `>= 0` out.",
		Example: `model Leak {
  state c >= 0 = 1
  c' = -1
}
simulate { until: 2 }`,
	},
	{
		Name: "no_steady", Title: "there is no steady state to start from",
		Explanation: "With `start steady` a run starts where the motion from the initial values comes to rest. The motion was followed with longer and longer steps and did not come to rest: it goes on oscillating or growing, or one of its rates has no value on the way. Or the state of rest that was found is not one that the motion comes to: it is unstable, or nothing damps an oscillation about it, as the eigenvalues of the linear part there say. Simulate the model without `start steady` and look; with other initial values, or other values of inputs and parameters in the braces, it may come to rest.",
		Example: `model Growing {
  state x = 1
  start steady
  x' = 0.1*x + 1
}
simulate { until: 1 }`,
	},
}
