// Package fits has ordinary problems of fitting, as users of different fields would write
// them: a model with units, start values that are off by 30 to 300 %, a network where a
// law is not known, irregular times, missing values, a trajectory that is held back, and no
// fit block. Each comes with the law behind its data, which are computed here by other means
// than those of pinode, so that a fit can be scored.
package fits
