package chaos

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// router is one of the three machines.
type router struct {
	*lab.Host
	number  int
	site    *site
	nic     *lab.NIC
	file    string
	variant int
	before  []netip.Prefix // its own addresses

	mu     sync.Mutex
	daemon *lab.Daemon
	// daemons are all that ran, for their logs.
	daemons []*lab.Daemon
}

// startPatience is how long a daemon may take until it takes part in elections.
const startPatience = 10 * time.Second

func newRouter(s *site, number int) *router {
	r := &router{Host: s.lab.Host(fmt.Sprintf("r%d", number+1)), number: number, site: s}
	r.nic = r.Connect(s.lan, nic, fmt.Sprintf("192.168.1.%d/24", 11+number), fmt.Sprintf("2001:db8:1::%d/64", 11+number))
	r.nic.Lose(0, 0)
	r.Forwarding(true)
	r.before = r.Addresses(nic)
	r.file = filepath.Join(s.lab.Dir(), r.Name+".conf")
	return r
}

func (r *router) write() error {
	return os.WriteFile(r.file, []byte(r.site.setup.file(r.number, r.variant)), 0o600)
}

// start runs the daemon, and returns when it is a backup, or a master, of both families.
func (r *router) start() error {
	since := time.Now()
	d, err := r.Start(lab.Command{
		Name: "vrrp-xdp", Path: r.site.binary,
		Args: []string{"run", "-f", r.file, "--mode", r.site.setup.mode, "--web.listen-address", ""},
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.daemon = d
	r.daemons = append(r.daemons, d)
	r.mu.Unlock()
	for _, instance := range []string{"V4", "V6"} {
		if err := awaitState(d, since, instance); err != nil {
			return fmt.Errorf("%w\nit says where it is:\n%s", err, whereIs(d))
		}
	}
	return nil
}

// whereIs makes a daemon that hangs say where, and end.
func whereIs(d *lab.Daemon) string {
	before := len(d.Log())
	_ = d.Signal(unix.SIGABRT) // it may have ended
	_, _ = d.Wait(startPatience)
	return d.Log()[before:]
}

// awaitState waits until the instance takes part, as a backup or as a master.
// FAULT is no such state, and passes.
func awaitState(d *lab.Daemon, since time.Time, instance string) error {
	deadline := time.Now().Add(startPatience)
	for {
		line, err := d.WaitLine(since, time.Until(deadline), " STATE\" instance="+instance)
		if err != nil {
			return err
		}
		if strings.Contains(line.Text, "BACKUP STATE") || strings.Contains(line.Text, "MASTER STATE") {
			return nil
		}
		since = line.At.Add(1)
	}
}

// ended waits for the exit of the daemon.
func (r *router) ended(want int) error {
	code, err := r.daemon.Wait(startPatience)
	if err != nil {
		return err
	}
	if code != want {
		return fmt.Errorf("the daemon on %s exited with %d, want %d", r.Name, code, want)
	}
	return nil
}

// leftovers says what is there of a daemon that has cleaned up.
func (r *router) leftovers() []string {
	var left []string
	for _, p := range r.Addresses(nic) {
		if !slices.Contains(r.before, p) {
			left = append(left, fmt.Sprintf("address %s", p))
		}
	}
	for _, p := range r.before {
		if !slices.Contains(r.Addresses(nic), p) {
			left = append(left, fmt.Sprintf("the host's own address %s is missing", p))
		}
	}
	ns, err := os.Stat(filepath.Join("/run/netns", r.Namespace()))
	if err != nil {
		return append(left, err.Error())
	}
	for _, dir := range []string{"/sys/fs/bpf/vrrp-xdp", "/run/vrrp-xdp"} {
		path := filepath.Join(dir, inode(ns))
		if entries, err := os.ReadDir(path); err == nil {
			left = append(left, fmt.Sprintf("%s with %d entries", path, len(entries)))
		}
	}
	if out, err := r.Run("ip", "-d", "link", "show", nic); err != nil || strings.Contains(out, "prog/xdp") {
		left = append(left, fmt.Sprintf("an XDP program on %s: %v\n%s", nic, err, out))
	}
	return append(left, r.processes()...)
}

// processes lists those of the host.
func (r *router) processes() []string {
	out, err := r.Host.Run("ip", "netns", "pids", r.Namespace())
	if err != nil {
		return []string{err.Error()}
	}
	var left []string
	for _, pid := range strings.Fields(out) {
		name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
		if err == nil && strings.TrimSpace(string(name)) != "ip" {
			left = append(left, fmt.Sprintf("process %s, %s", pid, strings.TrimSpace(string(name))))
		}
	}
	return left
}
