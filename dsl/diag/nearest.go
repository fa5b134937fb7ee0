package diag

import (
	"slices"
	"strings"
)

// Nearest returns the candidate that name was most likely meant to be: at most
// one edit away for short names, up to a third of the letters for long ones.
// Upper and lower case count as the same letter. Of equally near candidates
// the first in alphabetical order is returned.
func Nearest(name string, candidates []string) (string, bool) {
	letters := []rune(strings.ToLower(name))
	limit := max(1, len(letters)/3)
	best, at := "", limit+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		other := []rune(strings.ToLower(c))
		if c == name || len(other)-len(letters) > limit || len(letters)-len(other) > limit {
			continue
		}
		// A distance of all the letters leaves nothing in common.
		if d := distance(letters, other); d < at && d < len(other) {
			best, at = c, d
		}
	}
	return best, at <= limit
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (Damerau–Levenshtein, optimal string alignment).
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
