package fit

// Verdict says what a fit is worth: see docs/fitting.md.
type Verdict struct {
	Text      string   `json:"text"`    // in one line
	Word      string   `json:"verdict"` // fits, misfit, unknown, stopped or unconverged
	Converged bool     `json:"converged"`
	Why       string   `json:"why"`                // the fit ended
	Chi2      *float64 `json:"chi2,omitempty"`     // per value, over the Values whose noise is declared; nil: there are none
	Values    int      `json:"values,omitempty"`   // that entered χ²
	Runs      *float64 `json:"runs,omitempty"`     // probability of so few runs of residuals of one sign, were they independent
	Starts    int      `json:"starts,omitempty"`   // that led to a loss
	Here      int      `json:"here,omitempty"`     // of these, how many led to this optimum
	Bounds    []string `json:"bounds,omitempty"`   // parameters at an end of their interval
	Equal     int      `json:"equal,omitempty"`    // starts that led to the same loss with clearly other parameters
	Untold    int      `json:"untold,omitempty"`   // combinations of parameters that the data do not tell
	Open      []string `json:"open,omitempty"`     // the parameters of each of these
	Worst     string   `json:"worst,omitempty"`    // of a misfit: the observation of several that is met worst, and its χ² per value
	Few       bool     `json:"few,omitempty"`      // no more values than parameters
	Learned   bool     `json:"learned,omitempty"`  // the noise of observations is a parameter, and none declares it
	Exchange  []string `json:"exchange,omitempty"` // parameters that may change places with others
	Beside    []string `json:"beside,omitempty"`   // events whose firings rows of data hold
	Ended     string   `json:"ended,omitempty"`    // of a misfit: why no further start was tried
}

// Basin is an optimum that starts have led to: its loss, and the first of them.
type Basin struct {
	Loss   float64 `json:"loss"` // in nats, undivided
	Starts int     `json:"starts"`
	Start  string  `json:"start"`          // the first of these
	User   bool    `json:"user,omitempty"` // that of the model file is among them
	Chi2   float64 `json:"chi2,omitempty"` // per value; 0: nothing tells it
}

// Score is how a model meets an observation, or a component of one.
type Score struct {
	Observation string
	Values      int
	RMSE        float64

	// The shares of values that lie in the central 50 % and 95 % of their distribution
	// around the prediction; NaN without one.
	Coverage50, Coverage95 float64
}

// Residual is a measured value with its prediction.
type Residual struct {
	Trajectory, Observation string
	Time                    float64
	Data, Prediction        float64
}
