package config

import (
	"maps"
	"slices"
	"strings"
)

// nearest is the keyword that a misspelt one, or its beginning, may have been
// meant to be, "" if none is near.
func nearest(word string, known map[string]*keyword) string {
	best, least := "", 1+max(1, len(word)/4)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	if best == "" && len(word) > 3 {
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if strings.HasPrefix(name, word) {
				return name
			}
		}
	}
	return best
}

// distance is how many letters must be changed, added, left out or exchanged
// with their neighbour to make b of a (Damerau and Levenshtein, each place once).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
