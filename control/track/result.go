package track

import "time"

// State is what is known of what is watched.
type State uint8

// The states. Unknown ends with the first result.
const (
	Unknown State = iota
	Up
	Down
)

func (s State) String() string {
	return [...]string{"unknown", "up", "down"}[s]
}

// Result is what a tracker found. Value is a file's number; elsewhere 0.
type Result struct {
	Key    Key
	State  State
	Value  int
	Reason string    // in words, for the log and for status: "exit status 1", "timed out after 5s", "no such process"
	At     time.Time // since when State and Value are what they are
}

// finding is what a watcher tells.
type finding struct {
	state  State
	value  int
	reason string
	detail string // for the log: what a script wrote
}
