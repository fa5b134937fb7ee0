package explain

import "github.com/pinode/pinode/dsl/diag"

// Words explains the words of a fit: those of its verdict and its status in run.json, and what stands beside an
// estimate or a certificate.
var Words = []diag.Code{
	{
		Name: "fits", Title: "a verdict: an optimum was reached, and the data are met",
		Explanation: "Printed as \"converged, and meets the data\". The mean square of the residuals in units of the declared noise, χ² per value, is about 1, and residuals of one sign do not follow each other. docs/fitting.md says how it is judged.",
	},
	{
		Name: "misfit", Title: "a verdict: an optimum was reached, and the data are not met",
		Explanation: "Residuals are larger than the noise that the observations declare, or residuals of one sign follow each other. The model is wrong, the declared noise is too small, or there is a better optimum: look at fit.png for where residuals go astray, at `basins` in run.json for other optima, and start nearer (`--set`, `param … = `). A misfit is a result: exit code 0.",
	},
	{
		Name: "unknown", Title: "a verdict: an optimum was reached, and nothing says whether the data are met",
		Explanation: "No observation declares its noise (`observe y = x ~ normal(0.1)`), or there are no more values than parameters, so that any model meets the data. Declare the noise, or measure more.",
	},
	{
		Name: "unconverged", Title: "a verdict: no optimum was reached", Also: []string{"not-converged"},
		Explanation: "Printed as \"not converged\", with the reason: mostly the iterations that a chain of optimizers was given were all made (`optimizer: lbfgs { iterations: … }`), or no step lowered the loss. Estimates are those of the best point so far and their standard errors mean little. Without an `optimizer` in the fit block the default looks until it has an optimum.",
	},
	{
		Name: "stopped", Title: "a verdict: the clock or a signal ended the fit",
		Explanation: "`max_time` was up, or the fit was interrupted, before an optimum was reached. The best until then is written, and `pinode fit FILE --resume RUN` goes on. Exit code 6, or that of the signal. As the code of a failure: the time was up before there was any result.",
	},
	{
		Name: "running", Title: "a status of run.json: the fit has not ended",
		Explanation: "The fit is at work, or it was killed without a chance to say so (a power cut, `kill -9`). `pinode fit FILE --resume RUN` goes on from its last checkpoint.",
	},
	{
		Name: "converged", Title: "a status of run.json: the last method met its own test",
		Explanation: "No step lowers the loss by more than round-off and the tolerances of the solver leave in it. Whether the data are met is another question: see the verdict.",
	},
	{
		Name: "max_iterations", Title: "a status of run.json: all iterations were made",
		Explanation: "The last method made as many iterations as it was given and had not met its own test. Give it more (`optimizer: lbfgs { iterations: 2000 }`), or leave the number out where the method ends by itself.",
	},
	{
		Name: "stopped_early", Title: "a status of run.json: nothing improved any more",
		Explanation: "`stop: { patience: … }` ended the fit since what it looks at had not fallen for so long, or no step lowered the loss. The message says which. Exit code 6.",
	},
	{
		Name: "max_time", Title: "a status of run.json: the time was up",
		Explanation: "`--max-time` or `stop: { max_time: … }` ended the fit. The best until then is written, and `--resume` goes on. Exit code 6.",
	},
	{
		Name: "interrupted", Title: "a signal ended the command",
		Explanation: "An interrupt (Ctrl-C, 130), a termination (143) or a hang-up (129). A fit has written a checkpoint, and `pinode fit FILE --resume RUN` goes on.",
	},
	{
		Name: "failed", Title: "a status of run.json: an error ended the fit",
		Explanation: "The message beside it is the error. What was written before is kept.",
	},
	{
		Name: "certified", Title: "of a gradient: it agrees with finite differences",
		Explanation: "Every derivative that was compared agrees with differences whose own error is known. `pinode check --gradients FILE` lists them.",
	},
	{
		Name: "doubtful", Title: "of a gradient: differences cannot tell",
		Explanation: "Differences of the loss are too rough there, near kinks, at crossings that the tolerances do not tell, or by round-off, so that they neither confirm nor refute the derivative; the ways to compute it agree with each other. `pinode check --gradients FILE` names each. Tighter tolerances (`--set fit.solver.rtol=1e-9`) often tell it.",
	},
	{
		Name: "at-its-bound", Title: "of an estimate: it stands at an end of its interval",
		Explanation: "The loss would fall beyond the end, or two standard errors reach it. A standard error says little there. Where the interval is a guess, widen it; where it is a law (a fraction, a rate that is not negative), the data are met best without the term, or by all of it.",
	},
	{
		Name: "fixed", Title: "of an estimate: it was not fitted",
		Explanation: "The model or the command line holds this value (`fixed`). It has no standard error.",
	},
}
