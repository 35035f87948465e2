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

var _ = covers(inGlobal, "vrrp_user")

// The daemon has become the user, with the capabilities that it needs; its scripts
// have none; and it reloads and is upgraded as that user.
func TestTheDaemonRunsAsAnotherUser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	open := s.open()
	s.r1.file = filepath.Join(open, "vrrp-xdp.conf")
	must(t, os.WriteFile(s.r1.file, nil, 0o640))
	must(t, os.Chown(s.r1.file, 0, 65534))
	config := strings.ReplaceAll(global("vrrp_user nobody")+
		definitionOf("chk", `script "/bin/sh -c 'grep -e ^Uid -e ^Cap /proc/self/status >OPEN/check'"`+"\ninterval 1")+
		instance("VI_1", `
    track_script {
        chk
    }
    notify "/bin/sh -c 'grep -e ^Uid -e ^Cap /proc/self/status >OPEN/notify'"`), "OPEN", open)
	s.r1.run(config)
	s.r1.await("MASTER")
	status := fmt.Sprintf("/proc/%d/status", s.r1.daemon.PID())
	isUser(t, status, "0000008000003000")
	for _, name := range []string{"check", "notify"} {
		path := filepath.Join(open, name)
		s.eventually(func() error {
			text, err := os.ReadFile(path)
			if err == nil && !strings.Contains(string(text), "CapAmb") {
				err = fmt.Errorf("%s is not written yet", path)
			}
			return err
		})
		isUser(t, path, "0000000000000000")
	}
	if out, err := s.r1.Run(binary, "reload"); err != nil {
		t.Errorf("reload: %v\n%s", err, out)
	}
	must(t, os.Chmod(filepath.Dir(binary), 0o755)) // the user executes it
	if out, err := s.r1.Run(binary, "upgrade"); err != nil {
		t.Errorf("upgrade: %v\n%s", err, out)
	}
	s.r1.await("MASTER")
	isUser(t, status, "0000008000003000")
	must(t, os.Chmod(s.r1.file, 0o600))
	if _, err := s.r1.Run(binary, "reload"); err == nil || !strings.Contains(err.Error(), "chgrp 65534") {
		t.Errorf("a file that the user may not read is reloaded, or it is not said how to mend it: %v", err)
	}
}

// isUser wants a process to be nobody, with these capabilities in effect.
func isUser(t *testing.T, status, effective string) {
	t.Helper()
	text, err := os.ReadFile(status)
	must(t, err)
	fields := strings.Join(strings.Fields(string(text)), " ")
	for _, want := range []string{"Uid: 65534 65534 65534 65534", "CapEff: " + effective} {
		if !strings.Contains(fields, want) {
			t.Errorf("%s has no %s:\n%s", status, want, text)
		}
	}
	if none := strings.Trim(effective, "0") == ""; none && (!strings.Contains(fields, "CapPrm: "+effective) || !strings.Contains(fields, "CapAmb: "+effective)) {
		t.Errorf("%s could have more:\n%s", status, text)
	}
}

// With vrrp_user the daemon can become nobody else.
func TestScriptsOfOtherUsersThanTheDaemonsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const body = "notify /bin/true"
	for text, refusal := range map[string]string{
		"vrrp_user nobody":                         "",
		"vrrp_user nobody\nscript_user nobody":     "",
		"vrrp_user nobody\nscript_user root":       "can run nothing as another",
		"vrrp_user nobody-of-that-name":            "vrrp_user: look up user",
		"vrrp_user nobody\nenable_script_security": "",
	} {
		out, status := s.r1.check(global(text) + instance("VI_1", body))
		if refusal == "" && status != 0 || refusal != "" && (status != 2 || !strings.Contains(out, refusal)) {
			t.Errorf("%q: the exit status of check is %d, want a refusal: %q:\n%s", text, status, refusal, out)
		}
	}
}
