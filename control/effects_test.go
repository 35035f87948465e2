package control

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

func TestAnAddressThatWasThereBeforeStays(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		second := netip.MustParsePrefix("192.0.2.99/24")
		h.book.present[vip.String()] = true
		h.install(instanceOf(1, 255, func(c *InstanceConfig) { c.Addresses = append(c.Addresses, iproute.Address{Prefix: second}) }))
		h.start()
		elapse(interval)
		if !slices.Contains(h.book.list(), second.String()) {
			t.Fatal("the other address is not there")
		}
		h.engine.Stop()
		elapse(2 * interval)
		if left := h.book.list(); !slices.Equal(left, []string{vip.String()}) {
			t.Errorf("left are %v, want only the one that was there before", left)
		}
	})
}

// stubbornBook fails to remove, as often as it is told.
type stubbornBook struct {
	*fakeBook
	failures int
}

func (b *stubbornBook) Remove(ifindex int, p netip.Prefix) error {
	if b.failures > 0 {
		b.failures--
		return errors.New("busy")
	}
	return b.fakeBook.Remove(ifindex, p)
}

func TestAnAddressThatStayedIsRemovedLater(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.world.Addresses = &stubbornBook{h.book, 1}
		h.install(instanceOf(1, 255))
		h.start()
		h.links.set(false)
		elapse(latency)
		mustSay(t, h.journal(), 1, `level=ERROR msg="stays, though.*what="address 192.0.2.1/24.*error=busy`)
		h.links.set(true)
		elapse(latency)
		h.links.set(false)
		elapse(latency)
		if left := h.book.list(); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	})
}
