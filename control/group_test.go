package control

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

var vip6 = netip.MustParsePrefix("fe80::1/64")

// instance6 is an IPv6 virtual router on lan0.
func instance6(vrid, priority uint8, changes ...func(*InstanceConfig)) InstanceConfig {
	c := instanceOf(vrid, priority)
	c.Name += "-v6"
	c.Router.Family = vrrp.IPv6
	c.Addresses = []iproute.Address{{Prefix: vip6}}
	c.Router.Addresses = []netip.Addr{vip6.Addr()}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func together(c *InstanceConfig) { c.Group = "pair" }

// dual is a host with an IPv4 and an IPv6 virtual router of one VRID.
func (l *lan) dual(t *testing.T, n, priority byte, changes ...func(*InstanceConfig)) *host {
	t.Helper()
	h := l.newHost(t, n)
	h.install(instanceOf(1, priority, changes...), instance6(1, priority, changes...))
	h.start()
	return h
}

func TestTheFamiliesOfOneVRIDMoveOnTheirOwn(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 100)
		elapse(down)
		h.mustBe("MASTER MASTER")
		h.links.change(func() { h.links.local = netip.Addr{} })
		elapse(latency)
		h.mustBe("MASTER FAULT")
		if got := h.status()[1].Fault; got != "the interface has no link-local address of its own that can be used" {
			t.Errorf("the fault is %q", got)
		}
	})
}

func TestAGroupIsMasterTogetherAndAtFaultTogether(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 100, together)
		elapse(down)
		h.mustBe("MASTER MASTER")
		h.links.change(func() { h.links.local = netip.Addr{} })
		elapse(latency)
		h.mustBe("FAULT FAULT")
		if got := h.status()[0].Fault; got != "gw1-v6 of the same group: the interface has no link-local address of its own that can be used" {
			t.Errorf("the fault is %q", got)
		}
		if h.paths[0].owns() || h.paths[1].owns() {
			t.Error("a member of a faulty group owns its addresses")
		}
		h.links.change(func() { h.links.local = linkLocal(h.links.primary[0]) })
		elapse(down + latency)
		h.mustBe("MASTER MASTER")
	})
}

// The lease is stored once all members are master, and it is one.
func TestAGroupHasOneLease(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 100, together)
		elapse(down)
		lines := h.journal()
		mustSay(t, lines, 1, `^lease 3s$`)
		for i, s := range h.status() {
			if s.Group != "pair" || s.LeaseRemainingMS != milliseconds(3*interval) {
				t.Errorf("member %d: group %q, lease %v ms; want pair, 3000", i, s.Group, s.LeaseRemainingMS)
			}
		}
	})
}

func TestABackupGroupTakesOverWholly(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master := l.dual(t, 1, 120, together)
		elapse(down)
		backup := l.dual(t, 2, 100, together)
		elapse(2 * interval)
		backup.mustBe("BACKUP BACKUP")
		master.deaf = true
		master.sender.fail(errNoBuffers)
		elapse(down + interval)
		backup.mustBe("MASTER MASTER")
	})
}

// An IPv6 instance in every respect that differs: addresses, announcements, memberships.
func TestAnIPv6MasterAnnouncesByNeighborAdvertisement(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instance6(1, 100))
		h.start()
		elapse(down)
		h.mustBe("MASTER")
		lines := h.journal()
		mustSay(t, lines, 1, `^send na fe80::1, na fe80::1, na fe80::1, na fe80::1, na fe80::1$`)
		mustSay(t, lines, 1, `^address \+ fe80::1/64$`)
		for _, group := range []string{"ff02::12", "ff02::1:ff00:1"} {
			if !h.joined[netip.MustParseAddr(group)] {
				t.Errorf("%s is not joined", group)
			}
		}
		if !h.joined[vrrp.VirtualMAC(vrrp.IPv6, 1)] {
			t.Error("the virtual MAC is not in the filter")
		}
	})
}

func TestWithoutAcceptTheAddressesStayOff(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100, func(c *InstanceConfig) { c.NoAccept = true })
		elapse(down)
		h.mustBe("MASTER")
		mustSay(t, h.journal(), 0, "^address")
	})
}

func TestAQuestionThatTheFastPathLeavesIsAnsweredByTheOwner(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instance6(1, 100))
		h.start()
		ask := FastEvent{Kind: AddressAsked, Slot: h.paths[0].slot, Source: netip.IPv6Unspecified(), Target: vip6.Addr()}
		h.events.push(ask)
		elapse(latency)
		mustSay(t, h.journal(), 0, "na fe80::1")
		elapse(down)
		h.journal()
		h.events.push(ask)
		elapse(latency)
		mustSay(t, h.journal(), 1, "^send na fe80::1$")
	})
}

// The master before ends all of its members at the first advert that it hears.
func TestTheAdvertsOfAGroupLeaveBeforeItsAnnouncements(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 100, together)
		elapse(down)
		sent := matching(h.journal(), "^send advert")
		if len(sent) == 0 || !strings.HasPrefix(sent[0], "send advert 1 prio 100, advert 1 prio 100") {
			t.Errorf("sent was %q", sent)
		}
	})
}
