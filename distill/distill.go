// Package distill says what became of the learned blocks of a model: the formulas that
// were found for them, how they were judged, and why there are none. It holds results
// alone; see docs/distill.md for how they come about.
package distill

// Options say how formulas are looked for. Zero values are the defaults.
type Options struct {
	Block  string // one block; empty: all that equations use
	Degree int    // of monomials; 0: 3
	Terms  int    // most of an element; 0: 5
	Trials int    // refits for each block; 0: 300
	Draws  int    // of the bootstrap; 0: 100
	Seed   uint64
}

// Result is what became of the blocks of a run.
type Result struct {
	Blocks []Block
	Text   string // the model file with formulas in the place of blocks
	Found  bool   // all blocks have one
}

// Block is a learned block and its formula, if it has one.
type Block struct {
	Name     string
	Found    bool
	Why      string    // there is none, or how it was judged
	Formulas []Formula // by element of the result
	Share    float64   // of the variance of the block along the trajectories that the formula has, R²

	Network, Formula Judgement
	Trials           int

	// Apart is how far the runs of network and formula are from each other behind the data,
	// over as long again, of the size of the states there; NaN where that cannot be said: with
	// inputs or events that data tell.
	Apart float64
}

// Judgement is how a model meets the data.
type Judgement struct {
	LogLikelihood float64            // of the training data
	Held          float64            // of trajectories that are held back; NaN without any
	RMSE          map[string]float64 // by observation, of those that are held back if there are any
	Numbers       int                // weights of the block, or coefficients
	Criterion     float64            // −2 log L + k log n, of the formula with what its choice costs
}

// Formula is that of one element of a result.
type Formula struct {
	Element string // "" or "[0]"
	Text    string // in the language, with numbers for coefficients
	Terms   []Term
}

// Term is a candidate.
type Term struct {
	Text        string
	Chosen      float64 // how often the regression takes it, over resampled rows
	In          bool    // it is in the formula
	Parameter   string
	Coefficient float64
}
