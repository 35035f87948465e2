//go:build race

package vrrp

// raceDetector: the simulation has one goroutine and becomes ten times slower.
const raceDetector = true
