package config

import "io"

// Verdict says what became of a line. Its JSON is its String.
type Verdict uint8

// The verdicts.
const (
	Used          Verdict = iota // as keepalived means it
	UsedOtherwise                // used, but not as the text says, or it is dangerous: Note says how
	NotUsed                      // known, and without effect here: Note says why
	Refused                      // an error: Note says what, and what to do
)

// Line is what became of one line of a configuration.
type Line struct {
	Pos
	Text    string // the statement, without comments
	Verdict Verdict
	Notes   []string
}

// Report is what became of every line, in the order of reading.
type Report struct {
	Lines []Line
}

// Err is nil if the configuration may be started; else all errors, joined, each
// beginning with file:line.
func (r Report) Err() error { return nil }

// Problems are the Lines' notes, those that are not errors too, in order.
func (r Report) Problems() []Problem { return nil }

// WriteText writes the report for a person: line by line, then a summary.
func (r Report) WriteText(w io.Writer) error { return nil }

// WriteJSON writes the report as JSON, which is stable.
func (r Report) WriteJSON(w io.Writer) error { return nil }
