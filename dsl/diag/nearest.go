package diag

import (
	"slices"
	"strings"
)

// mostCandidates is how many words are compared: a suggestion is no reason to wait.
const mostCandidates = 10_000

// Nearest returns the candidate that name was most likely meant to be: at most
// one edit away for short names, up to a third of the letters for long ones.
// Upper and lower case count as the same letter. Of equally near candidates
// the one that begins with more of the name is returned, then the first in alphabetical
// order.
func Nearest(name string, candidates []string) (string, bool) {
	if len(name) > 100 || len(candidates) > mostCandidates {
		return "", false
	}
	letters := []rune(strings.ToLower(name))
	limit := max(1, len(letters)/3)
	best, at, common := "", limit+1, 0
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		other := []rune(strings.ToLower(c))
		if c == name || len(other)-len(letters) > limit || len(letters)-len(other) > limit {
			continue
		}
		// A distance of all the letters leaves nothing in common.
		d, same := distance(letters, other), prefix(letters, other)
		if d < len(other) && (d < at || d == at && same > common) {
			best, at, common = c, d, same
		}
	}
	return best, at <= limit
}

// prefix is how many first letters two words have in common.
func prefix(a, b []rune) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
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
