package datapath

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// tcPrograms names the tc programs on an interface, ingress first: those of tcx
// or, where the kernel has no tcx, those of the qdisc.
func tcPrograms(t *testing.T, l netlink.Link) []string {
	t.Helper()
	ingress, err := tcxPrograms(l, ebpf.AttachTCXIngress)
	if errors.Is(err, unix.EINVAL) {
		return append(filterPrograms(t, l, netlink.HANDLE_MIN_INGRESS), filterPrograms(t, l, netlink.HANDLE_MIN_EGRESS)...)
	}
	if err != nil {
		t.Fatal(err)
	}
	egress, err := tcxPrograms(l, ebpf.AttachTCXEgress)
	if err != nil {
		t.Fatal(err)
	}
	return append(ingress, egress...)
}

func tcxPrograms(l netlink.Link, hook ebpf.AttachType) ([]string, error) {
	r, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: hook})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range r.Programs {
		names = append(names, programName(uint32(p.ID)))
	}
	return names, nil
}

func filterPrograms(t *testing.T, l netlink.Link, parent uint32) []string {
	t.Helper()
	filters, err := netlink.FilterList(l, parent)
	if errors.Is(err, unix.EINVAL) {
		return nil // no qdisc
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range filters {
		bpf, ok := f.(*netlink.BpfFilter)
		if !ok {
			t.Fatalf("a filter of type %s", f.Type())
		}
		names = append(names, programName(uint32(bpf.Id)))
	}
	return names
}

// checkPrograms checks that the tc programs are those of the mode, once each.
func checkPrograms(t *testing.T, name string, mode Mode) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"vrrp_accept", "vrrp_egress"}
	if mode == TC {
		want[0] = "vrrp_ingress"
	}
	if got := tcPrograms(t, l); !slices.Equal(got, want) {
		t.Errorf("tc programs are %v, want %v", got, want)
	}
}

func TestAFailedAttachTakesOffWhatAPreviousDaemonLeft(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	first, err := Open(Options{Interfaces: []string{"va"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Attach("va", TC); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(true); err != nil {
		t.Fatal(err)
	}
	checkPrograms(t, "va", TC)
	occupy(t, "va")
	if _, err := openOn(t, "va").Attach("va", Native); err == nil {
		t.Fatal("native XDP took a place that is taken")
	}
	va, err := netlink.LinkByName("va")
	if err != nil {
		t.Fatal(err)
	}
	if programs := tcPrograms(t, va); len(programs) > 0 {
		t.Errorf("%v are still attached", programs)
	}
}

func TestTheQdiscServesKernelsWithoutTCX(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	d := openOn(t, "va")
	for range 2 { // the second time over what the first left
		if err := attachClsact(va.Attrs().Index, d.objects.VrrpIngress, d.objects.VrrpEgress); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.AddRouter(RouterSpec{Interface: va.Attrs().Index, VRID: 10, Family: 4, Version: 3, VirtualMAC: virtualMAC, Addresses: []netip.Addr{vip}})
	if err != nil {
		t.Fatal(err)
	}
	d.leases.store(0, uint64(Now()+time.Hour))
	got := exchange(t, "vb", arpFrame(broadcast, clientMAC, request(client, vip)))
	if !bytes.Equal(got[:42], answer(clientMAC, client)[:42]) {
		t.Errorf("answer is %x", got)
	}
	if found, err := removeClsact(va.Attrs().Index); !found || err != nil {
		t.Errorf("remove: found %v, %v", found, err)
	}
	if found, err := removeClsact(va.Attrs().Index); found || err != nil {
		t.Errorf("remove again: found %v, %v", found, err)
	}
}

func TestAForeignFilterInTheQdiscStays(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	d := openOn(t, "va")
	if err := attachClsact(va.Attrs().Index, d.objects.VrrpIngress, d.objects.VrrpEgress); err != nil {
		t.Fatal(err)
	}
	foreign := clsactFilter(va.Attrs().Index, netlink.HANDLE_MIN_INGRESS, d.objects.VrrpAccept).(*netlink.BpfFilter)
	foreign.Name, foreign.Priority = "somebody-else", 7
	if err := netlink.FilterAdd(foreign); err != nil {
		t.Fatal(err)
	}
	if found, err := removeClsact(va.Attrs().Index); !found || err != nil {
		t.Fatalf("remove: found %v, %v", found, err)
	}
	got := append(filterPrograms(t, va, netlink.HANDLE_MIN_INGRESS), filterPrograms(t, va, netlink.HANDLE_MIN_EGRESS)...)
	if want := []string{"vrrp_accept"}; !slices.Equal(got, want) {
		t.Errorf("filters are %v, want %v", got, want)
	}
}

// exchange sends a frame out of an interface and returns the next ARP frame that comes in.
func exchange(t *testing.T, name string, frame []byte) []byte {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	const arp = 0x0608 // ETH_P_ARP in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, arp)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := unix.SockaddrLinklayer{Ifindex: l.Attrs().Index, Protocol: arp}
	if err := unix.Bind(fd, &to); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendto(fd, frame, 0, &to); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return b[:n]
}

// It has the handle of clsact, and takes a filter for egress in place of that for ingress.
func TestAnIngressQdiscIsRefusedAndStays(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	d := openOn(t, "va")
	ingress := &netlink.Ingress{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: va.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_INGRESS}}
	if err := netlink.QdiscAdd(ingress); err != nil {
		t.Fatal(err)
	}
	err := attachClsact(va.Attrs().Index, d.objects.VrrpIngress, d.objects.VrrpEgress)
	if err == nil || !strings.Contains(err.Error(), "va has an ingress qdisc") {
		t.Errorf("error is %v", err)
	}
	if names := filterPrograms(t, va, netlink.HANDLE_MIN_INGRESS); len(names) > 0 {
		t.Errorf("filters are there: %v", names)
	}
	if found, err := removeClsact(va.Attrs().Index); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if there, err := netlink.QdiscList(va); err != nil || !slices.ContainsFunc(there, func(q netlink.Qdisc) bool { return q.Type() == "ingress" }) {
		t.Errorf("qdiscs are %v, %v", there, err)
	}
}
