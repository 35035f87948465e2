package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	frrDaemons  = "/usr/lib/frr"
	frrUser     = "frr"
	frrPatience = 5 * time.Second // until a daemon answers; it takes 30 ms
	frrScratch  = "/var/tmp/frr"  // each daemon makes a directory NAME.PID there, and leaves it
)

// FRR is a running vrrpd of FRRouting, with its zebra. The embedded Daemon is vrrpd; its log has lines such as
// `Backup -> Master`.
//
// Stop ends vrrpd with a farewell of priority 0, within 20 ms. Kill sends none, and leaves the macvlan of a master up: it
// answers ARP and ND. A host that is to be dead needs its cable cut, too. Start runs vrrpd again after either.
type FRR struct {
	*Daemon
	Zebra *Daemon

	dir     string
	routers []FRRRouter
	pids    []string // NAME.PID of every daemon started
}

// FRRRouter is a virtual router of vrrpd: one per VRID, for both families.
type FRRRouter struct {
	NIC       *NIC
	VRID      uint8
	Version   int           // 2 (IPv4 only, whole seconds, no password) or 3
	Priority  int           // 1..254
	Interval  time.Duration // a multiple of 10 ms
	NoPreempt bool
	// Addresses are the virtual addresses, of one or both families; of the IPv6 ones the first is link-local.
	Addresses []netip.Prefix
}

// FRR starts zebra and vrrpd on the host and waits until both answer. It makes the macvlans that vrrpd requires, one for
// each family, and calls NIC.OnlyOwnARP: otherwise the host would answer for virtual addresses with physical MACs, as a
// backup too. The first IPv6 advert of a new master is always lost (FRR 8.4), so it begins an interval late.
func (l *Lab) FRR(h *Host, routers ...FRRRouter) (*FRR, error) {
	dir, err := l.tempDir("frr-" + h.Name)
	if err != nil {
		return nil, err
	}
	f := &FRR{dir: dir, routers: routers}
	l.onClose(f.release)
	if err := f.prepare(h); err != nil {
		return nil, fmt.Errorf("FRR on %s: %w", h.Name, err)
	}
	if f.Zebra, err = f.start(h, "zebra"); err != nil {
		return nil, err
	}
	if f.Daemon, err = f.start(h, "vrrpd"); err != nil {
		return nil, err
	}
	return f, nil
}

// prepare makes the macvlans and the configuration. The daemons run as a user of their own, who owns the directory.
func (f *FRR) prepare(h *Host) error {
	var config strings.Builder
	for _, r := range f.routers {
		r.NIC.OnlyOwnARP()
		for _, addresses := range [][]netip.Prefix{r.family(false), r.family(true)} {
			if len(addresses) > 0 {
				if err := r.addMacvlan(addresses); err != nil {
					return err
				}
			}
		}
		config.WriteString(r.config())
	}
	for name, text := range map[string]string{"zebra.conf": "", "vrrpd.conf": config.String()} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return chownAll(f.dir, frrUser)
}

func chownAll(dir, owner string) error {
	u, err := user.Lookup(owner)
	if err != nil {
		return fmt.Errorf("%w: install Debian's package frr", err)
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	errs := []error{errUID, errGID, os.Chown(dir, uid, gid)}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		errs = append(errs, os.Chown(filepath.Join(dir, e.Name()), uid, gid))
	}
	return errors.Join(append(errs, err)...)
}

func (r FRRRouter) family(six bool) (part []netip.Prefix) {
	for _, p := range r.Addresses {
		if p.Addr().Is6() == six {
			part = append(part, p)
		}
	}
	return part
}

func (r FRRRouter) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "interface %s\n", r.NIC.Name)
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, " vrrp %d %s\n", r.VRID, fmt.Sprintf(format, args...))
	}
	line("version %d", r.Version) // it makes the instance: the others need it
	line("priority %d", r.Priority)
	line("advertisement-interval %d", r.Interval.Milliseconds())
	if r.NoPreempt {
		fmt.Fprintf(&b, " no vrrp %d preempt\n", r.VRID)
	}
	for _, p := range r.family(false) {
		line("ip %s", p.Addr())
	}
	for _, p := range r.family(true) {
		line("ipv6 %s", p.Addr())
	}
	return b.String()
}

// addMacvlan makes the device with the virtual MAC, by which vrrpd finds it. The mode is bridge: a private one would keep
// adverts with that MAC from the NIC that vrrpd listens on. Of the link-local addresses vrrpd sends from the one that was
// added last: source comes after the virtual ones.
func (r FRRRouter) addMacvlan(addresses []netip.Prefix) error {
	name, mac := r.macvlan(4), VirtualMAC4(r.VRID)
	if addresses[0].Addr().Is6() {
		name, mac = r.macvlan(6), VirtualMAC6(r.VRID)
		addresses = append(addresses, netip.PrefixFrom(r.source(), 64))
	}
	ip := func(args ...string) error {
		return command("ip", append([]string{"-n", r.NIC.Host.Namespace()}, args...)...)
	}
	errs := []error{
		ip("link", "add", name, "link", r.NIC.Name, "address", mac.String(), "type", "macvlan", "mode", "bridge"),
		ip("link", "set", name, "addrgenmode", "none"),
	}
	for _, p := range addresses {
		args := []string{"addr", "add", p.String(), "dev", name}
		if p.Addr().Is6() {
			args = append(args, "nodad")
		}
		errs = append(errs, ip(args...))
	}
	return errors.Join(append(errs, ip("link", "set", name, "up"))...)
}

// source is the host's own link-local address on the macvlan, and the source of IPv6 adverts: fe80::f22:N for the lab's
// N-th NIC, so that who wins a tie is known. The one that the kernel would derive is the same on every host.
func (r FRRRouter) source() netip.Addr {
	m := r.NIC.MAC
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 12: 0x0f, 13: 0x22, 14: m[4], 15: m[5]})
}

func (r FRRRouter) macvlan(family int) string {
	return fmt.Sprintf("v%d-%d-%s", family, r.VRID, r.NIC.Name)
}

// Start runs vrrpd again, after Stop or Kill and the exit, and waits until it answers.
func (f *FRR) Start() error {
	if f.Running() {
		return fmt.Errorf("vrrpd on %s still runs: wait for its exit", f.Host.Name)
	}
	d, err := f.start(f.Host, "vrrpd")
	if err == nil {
		f.Daemon = d
	}
	return err
}

// start waits for an answer, not for the socket: that of a killed daemon stays.
func (f *FRR) start(h *Host, name string) (*Daemon, error) {
	d, err := h.Start(Command{Name: name, Path: filepath.Join(frrDaemons, name), Args: []string{
		"-f", filepath.Join(f.dir, name+".conf"), "-i", filepath.Join(f.dir, name+".pid"),
		"-z", filepath.Join(f.dir, "zserv.api"), "--vty_socket", f.dir, "-P", "0", "--log", "stdout"}})
	if err != nil {
		return nil, err
	}
	f.pids = append(f.pids, fmt.Sprintf("%s.%d", name, d.PID()))
	for deadline := time.Now().Add(frrPatience); ; time.Sleep(10 * time.Millisecond) {
		if _, err = h.Run("vtysh", "--vty_socket", f.dir, "-d", name, "-c", "show version"); err == nil {
			return d, nil
		}
		if time.Now().After(deadline) || !d.Running() {
			return nil, fmt.Errorf("%s on %s does not answer: %w; its log ends:\n%s", name, h.Name, err, d.tail())
		}
	}
}

// release is called while the lab closes, before anything else is killed.
func (f *FRR) release() {
	for _, d := range []*Daemon{f.Daemon, f.Zebra} {
		if d != nil && d.Running() {
			_ = d.Kill()
			_, _ = d.Wait(frrPatience)
		}
	}
	for _, name := range f.pids {
		_ = os.RemoveAll(filepath.Join(frrScratch, name))
	}
}
