package diag

import (
	"sort"
	"strings"
)

// Code documents a kind of diagnostic, for `pinode explain`.
type Code struct {
	Name        string
	Title       string
	Explanation string
	Example     string // a file that gives this diagnostic; may be empty
}

// Nearest returns the candidate that name was most likely meant to be: at most
// one edit away for short names, up to a third of the letters for long ones.
func Nearest(name string, candidates []string) (string, bool) {
	limit := max(1, len([]rune(name))/3)
	best, at := "", limit+1
	sorted := append([]string{}, candidates...)
	sort.Strings(sorted)
	for _, c := range sorted {
		if d := distance([]rune(strings.ToLower(name)), []rune(strings.ToLower(c))); d < at && c != name && d < len([]rune(c)) {
			best, at = c, d
		}
	}
	return best, at <= limit
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b []rune) int {
	row := func() []int { return make([]int, len(b)+1) }
	prev2, prev, cur := row(), row(), row()
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
