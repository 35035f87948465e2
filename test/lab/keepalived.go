package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Keepalived starts keepalived on the host with this configuration and waits until it has started up. Files and dumps go
// to a directory of its own below Dir. A keyword that keepalived does not know, and skips, is an error here. Its states
// are in the log: `(V51) Entering MASTER STATE`. Kill ends parent and child together, so no farewell is sent.
func (l *Lab) Keepalived(h *Host, config string) (*Daemon, error) {
	dir, err := l.tempDir("keepalived-" + h.Name)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	d, err := h.Start(Command{
		Name: "keepalived", Path: "keepalived",
		// VRRP only, in the foreground, detailed log to stderr, nothing to syslog. Without pid files of its own a second
		// keepalived takes itself for a duplicate and exits with status 0.
		Args: []string{"-n", "-l", "-D", "-P", "-G", "-f", file,
			"-p", filepath.Join(dir, "parent.pid"), "-r", filepath.Join(dir, "vrrp.pid")},
		Env: []string{"TMPDIR=" + dir},
	})
	if err != nil {
		return nil, err
	}
	if err := d.WaitLog(5*time.Second, "Startup complete"); err != nil {
		return nil, err
	}
	for _, line := range d.Lines() {
		if strings.Contains(line.Text, "Unknown keyword") {
			return nil, fmt.Errorf("keepalived on %s: %s", h.Name, line.Text)
		}
	}
	return d, nil
}
