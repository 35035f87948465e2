package track

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// expectValue waits for the report of a file's value.
func (s *site) expectValue(want int) Result {
	s.t.Helper()
	r := s.next()
	if r.Value != want || r.State != Up {
		s.t.Fatalf("%s is %s with %d, want %d", r.Key, r.State, r.Value, want)
	}
	return r
}

func TestAFileHasTheNumberThatItBeginsWith(t *testing.T) {
	tests := []struct {
		text   string
		want   int
		reason string
	}{
		{"7\n", 7, ""},
		{"-12", -12, ""},
		{"+3", 3, ""},
		{" \n\t 42 of them", 42, ""},
		{"5x", 5, ""},
		{"2147483647", 2147483647, ""},
		{"2147483648", 2147483647, ""},
		{"-2147483648", -2147483647, ""},
		{"99999999999999999999999999", 2147483647, ""},
		{"", 0, "empty"},
		{" \n", 0, "empty"},
		{"none", 0, "number"},
		{"-", 0, "number"},
		{"--3", 0, "number"},
		{"+-3", 0, "number"},
		{"- 3", 0, "number"},
		{"0", 0, ""},
	}
	for _, tt := range tests {
		got, reason := leadingNumber(tt.text)
		if got != tt.want || !strings.Contains(reason, tt.reason) || tt.reason == "" && reason != "" {
			t.Errorf("%q is %d (%s), want %d (%s)", tt.text, got, reason, tt.want, tt.reason)
		}
	}
}

func TestAFileIsFollowedHoweverItChanges(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "load")
	write(t, path, "1")
	spec := File{Name: "load", Path: path}
	s.Apply([]Spec{spec})
	if got := s.Results()[spec.Key()]; got.State != Up || got.Value != 1 {
		t.Errorf("after Apply it is %+v", got)
	}
	s.expectValue(1)
	steps := []struct {
		name   string
		change func() error
		want   int
	}{
		{"written", func() error { return os.WriteFile(path, []byte("2\n"), 0o644) }, 2},
		{"replaced", func() error {
			write(t, path+".new", "-3\n")
			return os.Rename(path+".new", path)
		}, -3},
		{"removed", func() error { return os.Remove(path) }, 0},
		{"created", func() error { return os.WriteFile(path, []byte("4"), 0o644) }, 4},
		{"moved away", func() error { return os.Rename(path, path+".old") }, 0},
		{"linked", func() error { return os.Link(path+".old", path) }, 4},
		{"emptied", func() error { return os.Truncate(path, 0) }, 0},
	}
	for _, step := range steps {
		must(t, step.change())
		begin := time.Now()
		s.expectValue(step.want)
		if took := time.Since(begin); took > readAnyway/2 && step.name != "emptied" { // truncate(2) is told by nobody
			t.Errorf("%s: it took %s", step.name, took)
		}
	}
	s.quiet()
	if want := "level=INFO msg=\"Track_file(load) has value -3\"\n"; !strings.Contains(s.log.String(), want) {
		t.Errorf("no line %s in\n%s", want, s.log)
	}
}

func TestAFileIsFollowedWhereItsDirectoryComesLaterOrIsReplaced(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(t.TempDir(), "later")
	spec := File{Name: "load", Path: filepath.Join(dir, "load")}
	s.Apply([]Spec{spec})
	if r := s.expectValue(0); r.Reason != "the file is missing" {
		t.Errorf("reason is %q", r.Reason)
	}
	must(t, os.Mkdir(dir, 0o755))
	write(t, spec.Path, "5")
	s.expectValue(5)
	must(t, os.Rename(dir, dir+".old"))
	must(t, os.Mkdir(dir, 0o755))
	write(t, spec.Path, "6")
	// The missing file between the two may or may not have been seen.
	if r := s.next(); r.Value != 6 && s.next().Value != 6 {
		t.Errorf("it is %+v", r)
	}
	for value := 7; value < 10; value++ { // and now every change is told
		begin := time.Now()
		write(t, spec.Path, fmt.Sprint(value))
		s.expectValue(value)
		if took := time.Since(begin); took > readAnyway/2 {
			t.Errorf("%d: it took %s", value, took)
		}
	}
}

func TestHalfWrittenFilesAreNotRead(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "load")
	write(t, path, "50")
	s.Apply([]Spec{File{Name: "load", Path: path}})
	s.expectValue(50)
	for i := range 300 { // truncated, then written
		write(t, path, fmt.Sprint(50+i%2))
	}
	write(t, path, "99")
	for r := s.next(); r.Value != 99; r = s.next() {
		if r.Value != 50 && r.Value != 51 {
			t.Fatalf("value %d was never written", r.Value)
		}
	}
}

func TestAFileIsInitialised(t *testing.T) {
	tests := []struct {
		name            string
		before          string // "": missing
		init, overwrite bool
		want            string
	}{
		{"not asked for, missing", "", false, false, ""},
		{"not asked for", "7\n", false, false, "7\n"},
		{"missing", "", true, false, "30\n"},
		{"there", "7\n", true, false, "7\n"},
		{"there, overwritten", "7777\n", true, true, "30\n"},
		{"missing, overwritten", "", true, true, "30\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			path := filepath.Join(t.TempDir(), "load")
			if tt.before != "" {
				write(t, path, tt.before)
			}
			spec := File{Name: "load", Path: path, Init: tt.init, Overwrite: tt.overwrite, Value: 30}
			s.Apply([]Spec{spec})
			if got := read(path); got != tt.want {
				t.Errorf("it holds %q, want %q", got, tt.want)
			}
			write(t, path, "8\n")
			s.Apply([]Spec{spec, Interface{"lan0"}})
			if got := read(path); got != "8\n" {
				t.Errorf("after a second Apply it holds %q", got)
			}
		})
	}
}

func TestAFileThatCannotBeInitialisedIsSaid(t *testing.T) {
	s := newSite(t)
	s.Apply([]Spec{File{Name: "load", Path: filepath.Join(t.TempDir(), "no", "load"), Init: true}})
	if got := s.log.String(); !strings.Contains(got, "level=ERROR msg=\"Track_file(load) cannot be initialised\"") {
		t.Errorf("log is\n%s", got)
	}
	s.expectValue(0)
}
