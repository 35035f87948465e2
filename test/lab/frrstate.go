package lab

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// FRRState is the state of a virtual router of vrrpd in one family.
type FRRState struct {
	Status          string     // Initialize, Backup or Master
	Source          netip.Addr // of its adverts; not valid without one
	Priority        int        // the effective one
	MasterDown      time.Duration
	AdvertsSent     int // 0 in a master that cannot send
	AdvertsReceived int
}

// State asks vrrpd for the state of a virtual router. A family without addresses stays Initialize.
func (f *FRR) State(vrid uint8) (v4, v6 FRRState, err error) {
	text, err := f.vtysh(fmt.Sprintf("show vrrp %d json", vrid))
	if err != nil {
		return v4, v6, err
	}
	var routers []struct{ V4, V6 frrFamily }
	if err := json.Unmarshal([]byte(text), &routers); err != nil {
		return v4, v6, fmt.Errorf("state of VRID %d of vrrpd on %s: %w: %s", vrid, f.Host.Name, err, text)
	}
	if len(routers) != 1 {
		return v4, v6, fmt.Errorf("vrrpd on %s has %d virtual routers with VRID %d, want one", f.Host.Name, len(routers), vrid)
	}
	return routers[0].V4.state(), routers[0].V6.state(), nil
}

// frrFamily is what vrrpd writes about one family.
type frrFamily struct {
	Status             string
	PrimaryAddress     string
	EffectivePriority  int
	MasterDownInterval int // ms
	Stats              struct{ AdverTx, AdverRx int }
}

func (j frrFamily) state() FRRState {
	source, _ := netip.ParseAddr(j.PrimaryAddress) // empty, or none at all, before there is one
	return FRRState{
		Status: j.Status, Source: source, Priority: j.EffectivePriority,
		MasterDown:  time.Duration(j.MasterDownInterval) * time.Millisecond,
		AdvertsSent: j.Stats.AdverTx, AdvertsReceived: j.Stats.AdverRx,
	}
}

// AwaitState waits until a virtual router is Initialize, Backup or Master in every family that it has addresses of.
func (f *FRR) AwaitState(vrid uint8, status string, timeout time.Duration) error {
	i := slices.IndexFunc(f.routers, func(r FRRRouter) bool { return r.VRID == vrid })
	if i < 0 {
		return fmt.Errorf("vrrpd on %s has no virtual router with VRID %d", f.Host.Name, vrid)
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(20 * time.Millisecond) {
		v4, v6, err := f.State(vrid)
		if err != nil {
			return err
		}
		r := f.routers[i]
		if (len(r.family(false)) == 0 || v4.Status == status) && (len(r.family(true)) == 0 || v6.Status == status) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("VRID %d of vrrpd on %s is %s (IPv4) and %s (IPv6), not %s, after %v; its log ends:\n%s",
				vrid, f.Host.Name, v4.Status, v6.Status, status, timeout, f.tail())
		}
	}
}

// Configure changes vrrpd's configuration at run time: "interface eth0", "no vrrp 51 preempt". A restart undoes it.
func (f *FRR) Configure(lines ...string) error {
	out, err := f.vtysh(append([]string{"configure terminal"}, lines...)...)
	if err != nil {
		return err
	}
	if strings.Contains(out, "%") { // % Unknown command
		return fmt.Errorf("configuring vrrpd on %s: %q: %s", f.Host.Name, lines, out)
	}
	return nil
}

// SetPriority changes the priority of a virtual router at run time, for both families.
func (f *FRR) SetPriority(r FRRRouter, priority int) error {
	return f.Configure("interface "+r.NIC.Name, fmt.Sprintf("vrrp %d priority %d", r.VRID, priority))
}

func (f *FRR) vtysh(commands ...string) (string, error) {
	args := []string{"--vty_socket", f.dir, "-d", "vrrpd"}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	return f.Host.Run("vtysh", args...)
}
