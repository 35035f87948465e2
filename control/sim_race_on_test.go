//go:build race

package control

// The race detector's scheduler runs goroutines that are ready in random order.
const schedulerIsRandom = true
