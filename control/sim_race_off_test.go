//go:build !race

package control

const schedulerIsRandom = false
