package diag

// Code documents a kind of diagnostic, for `pinode explain`. Each pass lists
// its codes as values in its errors.go.
type Code struct {
	Name        string   // stable, kebab-case: "unit-mismatch"
	Also        []string // other words that are printed for it
	Title       string   // one line
	Explanation string   // why it is a mistake, and what to do
	Example     string   // a file that gives this diagnostic; may be empty
}
