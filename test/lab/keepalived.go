package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Keepalived is a running keepalived. Its states are in the log, `(V51) Entering MASTER STATE`, and in Instances.
//
// Stop ends it with a farewell of priority 0 and takes its addresses and devices off; it exits a second later. Kill ends
// parent and child at one stroke: no farewell is sent, its addresses and devices stay and answer ARP and ND. A host that
// is to be dead needs its cable cut, too.
type Keepalived struct {
	*Daemon
	dir string
}

// KeepalivedInstance is the state of one vrrp_instance.
type KeepalivedInstance struct {
	Name              string
	State             string // INIT, BACKUP, MASTER, FAULT
	EffectivePriority int
	AdvertsSent       int
	AdvertsReceived   int
	BecameMaster      int
}

// Keepalived is StartKeepalived for callers that need the process only.
func (l *Lab) Keepalived(h *Host, config string) (*Daemon, error) {
	k, err := l.StartKeepalived(h, config)
	if err != nil {
		return nil, err
	}
	return k.Daemon, nil
}

// StartKeepalived starts keepalived on the host with this configuration and waits until it has started up. Files and
// dumps go to a directory of its own below Dir. A keyword that keepalived does not know, and skips, is an error here. With
// use_vmac call NIC.OnlyOwnARP first: keepalived's own questions would tell the virtual address with the NIC's MAC.
func (l *Lab) StartKeepalived(h *Host, config string) (*Keepalived, error) {
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
	return &Keepalived{Daemon: d, dir: dir}, nil
}

// keepalivedDumpSignal makes keepalived write its state: `keepalived --signum=JSON` of 2.2.
const keepalivedDumpSignal = 34 + 2

// keepalivedStates are the numbers of VRRP_STATE_... in keepalived's dump.
var keepalivedStates = []string{"INIT", "BACKUP", "MASTER", "FAULT"}

// Instances asks keepalived for its state. For one goroutine at a time.
func (k *Keepalived) Instances() ([]KeepalivedInstance, error) {
	file := filepath.Join(k.dir, "keepalived.json")
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if err := k.Signal(syscall.Signal(keepalivedDumpSignal)); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		instances, err := readKeepalivedDump(file) // written in place: what does not parse yet may parse later
		if err == nil {
			return instances, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("state of keepalived on %s: %w", k.Host.Name, err)
		}
	}
}

func readKeepalivedDump(file string) ([]KeepalivedInstance, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var dump []struct {
		Data struct {
			Name              string `json:"iname"`
			State             int    `json:"state"`
			EffectivePriority int    `json:"effective_priority"`
		} `json:"data"`
		Stats struct {
			AdvertsSent     int `json:"advert_sent"`
			AdvertsReceived int `json:"advert_rcvd"`
			BecameMaster    int `json:"become_master"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(text, &dump); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var instances []KeepalivedInstance
	for _, i := range dump {
		if i.Data.State < 0 || i.Data.State >= len(keepalivedStates) {
			return nil, fmt.Errorf("%s: instance %s has the unknown state %d", file, i.Data.Name, i.Data.State)
		}
		instances = append(instances, KeepalivedInstance{
			Name: i.Data.Name, State: keepalivedStates[i.Data.State], EffectivePriority: i.Data.EffectivePriority,
			AdvertsSent: i.Stats.AdvertsSent, AdvertsReceived: i.Stats.AdvertsReceived, BecameMaster: i.Stats.BecameMaster,
		})
	}
	return instances, nil
}

// Instance asks for the state of the vrrp_instance of that name.
func (k *Keepalived) Instance(name string) (KeepalivedInstance, error) {
	instances, err := k.Instances()
	if err != nil {
		return KeepalivedInstance{}, err
	}
	for _, i := range instances {
		if i.Name == name {
			return i, nil
		}
	}
	return KeepalivedInstance{}, fmt.Errorf("keepalived on %s has no instance %s", k.Host.Name, name)
}

// AwaitState waits until the vrrp_instance of that name is in a state: BACKUP, MASTER or FAULT.
func (k *Keepalived) AwaitState(name, state string, timeout time.Duration) error {
	for deadline := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		i, err := k.Instance(name)
		if err != nil {
			return err
		}
		if i.State == state {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s of keepalived on %s is in state %s, not %s, after %v", name, k.Host.Name, i.State, state, timeout)
		}
	}
}
