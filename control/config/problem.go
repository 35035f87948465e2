package config

import "fmt"

// Severity says what follows from a Problem.
type Severity uint8

// Severities. By default a file with an Error starts nothing.
const (
	// Ignored: the keyword is known and has no effect here.
	Ignored Severity = iota
	// Warning: it is done, but not as the text says, or it is dangerous.
	Warning
	// Error: to carry on would be to do less than the text says. Options.Lenient
	// carries on.
	Error
	// Fatal: it cannot run at all, or not beside other routers.
	Fatal
)

// String returns "ignored", "warning", "error" or "fatal".
func (s Severity) String() string {
	switch s {
	case Ignored:
		return "ignored"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return "fatal"
}

// Problem is one thing to say about a line of a configuration.
type Problem struct {
	Pos
	Severity Severity
	Text     string
}

// Error makes a Problem an error: "file:line: text".
func (p Problem) Error() string { return fmt.Sprintf("%v: %s", p.Pos, p.Text) }

// problems gathers them.
type problems []Problem

// fail is for what makes the text mean something else, or nothing.
func (p *problems) fail(at Pos, format string, args ...any) {
	*p = append(*p, Problem{at, Fatal, fmt.Sprintf(format, args...)})
}

// skip is for what can be left out, which is what keepalived does.
func (p *problems) skip(at Pos, format string, args ...any) {
	*p = append(*p, Problem{at, Error, fmt.Sprintf(format, args...)})
}
