package config

import (
	"os"
	"path/filepath"
	"testing"
)

// No input makes Load panic or hang, and what has no error is complete.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/broken/*.conf", "testdata/report/*.conf", "../../packaging/*.conf", "../../packaging/examples/*.conf"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text), false)
			f.Add(string(text), true)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, lenient bool) {
		path := filepath.Join(dir, "fuzz")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, r := Load(path, Options{ID: "r1", Lenient: lenient, System: host{}})
		if r.Err() == nil {
			complete(t, text, c)
		}
	})
}
