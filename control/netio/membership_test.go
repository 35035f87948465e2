package netio

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	groupLittleEndian = "120000E0" // 224.0.0.18 as /proc/net/igmp prints it
	groupBigEndian    = "E0000012"
	groupMACInTable   = "01005e000012" // as /proc/net/dev_mcast prints it
)

// filters is what an interface lets in, as the kernel tells it.
type filters struct {
	group, groupMAC, virtualMAC, promiscuous bool
}

func filtersOf(t *testing.T, link netlink.Link) filters {
	t.Helper()
	name := link.Attrs().Name
	igmp := table(t, "igmp")
	found := filters{group: strings.Contains(igmp, groupLittleEndian) || strings.Contains(igmp, groupBigEndian)}
	for line := range strings.Lines(table(t, "dev_mcast")) {
		found.groupMAC = found.groupMAC || strings.Contains(line, name) && strings.Contains(line, groupMACInTable)
	}
	entries, err := netlink.NeighList(link.Attrs().Index, unix.AF_BRIDGE)
	must(t, err)
	for _, entry := range entries {
		found.virtualMAC = found.virtualMAC || bytes.Equal(entry.HardwareAddr, virtualMAC[:])
	}
	found.promiscuous = linkNamed(t, name).Attrs().Promisc > 0
	return found
}

// table reads a file of the network namespace of the thread.
func table(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/net/" + name)
	must(t, err)
	return string(text)
}

func TestAMembershipLastsFromJoinToClose(t *testing.T) {
	w := newWire(t)
	if got := filtersOf(t, w.lan); got != (filters{}) {
		t.Fatalf("before the join: %+v", got)
	}
	membership, err := Join(w.index(), []netip.Addr{MulticastGroup4}, virtualMAC)
	must(t, err)
	// A veth has no unicast filter, so that the kernel makes it promiscuous for the virtual MAC.
	if got := filtersOf(t, w.lan); got != (filters{group: true, groupMAC: true, virtualMAC: true, promiscuous: true}) {
		t.Errorf("while joined, on an interface without an address: %+v", got)
	}
	must(t, membership.Close())
	if got := filtersOf(t, w.lan); got != (filters{}) {
		t.Errorf("after Close: %+v", got)
	}
}

func TestAnInterfaceThatIsDownCanBeJoinedAndFiltersOnceItIsUp(t *testing.T) {
	w := newWire(t)
	must(t, netlink.LinkSetDown(w.lan))
	membership, err := Join(w.index(), []netip.Addr{MulticastGroup4}, virtualMAC)
	must(t, err)
	defer membership.Close()
	must(t, netlink.LinkSetUp(w.lan))
	if got := filtersOf(t, w.lan); got != (filters{group: true, groupMAC: true, virtualMAC: true, promiscuous: true}) {
		t.Errorf("once up: %+v", got)
	}
}

func TestAMembershipSurvivesTheCloseOfAnOverlappingOne(t *testing.T) {
	w := newWire(t)
	old, err := Join(w.index(), []netip.Addr{MulticastGroup4}, virtualMAC, [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, 0x63})
	must(t, err)
	successor, err := Join(w.index(), []netip.Addr{MulticastGroup4}, virtualMAC)
	must(t, err)
	defer successor.Close()
	must(t, old.Close())
	if got := filtersOf(t, w.lan); got != (filters{group: true, groupMAC: true, virtualMAC: true, promiscuous: true}) {
		t.Errorf("after Close of the old one: %+v", got)
	}
}

func TestAJoinThatFailsLeavesNothing(t *testing.T) {
	const missing = 4711
	w := newWire(t)
	open := openFiles(t)
	if _, err := Join(missing, []netip.Addr{MulticastGroup4}, virtualMAC); err == nil {
		t.Error("joining on a missing interface did not fail")
	}
	if _, err := Join(w.index(), []netip.Addr{netip.MustParseAddr("192.0.2.1")}, virtualMAC); err == nil {
		t.Error("joining a unicast address did not fail")
	}
	if got := openFiles(t); got != open {
		t.Errorf("%d files are open, %d were before", got, open)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}
