package netio

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

var virtualMAC = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, 0x0a}

// wire is a cable between two new namespaces: lan0 in the namespace of the test, far0 in that of the peer.
type wire struct {
	lan, far   netlink.Link
	home, peer netns.NsHandle
}

// newWire moves the goroutine of the test into a new namespace for good: its thread ends with it, and so do the
// namespaces. A subtest runs elsewhere and needs a wire of its own.
func newWire(t *testing.T) *wire {
	t.Helper()
	requireRoot(t)
	runtime.LockOSThread()
	w := &wire{peer: newNamespace(t), home: newNamespace(t)}
	// Two ends of the same index would look like one device, whose carrier the kernel takes up to a second to act on.
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0", Index: 77}, PeerName: "far0", PeerNamespace: netlink.NsFd(w.peer)}
	must(t, netlink.LinkAdd(cable))
	w.lan = linkNamed(t, "lan0")
	w.atPeer(t, func() {
		w.far = linkNamed(t, "far0")
		must(t, netlink.LinkSetUp(w.far))
	})
	w.start(t)
	return w
}

// start sets lan0 up and waits until that has been reported, so that no event of it surprises a test.
func (w *wire) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events, err := newLinks(t).Watch(ctx)
	must(t, err)
	must(t, netlink.LinkSetUp(w.lan))
	await(t, events, "lan0 up", isUp)
	cancel()
	for range events { // until the watch has closed its socket
	}
}

// newWire6 is a wire with IPv6 at both ends, and no address there that the kernel gave itself.
func newWire6(t *testing.T) *wire {
	t.Helper()
	w := newWire(t)
	enable := func(link string) {
		awaitSending(t, link)
		sysctl(t, "ipv6/conf/"+link+"/addr_gen_mode", "1")
		sysctl(t, "ipv6/conf/"+link+"/router_solicitation_delay", "0") // and no random delay before an address is tested
		sysctl(t, "ipv6/conf/"+link+"/disable_ipv6", "0")
	}
	enable("lan0")
	w.atPeer(t, func() { enable("far0") })
	return w
}

// awaitSending waits until the kernel itself has seen the carrier: until then it loses what is sent, and IPv6 is not
// set up.
func awaitSending(t *testing.T, link string) {
	t.Helper()
	for start := time.Now(); linkNamed(t, link).Attrs().OperState != netlink.OperUp; time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("%s has not come up", link)
		}
	}
}

// sysctl sets a value below net in the namespace of the thread.
func sysctl(t *testing.T, name, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/"+name, []byte(value), 0))
}

func readSysctl(t *testing.T, name string) []byte {
	t.Helper()
	value, err := os.ReadFile("/proc/sys/net/" + name)
	must(t, err)
	return value
}

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
		t.Fatal("needs root")
	}
	t.Skip("needs root")
}

// newNamespace leaves the calling thread in the new namespace, without IPv6 and its chatter.
func newNamespace(t *testing.T) netns.NsHandle {
	t.Helper()
	namespace, err := netns.New()
	must(t, err)
	t.Cleanup(func() { namespace.Close() })
	for _, scope := range []string{"all", "default"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+scope+"/disable_ipv6", []byte("1"), 0)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return namespace
}

func (w *wire) atPeer(t *testing.T, do func()) {
	t.Helper()
	must(t, netns.Set(w.peer))
	defer func() { must(t, netns.Set(w.home)) }()
	do()
}

func (w *wire) index() int {
	return w.lan.Attrs().Index
}

func linkNamed(t *testing.T, name string) netlink.Link {
	t.Helper()
	link, err := netlink.LinkByName(name)
	must(t, err)
	return link
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// capture hears the frames that reach the far end of a wire.
type capture struct {
	fd int
}

func (w *wire) capture(t *testing.T) capture {
	t.Helper()
	var fd int
	w.atPeer(t, func() {
		var err error
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { unix.Close(fd) })
		everything := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
		must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: everything, Ifindex: w.far.Attrs().Index}))
		must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2}))
	})
	return capture{fd}
}

// next returns the next frame from the virtual MAC.
func (c capture) next(t *testing.T) []byte {
	t.Helper()
	return c.nextThat(t, "from the virtual MAC", func(frame []byte) bool { return bytes.Equal(frame[6:12], virtualMAC[:]) })
}

func (c capture) nextThat(t *testing.T, what string, fits func(frame []byte) bool) []byte {
	t.Helper()
	frame := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(c.fd, frame, 0)
		if err != nil {
			t.Fatalf("no frame %s arrived: %v", what, err)
		}
		if n >= ethernetHeaderLen && fits(frame[:n]) {
			return frame[:n]
		}
	}
}
