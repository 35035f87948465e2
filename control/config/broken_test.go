package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files and docs/configuration.md anew")

// golden compares with a file, or with -update writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, diff)
	}
}

// files lists those of a folder; there must be that many at least.
func files(t *testing.T, pattern string, least int) []string {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) < least {
		t.Fatalf("%d files %s, of at least %d: %v", len(list), pattern, least, err)
	}
	return list
}

// said is all that is said about a file: severity, line and text.
func said(r Report) string {
	var all strings.Builder
	for _, p := range r.Problems() {
		p.File = filepath.Base(p.File)
		all.WriteString(p.Severity.String() + ": " + p.Error() + "\n")
	}
	return strings.ReplaceAll(all.String(), "testdata/broken/", "")
}

func TestWhatIsWrongInAFileIsSaidWithItsLine(t *testing.T) {
	for _, path := range files(t, "testdata/broken/*.conf", 60) {
		_, r := Load(path, Options{ID: "r1", System: host{}})
		if r.Err() == nil {
			t.Errorf("%s: nothing is wrong with it", path)
		}
		golden(t, strings.TrimSuffix(path, ".conf")+".golden", said(r))
	}
}

// A lenient look at a broken file leaves only what cannot run.
func TestTheLenientGetWarningsForErrors(t *testing.T) {
	for _, path := range files(t, "testdata/broken/*.conf", 60) {
		_, strict := Load(path, Options{ID: "r1", System: host{}})
		c, r := Load(path, Options{ID: "r1", System: host{}, Lenient: true})
		fatal := 0
		for _, p := range r.Problems() {
			if p.Severity == Error {
				t.Errorf("%s: an error for the lenient: %v", path, p)
			}
			if p.Severity == Fatal {
				fatal++
			}
		}
		if len(r.Problems()) < len(strict.Problems()) {
			t.Errorf("%s: the lenient are told less:\n%s", path, said(r))
		}
		if fatal == 0 {
			complete(t, path, c)
		}
	}
}
