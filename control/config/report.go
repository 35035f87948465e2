package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Verdict says what became of a line. Its JSON is its String.
type Verdict uint8

// The verdicts.
const (
	Used          Verdict = iota // as keepalived means it
	UsedOtherwise                // used, but not as the text says, or it is dangerous: Note says how
	NotUsed                      // known, and without effect here: Note says why
	Refused                      // an error: Note says what, and what to do
)

// String returns "used", "used otherwise", "not used" or "refused".
func (v Verdict) String() string {
	switch v {
	case Used:
		return "used"
	case UsedOtherwise:
		return "used otherwise"
	case NotUsed:
		return "not used"
	}
	return "refused"
}

// MarshalText makes the String of v its JSON.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Line is what became of one line of a configuration.
type Line struct {
	Pos
	Text    string // the statement, without comments and without passwords
	Verdict Verdict
	Notes   []string

	severities []Severity // of Notes
}

// note adds a Note, and lets the Verdict follow.
func (l *Line) note(s Severity, text string) {
	l.Notes = append(l.Notes, text)
	l.severities = append(l.severities, s)
	verdict := map[Severity]Verdict{Ignored: NotUsed, Warning: UsedOtherwise, Error: Refused, Fatal: Refused}[s]
	l.Verdict = max(l.Verdict, verdict)
}

// Report is what became of every line, in the order of reading.
type Report struct {
	File  string // that Load was given
	Lines []Line
}

// Err is nil if the configuration may be started; else all errors, joined, each
// beginning with file:line.
func (r Report) Err() error {
	var errs []error
	for _, p := range r.Problems() {
		if p.Severity >= Error {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}

// Problems are the Lines' notes, those that are not errors too, in order.
func (r Report) Problems() []Problem {
	var list []Problem
	for _, l := range r.Lines {
		for i, text := range l.Notes {
			list = append(list, Problem{l.Pos, l.severities[i], text})
		}
	}
	return list
}

// count is how many errors and warnings there are.
func (r Report) count() (failures, warnings int) {
	for _, p := range r.Problems() {
		switch {
		case p.Severity >= Error:
			failures++
		case p.Severity == Warning:
			warnings++
		}
	}
	return failures, warnings
}

// WriteText writes the report for a person: line by line, then a summary.
func (r Report) WriteText(w io.Writer) error {
	counts := make(map[Verdict]int)
	for _, l := range r.Lines {
		if _, err := fmt.Fprintf(w, "%v: %v: %s\n", l.Pos, l.Verdict, l.Text); err != nil {
			return err
		}
		counts[l.Verdict]++
		for i, note := range l.Notes {
			if _, err := fmt.Fprintf(w, "    %v: %s\n", l.severities[i], note); err != nil {
				return err
			}
		}
	}
	failures, warnings := r.count()
	_, err := fmt.Fprintf(w, "\n%d lines: %d used, %d used otherwise, %d not used, %d refused; errors: %d, warnings: %d\n",
		len(r.Lines), counts[Used], counts[UsedOtherwise], counts[NotUsed], counts[Refused], failures, warnings)
	return err
}

// The JSON of a report, and of one of its lines.
type (
	reportDocument struct {
		File     string         `json:"file"`
		Lines    []lineDocument `json:"lines"`
		Errors   int            `json:"errors"`
		Warnings int            `json:"warnings"`
	}
	lineDocument struct {
		File    string   `json:"file"`
		Line    int      `json:"line"`
		Text    string   `json:"text"`
		Verdict Verdict  `json:"verdict"`
		Notes   []string `json:"notes"`
	}
)

// WriteJSON writes the report as JSON, which is stable.
func (r Report) WriteJSON(w io.Writer) error {
	d := reportDocument{File: r.File, Lines: []lineDocument{}}
	d.Errors, d.Warnings = r.count()
	for _, l := range r.Lines {
		notes := l.Notes
		if notes == nil {
			notes = []string{}
		}
		d.Lines = append(d.Lines, lineDocument{l.File, l.Line, l.Text, l.Verdict, notes})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}
