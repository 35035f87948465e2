package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileWithASecretIsNotForEverybody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o660: true, 0o644: false, 0o604: false, 0o602: false, 0o666: false} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		switch err := CheckSecret(path); {
		case fine && err != nil:
			t.Errorf("mode %04o: %v", mode, err)
		case !fine && (err == nil || !strings.Contains(err.Error(), "chmod o-rwx "+path)):
			t.Errorf("mode %04o: error is %v, which does not say how to mend it", mode, err)
		}
	}
	if CheckSecret(path+".missing") == nil {
		t.Error("a file that is not there is fine")
	}
}

func TestAPasswordThatEverybodyCanReadIsRefused(t *testing.T) {
	const start, end = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\nauthentication {\nauth_type PASS\n", "\n}\n}\n"
	tests := map[string]struct {
		files []string // names and texts; the first is loaded
		want  string
	}{
		"nobody else can read it": {[]string{"a", start + "auth_pass x" + end}, ""},
		"in the file itself":      {[]string{"readable", start + "auth_pass x" + end}, "readable:9: auth_pass: readable can be read by everybody"},
		"in an included file":     {[]string{"a", start + "include readable" + end, "readable", "auth_pass x\n"}, "readable:1: auth_pass: readable can be read by everybody"},
		"in a definition of an included file": {[]string{"a", "include readable\n" + start + "auth_pass $P" + end, "readable", "$P=x\n"},
			"a:10: auth_pass: readable can be read by everybody"},
		"in a definition of a definition": {[]string{"a", "include readable\n$Q=$P\n" + start + "auth_pass ${Q}" + end, "readable", "$P=x\n"},
			"a:11: auth_pass: readable can be read by everybody"},
		"elsewhere than the password": {[]string{"a", "include readable\n" + start + "auth_pass x" + end, "readable", "$P=x\n"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.files...)
			_, r := Load(path, Options{System: host{}})
			if got := faults(errorsOf(r)); got != tt.want {
				t.Errorf("errors %q, want %q", got, tt.want)
			}
			// keepalived does not look: whoever asks for that is warned.
			c, r := Load(path, Options{System: host{}, Lenient: true})
			if err := r.Err(); err != nil || c.Instances[0].Router.Password != "x" {
				t.Errorf("lenient: %v, instance %+v", err, c.Instances)
			}
		})
	}
}

// errorsOf are the problems that keep a configuration from being started.
func errorsOf(r Report) []Problem {
	var list []Problem
	for _, p := range r.Problems() {
		if p.Severity >= Error {
			list = append(list, p)
		}
	}
	return list
}
