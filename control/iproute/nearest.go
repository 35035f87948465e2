package iproute

import (
	"maps"
	"slices"
)

// nearest is the known word that word is probably meant to be, or "".
func nearest(word string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		// Of a short word hardly anything is left after two changes.
		if d := edits(word, k); d < distance && d*2 < len(k) {
			best, distance = k, d
		}
	}
	if best != "" {
		return best
	}
	// ip(8) takes words cut short; the language of this package does not.
	for _, k := range known {
		if len(word) > 1 && len(word) < len(k) && k[:len(word)] == word {
			return k
		}
	}
	return ""
}

// edits counts the characters to insert, delete or replace to get from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
