package config

import (
	"slices"
	"testing"
)

func TestHowACommandIsTakenApart(t *testing.T) {
	tests := map[string][]string{
		"/bin/a":             {"/bin/a"},
		" /bin/a  b\tc ":     {"/bin/a", "b", "c"},
		`/bin/a "b c" 'd e'`: {"/bin/a", "b c", "d e"},
		`/bin/a b'c 'd`:      {"/bin/a", "bc d"},
		`/bin/a ''`:          {"/bin/a", ""},
		`/bin/a b\ c \"`:     {"/bin/a", "b c", `"`},
		`/bin/a '"'`:         {"/bin/a", `"`},
		"":                   nil,
	}
	for line, want := range tests {
		if got, err := splitCommand(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", line, got, err)
		}
	}
	if _, err := splitCommand(`/bin/a "b`); err != errQuote {
		t.Errorf("a quote that is not closed: %v", err)
	}
}
