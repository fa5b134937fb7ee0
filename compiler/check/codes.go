package check

import "github.com/pinode/pinode/dsl/diag"

// The codes of the diagnostics. Warnings are marked.
const (
	badAssignment   = "bad-assignment"
	algebraicCount  = "algebraic-count"
	badBoundary     = "bad-boundary"
	badCoordinate   = "bad-coordinate"
	badDerivative   = "bad-derivative"
	badDistribution = "bad-distribution"
	badExpression   = "bad-expression"
	badGrid         = "bad-grid"
	badIndex        = "bad-index"
	badMapping      = "bad-mapping"
	badOption       = "bad-option"
	badPeriod       = "bad-period"
	badRequire      = "bad-require"
	badRowCondition = "bad-row-condition"
	badSetting      = "bad-setting"
	badShape        = "bad-shape"
	badTable        = "bad-table"
	badUnit         = "bad-unit"
	badZeno         = "bad-zeno"
	cycle           = "cycle"
	deadEvent       = "dead-event" // warning
	duplicate       = "duplicate"
	emptyInterval   = "empty-interval"
	eventCycle      = "event-cycle"     // warning
	idleAssignment  = "idle-assignment" // warning
	idleConserve    = "idle-conserve"   // warning
	inferredUnit    = "inferred-unit"   // warning
	fieldPlace      = "field-place"
	fittedSpread    = "fitted-spread" // warning
	misplaced       = "misplaced"
	missingEquation = "missing-equation"
	missingInitial  = "missing-initial"
	missingTime     = "missing-time"
	noDensity       = "no-density"
	noModel         = "no-model"
	notACondition   = "not-a-condition"
	notAFunction    = "not-a-function"
	notAState       = "not-a-state"
	notAValue       = "not-a-value"
	notInEncoder    = "not-in-encoder"
	notConstant     = "not-constant"
	notFixed        = "not-fixed"
	oldValue        = "old-value" // warning
	outsideInterval = "outside-interval"
	ownJump         = "own-jump"
	roughActivation = "rough-activation" // warning
	shapeMismatch   = "shape-mismatch"
	staysTrueCode   = "stays-true" // warning
	tooLarge        = "too-large-model"
	twoEquations    = "two-equations"
	unitMismatch    = "unit-mismatch"
	unknownName     = "unknown-name"
	unreadDiscrete  = "unread-discrete" // warning
	unusedModel     = "unused-model"
	unusedParameter = "unused-parameter" // warning
	vectorCondition = "vector-condition"
	writeConflict   = "write-conflict"
	wrongArguments  = "wrong-arguments"
	wrongOrder      = "wrong-order"
)

// decay is the start of most examples.
const decay = "model M {\n  state x = 1\n  x' = -x\n"

// Codes documents the diagnostics of this package. Each example gives its
// own code and no other.
var Codes = []diag.Code{
	{Name: badAssignment, Title: "something is assigned that cannot be", Explanation: "Events assign states and discrete variables only; everything else follows from them. `zeno rest` assigns states.", Example: "model M {\n  param p = 1\n  state x = 0\n  x' = p\n  event e at t = 1 { p := 2 }\n}"},
	{Name: algebraicCount, Title: "more or fewer equations than algebraic unknowns", Explanation: "Algebraic unknowns have no rates: lines `0 = E` determine them at all times, as many as they have elements together. Which line belongs to which unknown does not matter.", Example: "model M {\n  state x = 1\n  algebraic z = 0\n  x' = z\n}"},
	{Name: badBoundary, Title: "a boundary that is none", Explanation: "A boundary is an equation of fields, parameters, the time and `diff` along the axis that holds at a side: `boundary u = 0 at x = 0, x = 1`. Sides are the ends of a coordinate that is not periodic; a part of one is told by other coordinates, `at x = 0 and y > 0.5`.", Example: "model M {\n  coordinate x in [0, 1]\n  state u(x) = 0\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 0.5\n}"},
	{Name: badCoordinate, Title: "a coordinate that is none", Explanation: "Coordinates are axes of space, from one end to another; a field has at most three. The time is none of them.", Example: "model M {\n  coordinate x in [0, inf)\n  state u(x) = 0\n  u' = diff(u, x)\n}"},
	{Name: fieldPlace, Title: "a field without its place", Explanation: "A field has a value at each place of its coordinates. What does not vary over them reads it at a place, u(0), inside of the domain, or takes its integral.", Example: "model M {\n  coordinate x in [0, 1]\n  state u(x) = 0\n  state v = 0\n  u' = v\n  v' = u\n}"},
	{Name: badDerivative, Title: "a derivative that is not there", Explanation: "diff(E, x) takes a state, a parameter, an argument of a function, a coordinate, or the time as x, or elements of one. x' names the derivative of a state up to the order of its equation.", Example: "model M {\n  state x = 0\n  let y = x^2\n  x' = diff(y, y)\n}"},
	{Name: badDistribution, Title: "a distribution that cannot stand here", Explanation: "Observations, priors and samples each have their distributions; scales are positive numbers.", Example: decay + "  observe y = x ~ normal(-1)\n}"},
	{Name: badExpression, Title: "an expression that has no value", Explanation: "Texts stand for paths, and in conditions on the columns of a table.", Example: "model M {\n  state x = 0\n  x' = \"a\"\n}"},
	{Name: badGrid, Title: "a grid that cannot be", Explanation: "The block grid says in how many cells each coordinate is cut, x: 256 cells, with what scheme (central, upwind, weno5, spectral) and, of central differences, with which order (2, 4, 6).", Example: "model M {\n  coordinate x in [0, 1]\n  boundary periodic x\n  state u(x) = 0\n  u' = diff(u, x, x)\n}\ngrid { x: 0 cells }"},
	{Name: badIndex, Title: "an index outside of its array", Explanation: "Indices start at 0 and are known when the model is compiled; a range leaves out its end. What a loop declares is chosen by the index of the round, right behind the name.", Example: "model M {\n  state x[2] = 0\n  x' = -x\n  let y = x[2]\n}"},
	{Name: badMapping, Title: "a data block does not fit the model", Explanation: "A data block gives each component of an observation one column, of every input and covariate that is read from data too, and a block of columns for an event on data.", Example: "model M {\n  state x[2] = 0\n  x' = -x\n  observe y[2] = x\n}\ndata d from \"d.csv\" {\n  time: t\n  y: a\n}"},
	{Name: badOption, Title: "an option has a value that it cannot have", Explanation: "The message says what the option takes.", Example: decay + "  observe y = x { weight: -1 }\n}"},
	{Name: badPeriod, Title: "a period, delay or rate that cannot be", Explanation: "Periods are positive; delays and rates are not negative.", Example: decay + "  event e every 0 { x := 1 }\n}"},
	{Name: badRequire, Title: "`require` without a comparison", Explanation: "require g >= 0 and require g == 0 penalise violations along the trajectory.", Example: decay + "  require x\n}"},
	{Name: badRowCondition, Title: "a condition on rows that cannot be evaluated", Explanation: "train, validate and where take comparisons of columns, numbers and texts, joined by and, or, not.", Example: decay + "  observe y = x\n}\ndata d from \"d.csv\" {\n  time: t\n  y: a\n  train: id\n}"},
	{Name: badSetting, Title: "a setting has a value that it cannot have", Explanation: "The message says what the setting takes.", Example: decay + "}\nfit { seed: 1.5 }"},
	{Name: badShape, Title: "a shape that is not possible", Explanation: "Arrays have one or two dimensions of at least one element.", Example: "model M {\n  state x[0] = 0\n  x' = -x\n}"},
	{Name: badTable, Title: "a file of numbers that cannot be read", Explanation: "const M[2, 3] from \"file.csv\" reads numbers from a file beside the model: a line for each row, with commas or tabs between the numbers. The message says what does not fit.", Example: decay + "  const A[2] from \"no such file.csv\"\n}"},
	{Name: badUnit, Title: "a unit declaration that is none", Explanation: "A unit is new (`unit mouse`) or a positive number of another (`unit mmHg = 133.322 [Pa]`).", Example: "unit u = 3\n" + decay + "}"},
	{Name: badZeno, Title: "a `zeno` line that does not fit its rule", Explanation: "zeno error, zeno stop, zeno pass, or zeno rest { assignments }, once in the body of an event with a condition.", Example: "model M {\n  state x = 1\n  x' = -1\n  event e when x <= 0 { x := 1; zeno rest }\n}"},
	{Name: cycle, Title: "a definition that refers to itself", Explanation: "Quantities, constants, functions, units and components must not be defined in a circle. The message names the circle in order.", Example: "model M {\n  let a = b\n  let b = a\n  state x = 0\n  x' = a\n}"},
	{Name: deadEvent, Title: "an event that never fires", Explanation: "An event fires when its condition turns from false to true. Neither time nor a state nor another event changes this one. Or its time is not behind the start: at the initial time nothing fires without `at start`. A warning.", Example: decay + "  param p = 1\n  event e when p > 2 { x := p }\n}"},
	{Name: duplicate, Title: "a name is declared twice", Explanation: "Every name of a model is declared once. Observations, events, conserved quantities and losses have namespaces of their own.", Example: "model M {\n  param x = 1\n  state x = 0\n  x' = -x\n}"},
	{Name: emptyInterval, Title: "an interval without a number in it", Explanation: "The lower bound must be below the upper one.", Example: "model M {\n  param p in (1, 0)\n  state x = 0\n  x' = p\n}"},
	{Name: eventCycle, Title: "events that fire each other for ever", Explanation: "Their conditions depend on discrete variables only, and each sets these so that the next fires, at the same instant. A warning.", Example: decay + "  discrete m = 0\n  event a when m == 0 { m := 1 }\n  event b when m == 1 { m := 0 }\n}"},
	{Name: idleAssignment, Title: "an assignment of a variable to itself", Explanation: "It changes nothing. A warning.", Example: decay + "  event e when x < 0.5 { x := x }\n}"},
	{Name: idleConserve, Title: "a conserved quantity that nothing changes", Explanation: "It depends on neither states nor discrete variables nor time. A warning.", Example: decay + "  param k = 2\n  conserve q = 3*k\n}"},
	{Name: misplaced, Title: "a construct where it has no meaning", Explanation: "before belongs to observations and losses, data and observed to losses and events on observations, first and slope to initial values, rising, falling and crossing to triggers, arguments to events on data.", Example: "model M {\n  state x = 0\n  x' = before(x)\n}"},
	{Name: missingEquation, Title: "a state without an equation of motion", Explanation: "Every state has exactly one equation of motion, as x' = … or x'' = …, or one for each element.", Example: "model M {\n  state x = 0\n}"},
	{Name: missingInitial, Title: "a variable without an initial value", Explanation: "States and discrete variables start somewhere; derivatives of a state start at 0 unless it is said otherwise.", Example: "model M {\n  state x\n  x' = -x\n}"},
	{Name: missingTime, Title: "trajectories whose rows have no times", Explanation: "The rows of a trajectory each have a time. In a data block without `time` every row is a trajectory of its own, and `trajectory` has no meaning.", Example: decay + "  observe y = x\n}\ndata d from \"d.csv\" { y: a, trajectory: id }"},
	{Name: noDensity, Title: "states whose density is not known", Explanation: "`logdensity(z)` and an observation `~ exact` carry the density of all states along the motion, from draws from which they start, each from one of its own. Events would jump, and what else is observed along the way is not given by what is measured at the end.", Example: "model M {\n  draw a ~ normal(0, 1)\n  state x = a\n  state y = 1\n  x' = -x\n  y' = x\n  let p = logdensity([x, y])\n}"},
	{Name: noModel, Title: "a file without a model", Explanation: "A model file declares at least one model.", Example: "fit { seed: 1 }"},
	{Name: notACondition, Title: "a condition whose root cannot be located", Explanation: "Conditions compare; a comparison gives a guard function whose change of sign is located. Equality of quantities that change continuously has none.", Example: decay + "  event e when x == 0.5 { x := 0 }\n}"},
	{Name: notAFunction, Title: "a call of something that is not a function", Explanation: "Functions are declared with fn, blocks with neural.", Example: "model M {\n  param k = 1\n  state x = 0\n  x' = k(x)\n}"},
	{Name: notAState, Title: "an equation for something that is not a state", Explanation: "Only states have equations of motion.", Example: "model M {\n  param k = 1\n  state x = 0\n  x' = k\n  k' = 1\n}"},
	{Name: notAValue, Title: "a name that stands for no value", Explanation: "Functions and blocks are called.", Example: "model M {\n  fn f(x) = x\n  state x = 0\n  x' = f\n}"},
	{Name: notInEncoder, Title: "something that an encoder cannot have or read", Explanation: "What is used `backward` runs first, over what is measured, from the last row to the start. It has states, blocks and events on observations; the model that uses it reads what it has come to, and it reads nothing of that model.", Example: "model E {\n  observe x\n  state h = 0\n  h' = -h\n  event see on observation of x { h := h + data(x) }\n  event tick every 1 { h := 0 }\n}\nmodel M {\n  use E as enc backward\n  draw z ~ normal(0, 1) { posterior: normal(enc.h, 1) }\n  observe x = z ~ normal(1)\n}"},
	{Name: notConstant, Title: "a number is needed before the run", Explanation: "Shapes, indices, constants, settings and bounds are known when the model is compiled.", Example: "model M {\n  state x = 0\n  x' = 1\n  const c = x\n}"},
	{Name: notFixed, Title: "a quantity that changes where a fixed one is needed", Explanation: "Initial values depend on parameters, covariates and the trajectory's data; start values of parameters on numbers, and, for parameters per trajectory, on covariates and data; inputs on the time.", Example: "model M {\n  input u\n  state x = u\n  x' = -x\n}"},
	{Name: oldValue, Title: "a delayed event assigns a variable from what it was at the trigger", Explanation: "Right-hand sides of an event read the values at its trigger. With `after D` that is D ago, and `x := x + 1` takes back whatever happened to x since. `x += 1` adds to x as it is when the jump is carried out; with `late` all right-hand sides are read then. A warning, for states and for discrete variables that other events assign too.", Example: "model M {\n  state x = 0\n  x' = 1\n  event e when x >= 1 after 0.5 persistent { x := x - 1 }\n}"},
	{Name: outsideInterval, Title: "a value outside of its interval", Explanation: "A parameter starts inside its interval, and where its prior has a density.", Example: "model M {\n  param p in (0, 1) = 2\n  state x = 0\n  x' = p\n}"},
	{Name: ownJump, Title: "a measurement that moves its own prediction", Explanation: "The event on an observation acts before the row of data that fires it is read. If it assigns what the observation predicts, the measured value is compared with itself, and its spread says nothing. Predict the value before the event with before(E), or give the observation the weight 0.", Example: "model M {\n  state z = 0\n  z' = -z\n  event e on observation of y { z := data(y) }\n  observe y = z ~ normal(1)\n}"},
	{Name: roughActivation, Title: "an activation that is not smooth", Explanation: "Its kinks break the order of adaptive solvers and of the location of events. A warning.", Example: "model M {\n  neural f(x) -> 1 { activation: relu }\n  state x = 0\n  x' = f(x)\n}"},
	{Name: shapeMismatch, Title: "shapes that do not fit", Explanation: "Operators work element by element on equal shapes; only single numbers are repeated. The matrix product is @.", Example: "model M {\n  state x[2] = 0\n  state y[3] = 0\n  x' = x + y\n  y' = -y\n}"},
	{Name: staysTrueCode, Title: "a jump that leaves its own condition true", Explanation: "An event fires when its condition turns true. The values that its body assigns satisfy the condition, so it fires again only after something else has made it false. It does not hold the variable there: a bound that holds is a rate that is 0 at it, `x' = if x >= 1 and r > 0 then 0 else r`, which rests on its surface. A warning.", Example: "model M {\n  state x = 0\n  x' = 1\n  event e when x >= 5 { x := 7 }\n}"},
	{Name: tooLarge, Title: "a model that unrolls to too much", Explanation: "Loops, components and functions are unrolled when the model is compiled. Arrays are not. Each derivative of a derivative has about twice as many operations as what it is of.", Example: "model M {\n  for i in 0..10000000 {\n    let y = i\n  }\n  state x = 0\n  x' = 1\n}"},
	{Name: twoEquations, Title: "two equations for one state", Explanation: "Every state, or element of one, has exactly one equation of motion.", Example: "model M {\n  state x = 0\n  x' = 1\n  x' = 2\n}"},
	{Name: unitMismatch, Title: "units that do not fit", Explanation: "Units are part of the type: what is added, compared or assigned has equal units, scale included; functions like exp take numbers without unit. No conversion happens behind your back. The message names both units and where each comes from, and, where only the scale differs, the factor to write.", Example: "model M {\n  time t: s\n  state x: m = 0\n  x' = 1 [m/s^2]\n}"},
	{Name: unknownName, Title: "a name that is not declared", Explanation: "Names are declared in the model, in the physics library, or belong to the language.", Example: "model M {\n  state x = 0\n  x' = -kk*x\n}"},
	{Name: unreadDiscrete, Title: "a discrete variable that nothing reads or assigns", Explanation: "It has no effect. One that an event assigns, as a counter, is a result of every simulation, and needs no reader. A warning.", Example: "model M {\n  state x = 0\n  discrete n = 0\n  x' = 1\n}"},
	{Name: inferredUnit, Title: "a column without a unit, for what has none of its own", Explanation: "Neither the column nor the declaration of what it is read into has a unit, and other lines of the model give it one: its numbers are taken in that unit, whatever they were measured in. Declare the unit, or write that of the column, which is then converted. A warning.", Example: "model M {\n  input a: cm\n  input b\n  state x: cm = 0\n  x' = (a + b)*1 [1/s]\n  time t: s\n}\ndata d from \"d.csv\" { time: t, a: a, b: b }"},
	{Name: unusedModel, Title: "a model that nothing uses", Explanation: "The main model of a file is its last one, or that which `--model` names; data, fit and simulate are of that. Others are components of it. A warning.", Example: "model A {\n  state x = 0\n  x' = 1\n}\nmodel M {\n  state x = 0\n  x' = 1\n}"},
	{Name: fittedSpread, Title: "a spread of a prior that is fitted with what the prior is of", Explanation: "A fit maximises the density of parameters and data together. Where parameters of subjects have a prior around a common value, and its spread is a parameter too, that has no maximum, or one near 0 where the spread has a prior of its own: the density grows by a power of the spread for each subject as all become alike, whatever the data say. Fit without the prior first, and fix the spread at how much the estimates differ, less what their standard errors account for. A warning.", Example: "model M {\n  param pop = 1\n  param omega in (0, inf) = 0.3\n  param k per subject = 1 ~ normal(pop, omega)\n  state x = 1\n  x' = -k*x\n  observe y = x\n}\ndata d from \"d.csv\" { time: t, trajectory: subject, y: y }"},
	{Name: unusedParameter, Title: "a parameter that nothing depends on", Explanation: "It cannot be learned from data. The same goes for a neural block that nothing calls. A warning.", Example: "model M {\n  param k = 1\n  state x = 0\n  x' = 1\n}"},
	{Name: vectorCondition, Title: "a condition with more than one truth value", Explanation: "Compare single elements, or reduce with min, max or norm.", Example: "model M {\n  state x[2] = 0\n  x' = if x > 1 then 1 else 2\n}"},
	{Name: writeConflict, Title: "one variable is assigned twice at one instant", Explanation: "When two events fire at one instant the result would depend on the order of declaration. Give them different priorities, or conditions that exclude each other: opposite directions of one guard, different values of a discrete variable, different constant times. Events with one constant delay meet only if they are triggered at once. Random events never meet others. What both add with `+=` adds up and needs no order.", Example: "model M {\n  state x = 0\n  x' = 1\n  event a when x > 1 { x := 0 }\n  event b when t > 1 { x := 2 }\n}"},
	{Name: wrongArguments, Title: "a call with the wrong number of arguments", Explanation: "The message says how many it takes.", Example: "model M {\n  state x = 0\n  x' = sin(x, x)\n}"},
	{Name: wrongOrder, Title: "equations of different order for one state", Explanation: "The order of a state is that of its highest derivative among its equations and initial values, up to 8; its equation gives that derivative.", Example: "model M {\n  state x = 0, x' = 0\n  x' = 1\n}"},
}
