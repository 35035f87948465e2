package control

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

func (b *indexBook) Add(i int, a iproute.Address) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.host.note("add %v at %d", a.Prefix, i)
	if b.at[a.Prefix.String()] == i {
		return false, nil
	}
	b.at[a.Prefix.String()] = i
	return true, nil
}
func (b *indexBook) List(i int) ([]netio.Address, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []netio.Address{}
	for s, at := range b.at {
		if at == i {
			list = append(list, netio.Address{Prefix: netip.MustParsePrefix(s)})
		}
	}
	return list, nil
}
func (b *indexBook) Remove(i int, p netip.Prefix) error { return nil }

func extra(iface, prefix string) func(*InstanceConfig) {
	return func(c *InstanceConfig) {
		c.Excluded = append(slices.Clone(c.Excluded), iproute.Address{Prefix: netip.MustParsePrefix(prefix), Interface: iface})
	}
}

func TestACompanionsAddressIsOnTheInterfaceThatWasMadeAnew(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		m := h.many()
		book := &indexBook{fakeBook: h.book, at: map[string]int{}}
		h.world.Addresses = book
		wan := netio.LinkInfo{Index: 9, Name: "wan0", MAC: [6]byte{2, 9}, Up: true}
		m.extra["wan0"] = wan
		h.install(instanceOf(1, 100, extra("wan0", "203.0.113.1/24")))
		h.start()
		elapse(down)
		h.mustBe("MASTER")
		h.journal()
		m.m.Lock()
		wan.Index = 10
		m.extra["wan0"] = wan
		m.m.Unlock()
		h.links.events <- netio.LinkEvent{Index: 10, Name: "wan0"}
		elapse(10 * time.Minute)
		h.mustBe("MASTER")
		if book.at["203.0.113.1/24"] != 10 {
			t.Errorf("the address is at %d; %s", book.at["203.0.113.1/24"], strings.Join(matching(h.journal(), "add|ERR|attach|update"), "\n"))
		}
	})
}

func TestANewAddressOnAnotherInterfaceIsAnnounced(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		m := h.many()
		m.extra["wan0"] = netio.LinkInfo{Index: 9, Name: "wan0", MAC: [6]byte{2, 9}, Up: true}
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down + 10*time.Second)
		h.journal()
		h.reload(instanceOf(1, 100, extra("wan0", "203.0.113.1/24")))
		elapse(10 * time.Second)
		if len(matching(h.journal(), "arp 203.0.113.1")) == 0 {
			t.Error("not announced")
		}
	})
}

func TestWhatARemovedCheckFoundIsForgotten(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100, tracking(0)).untracked())
		h.reload(instanceOf(1, 100, tracking(0)))
		h.engine.Tracked(found(track.Down))
		elapse(latency)
		h.mustBe("FAULT")
		h.reload(instanceOf(1, 100)) // the operator takes the broken check out
		elapse(down)
		h.mustBe("MASTER")
		elapse(time.Hour)
		h.reload(instanceOf(1, 100, tracking(0))) // mended
		elapse(time.Second)
		h.mustBe("MASTER")
	})
}

func (c InstanceConfig) untracked() InstanceConfig { c.Tracks = nil; return c }

func TestAnAddressOfAnInstanceThatLeavesIsNoSource(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		own := h.links.primary[0]
		h.links.primary = []netip.Addr{netip.MustParseAddr("192.0.2.1"), own} // the VIP comes first, as in IPv6 the newest does
		h.install(instanceOf(1, 100), instanceOf(2, 100))
		h.start()
		elapse(down)
		h.mustBe("MASTER MASTER")
		h.reload(instanceOf(2, 100)) // 1 leaves, 192.0.2.1 stays for a second
		h.links.events <- netio.LinkEvent{Index: 3, Name: "lan0", AddressChanged: true}
		elapse(latency)
		for _, s := range h.status() {
			if s.Name == "gw2" && s.Master.Address != own.String() {
				t.Errorf("gw2 speaks from %s", s.Master.Address)
			}
		}
	})
}

type failing struct {
	*fakePath
	fail *error
}

func (f failing) Update(s FastSpec) error {
	if *f.fail != nil {
		return *f.fail
	}
	return f.fakePath.Update(s)
}

func TestAnUpdateThatFailedIsTriedAgain(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		var fail error
		h.world.Install = func(s FastSpec) (FastPath, error) {
			p, err := h.installPath(s)
			if err != nil {
				return nil, err
			}
			return failing{p.(*fakePath), &fail}, nil
		}
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		fail = errors.New("there is no room: more than 65536 virtual addresses")
		more := instanceOf(1, 100, with("192.0.2.50/24"))
		h.journal()
		err := h.engine.Reload(t.Context(), []InstanceConfig{more})
		elapse(time.Second)
		if _, partial := errors.AsType[PartialError](err); !partial {
			t.Errorf("Reload returns %v", err)
		}
		fail = nil
		err = h.engine.Reload(t.Context(), []InstanceConfig{more})
		if err != nil || len(h.paths[0].spec.Addresses) != 2 {
			t.Error("a second reload says fine and mends nothing")
		}
	})
}
