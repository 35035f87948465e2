package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// host is the System of tests: a gateway with a few interfaces and users.
type host struct {
	// noUser: there is no user keepalived_script.
	noUser bool
}

func (host) HasInterface(name string) bool {
	switch name {
	case "eth0", "eth1", "eth2", "lan", "wan":
		return true
	}
	return false
}

func (h host) LookupUser(user, group string) (script.User, error) {
	uids := map[string]uint32{"root": 0, "0": 0, "nobody": 65534, "keepalived_script": 990}
	uid, ok := uids[user]
	if !ok || h.noUser && user == anonymous {
		return script.User{}, fmt.Errorf("there is no user %s", user)
	}
	if group != "" && group != "adm" {
		return script.User{}, fmt.Errorf("there is no group %s", group)
	}
	u := script.User{Name: user, UID: uid, GID: uid}
	if group == "adm" {
		u.GID = 4
	}
	return u, nil
}

// CheckScript knows scripts by what their names say.
func (host) CheckScript(c script.Command, secure bool) error {
	switch {
	case strings.Contains(c.Args[0], "missing"):
		return fmt.Errorf("%s: no such file or directory", c.Args[0])
	case secure && c.User.UID == 0 && strings.Contains(c.Args[0], "writable"):
		return errors.New("it runs as root, and others than root can change " + c.Args[0])
	}
	return nil
}

// CheckSecret knows files that others can read by their names: in a checkout all are.
func (host) CheckSecret(path string) error {
	if strings.Contains(filepath.Base(path), "readable") {
		return errors.New(filepath.Base(path) + " can be read by everybody")
	}
	return nil
}

// ReadSecret knows files by what their names say.
func (host) ReadSecret(path string) ([]byte, error) {
	switch name := filepath.Base(path); {
	case strings.Contains(name, "missing"):
		return nil, errors.New("read the key: open " + path + ": no such file or directory")
	case strings.Contains(name, "group"):
		return nil, errors.New("others than its owner can read " + path)
	case strings.Contains(name, "short"):
		return []byte("0123456789012345678901234567890\n"), nil
	case strings.Contains(name, "text"):
		return []byte("01234567890123456789012345678901\n"), nil
	}
	return []byte("hex:" + strings.Repeat("0f", 32) + "\n"), nil
}

func (host) Table(name string) (uint32, bool) {
	if name == "wan" {
		return 100, true
	}
	return 0, false
}

// loadText loads a file with that text.
func loadText(t *testing.T, text string, change ...func(*Options)) (Config, Report) {
	t.Helper()
	o := Options{ID: "r1", System: host{}}
	for _, f := range change {
		f(&o)
	}
	return Load(write(t, "file", text), o)
}

func lenient(o *Options) { o.Lenient = true }

// mustLoad loads a text that has no error.
func mustLoad(t *testing.T, text string) Config {
	t.Helper()
	c, r := loadText(t, text)
	if err := r.Err(); err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return c
}
