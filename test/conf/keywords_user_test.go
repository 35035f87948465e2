package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var _ = covers(inScript, "user")

var _ = covers(inGlobal, "script_user", "enable_script_security")

// open is a folder that everybody can reach and change. In configurations OPEN is its name.
func (s *site) open() string {
	s.t.Helper()
	path := filepath.Join(s.lab.Dir(), "open")
	must(s.t, os.MkdirAll(path, 0o755))
	must(s.t, os.Chmod(path, 0o777))
	must(s.t, os.WriteFile(filepath.Join(path, "whoami"), []byte("#!/bin/sh\necho $(id -un):$(id -gn) >>"+path+"/$1\n"), 0o755))
	return path
}

func TestAsWhomScriptsRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	open := s.open()
	config := global("script_user nobody") +
		definitionOf("usual", `script "OPEN/whoami usual"`+"\ninterval 30") +
		definitionOf("named", `script "OPEN/whoami named"`+"\nuser root\ninterval 30") +
		definitionOf("grouped", `script "OPEN/whoami grouped"`+"\nuser nobody daemon\ninterval 30") +
		instance("VI_1", `
    track_script {
        usual
        named
        grouped
    }
    notify_master "OPEN/whoami notify_usual"
    notify "OPEN/whoami notify_named" root daemon`)
	s.r1.run(strings.ReplaceAll(config, "OPEN", open))
	s.r1.await("MASTER")
	for name, want := range map[string]string{
		"usual": "nobody:nogroup", "named": "root:root", "grouped": "nobody:daemon",
		"notify_usual": "nobody:nogroup", "notify_named": "root:daemon",
	} {
		s.eventually(func() error {
			text, err := os.ReadFile(filepath.Join(open, name))
			if got, _, _ := strings.Cut(string(text), "\n"); err != nil || got != want {
				return fmt.Errorf("%s ran as %q, want %q: %v", name, got, want, err)
			}
			return nil
		})
	}
}

// With enable_script_security, what others could change does not run as root, and
// nothing runs as root because nobody said as whom.
func TestWhatScriptSecurityRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	open := s.open()
	body := definitionOf("chk", `script "OPEN/whoami x"`) + instance("VI_1", "track_script {\nchk\n}")
	tests := []struct{ global, refusal string }{
		{"", ""},
		{"script_user root", ""},
		{"script_user root\nenable_script_security", "would run as root, but"},
		{"enable_script_security", "no user to run it"},
		{"script_user nobody\nenable_script_security", ""},
	}
	for _, test := range tests {
		config := strings.ReplaceAll(global(test.global)+body, "OPEN", open)
		out, status := s.r1.check(config)
		if test.refusal == "" && status != 0 || test.refusal != "" && (status != 2 || !strings.Contains(out, test.refusal)) {
			t.Errorf("%q: the exit status of check is %d, want a refusal: %q:\n%s", test.global, status, test.refusal, out)
		}
	}
	s.r1.refuses(strings.ReplaceAll(global("script_user root\nenable_script_security")+body, "OPEN", open), "would run as root, but")
}
