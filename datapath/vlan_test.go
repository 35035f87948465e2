package datapath

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// newVLAN makes a VLAN device like va.10, up. Some kernels cannot: a skip, but
// a failure where VLAN devices are promised.
func newVLAN(t *testing.T, parent string, id int, name string) netlink.Link {
	t.Helper()
	on, err := netlink.LinkByName(parent)
	if err != nil {
		t.Fatal(err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = name, on.Attrs().Index
	err = netlink.LinkAdd(&netlink.Vlan{LinkAttrs: attrs, VlanId: id, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})
	if errors.Is(err, unix.EOPNOTSUPP) && os.Getenv("VRRP_XDP_REQUIRE_VLAN") != "1" {
		t.Skip("this kernel has no VLAN devices (8021q); those of make test-kernels do")
	}
	if err != nil {
		t.Fatalf("make %s: %v", name, err)
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestXDPIsRefusedOnAVethWithAVLANDevice(t *testing.T) {
	for _, mode := range []Mode{Native, Generic} {
		newNetwork(t)
		newVeth(t, "va", "vb")
		newVLAN(t, "va", 10, "va.10")
		_, err := openOn(t, "va").Attach("va", mode)
		if err == nil || !strings.Contains(err.Error(), "va.10") || !strings.Contains(err.Error(), "--mode tc") {
			t.Errorf("%s: error is %v", mode, err)
		}
		if attached := attachedMode(t, "va"); attached != TC {
			t.Errorf("%s: attached in mode %s all the same", mode, attached)
		}
	}
}

func TestAutoTakesTCOnAVethWithAVLANDevice(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	newVLAN(t, "va", 10, "va.10")
	p, err := openOn(t, "va").Attach("va", Auto)
	if err != nil {
		t.Fatal(err)
	}
	if p.Mode != TC {
		t.Errorf("mode %s, reason %q", p.Mode, p.Reason)
	}
	checkPrograms(t, "va", TC)
}

func TestAVLANDeviceOfAnotherInterfaceDoesNotForbidNative(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	newVLAN(t, "vb", 10, "vb.10")
	if _, err := openOn(t, "va").Attach("va", Native); err != nil {
		t.Error(err)
	}
}

func TestAVLANDeviceIsAnsweredForByTC(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	va10 := newVLAN(t, "va", 10, "va.10")
	newVLAN(t, "vb", 10, "vb.10")
	for range 2 { // the second time over what the first left, in a folder with an escaped dot
		d, err := Open(Options{Interfaces: []string{"va.10"}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.Attach("va.10", Auto)
		if err != nil {
			t.Fatal(err)
		}
		if p.Mode != TC || !strings.Contains(p.Reason, "vlan") {
			t.Errorf("mode %s, reason %q", p.Mode, p.Reason)
		}
		checkPrograms(t, "va.10", TC)
		serve(t, d, RouterSpec{Interface: va10.Attrs().Index, VRID: 10, VirtualMAC: virtualMAC})
		got := exchange(t, "vb.10", arpFrame(broadcast, clientMAC, request(client, vip)))
		if !bytes.Equal(got[:42], answer(clientMAC, client)[:42]) {
			t.Errorf("answer is %x", got)
		}
		if err := d.Close(true); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := Detach("va.10", nobody); !found || err != nil {
		t.Errorf("detach: found %v, %v", found, err)
	}
	checkNothingLeft(t, "va.10")
}

// serve installs a virtual router for the VIP and owns it.
func serve(t *testing.T, d *Datapath, spec RouterSpec) {
	t.Helper()
	spec.Family, spec.Version, spec.Addresses = 4, 3, []netip.Addr{vip}
	r, err := d.AddRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	r.SetLease(Now() + time.Hour)
}

// One address in two VLANs: the tags are in the metadata of the frames here, and
// the answers must leave in the VLAN of the question.
func TestTCOnATrunkAnswersEachVLANWithItsOwnVirtualMAC(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	newVLAN(t, "va", 10, "va.10")
	newVLAN(t, "vb", 10, "vb.10")
	newVLAN(t, "vb", 20, "vb.20")
	d := openOn(t, "va")
	if _, err := d.Attach("va", TC); err != nil {
		t.Fatal(err)
	}
	macs := map[string][6]byte{"vb.10": {0, 0, 0x5e, 0, 1, 10}, "vb.20": {0, 0, 0x5e, 0, 1, 20}}
	serve(t, d, RouterSpec{Interface: va.Attrs().Index, VLAN: 10, VRID: 10, VirtualMAC: macs["vb.10"]})
	serve(t, d, RouterSpec{Interface: va.Attrs().Index, VLAN: 20, VRID: 20, VirtualMAC: macs["vb.20"]})
	for name, mac := range macs {
		got := exchange(t, name, arpFrame(broadcast, clientMAC, request(client, vip)))
		want := arpFrame(clientMAC, mac, arpPacket{operation: 2, senderMAC: mac, sender: vip, targetMAC: clientMAC, target: client})
		if !bytes.Equal(got[:42], want[:42]) {
			t.Errorf("%s: answer is %x, want %x", name, got, want)
		}
	}
}

func TestWhereTheOffloadOfVLANTagsIsNotKnownItIsFeared(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	for name, want := range map[string]bool{"lo": false, "va": true, "missing": true} {
		if got := offloadsVLAN(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
