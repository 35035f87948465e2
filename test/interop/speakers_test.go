package interop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// speaker is one way in which other people's routers speak: what it is told, and what it has to say then.
type speaker struct {
	name    string // of its capture
	advert  vrrp.Advert
	unicast bool
	ttl     uint8
	source  netip.Addr
	mac     lab.MAC // Ethernet source
	start   func(*testing.T, *lab.NIC, vrrp.Advert) process
}

// process is a daemon that can be told to leave.
type process interface {
	Stop() error
	Wait(time.Duration) (int, error)
}

// The station that speaks is the first NIC of its lab, and the one that is spoken to by unicast the second.
var (
	speakerMAC   = lab.MAC{0x02, 0, 0, 0, 0, 1}
	speakerIPv4  = netip.MustParseAddr("192.0.2.1")
	speakerIPv6  = netip.MustParseAddr("2001:db8::1")
	linkLocal    = netip.MustParseAddr("fe80::ff:fe00:1")
	frrLinkLocal = netip.MustParseAddr("fe80::f22:1")

	virtual4 = []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.101")}
	virtual6 = []netip.Addr{netip.MustParseAddr("fe80::100"), netip.MustParseAddr("2001:db8::100")}
)

const speakerVRID, speakerPriority = 51, 200

// advertOf is what a router of this version says of itself; the interval is the shortest that all implementations keep.
func advertOf(version vrrp.Version, addresses []netip.Addr) vrrp.Advert {
	a := vrrp.Advert{
		Version: version, VRID: speakerVRID, Priority: speakerPriority, Interval: 100 * time.Millisecond,
		Addresses: addresses, Checksum: vrrp.PseudoHeader,
	}
	if version == vrrp.V2 {
		a.Interval, a.Checksum = time.Second, vrrp.MessageOnly
	}
	return a
}

func withPassword(a vrrp.Advert, password string) vrrp.Advert {
	a.AuthType = 1 // simple text, RFC 2338 §5.3.6
	copy(a.AuthData[:], password)
	return a
}

var (
	mac4 = lab.VirtualMAC4(speakerVRID)
	mac6 = lab.VirtualMAC6(speakerVRID)

	v2, v3, v3IPv6 = advertOf(vrrp.V2, virtual4), advertOf(vrrp.V3, virtual4), advertOf(vrrp.V3, virtual6)

	unicast4 = []string{"unicast_src_ip 192.0.2.1", "unicast_peer {", "192.0.2.2", "}"}
	unicast6 = []string{"unicast_src_ip 2001:db8::1", "unicast_peer {", "2001:db8::2", "}"}
	password = []string{"authentication {", "auth_type PASS", "auth_pass s3cret", "}"}
)

var speakers = []speaker{
	{"keepalived-v2", v2, false, 255, speakerIPv4, speakerMAC, keepalived()},
	{"keepalived-v2-password", withPassword(v2, "s3cret"), false, 255, speakerIPv4, speakerMAC, keepalived(password...)},
	{"keepalived-v3-ipv4", v3, false, 255, speakerIPv4, speakerMAC, keepalived()},
	{"keepalived-v3-ipv6", v3IPv6, false, 255, linkLocal, speakerMAC, keepalived()},
	{"keepalived-unicast-ipv4", v3, true, 255, speakerIPv4, speakerMAC, keepalived(unicast4...)},
	{"keepalived-unicast-ipv6", v3IPv6, true, 64, speakerIPv6, speakerMAC, keepalived(unicast6...)},
	{"keepalived-vmac-ipv4", v3, false, 255, speakerIPv4, mac4, keepalived("use_vmac")},
	{"keepalived-vmac-ipv6", v3IPv6, false, 255, linkLocal, mac6, keepalived("use_vmac")},
	{"frr-v2", v2, false, 255, speakerIPv4, mac4, frr},
	{"frr-v3-ipv4", v3, false, 255, speakerIPv4, mac4, frr},
	{"frr-v3-ipv6", v3IPv6, false, 255, frrLinkLocal, mac6, frr},
}

func prefixOf(a netip.Addr) netip.Prefix {
	if a.Is4() {
		return netip.PrefixFrom(a, 24)
	}
	return netip.PrefixFrom(a, 64)
}

// keepalivedConfig is a configuration for the advert, with further lines in its only instance, V51.
func keepalivedConfig(a vrrp.Advert, lines ...string) string {
	return fmt.Sprintf(`vrrp_instance V%d {
    interface eth0
    virtual_router_id %d
    version %d
    priority %d
    advert_int %g
    %s
    virtual_ipaddress {
        %s
    }
}
`, a.VRID, a.VRID, a.Version, a.Priority, a.Interval.Seconds(), strings.Join(lines, "\n    "), strings.Join(prefixes(a.Addresses), "\n        "))
}

func prefixes(addresses []netip.Addr) (all []string) {
	for _, a := range addresses {
		all = append(all, prefixOf(a).String())
	}
	return all
}

func keepalived(lines ...string) func(*testing.T, *lab.NIC, vrrp.Advert) process {
	return func(t *testing.T, nic *lab.NIC, a vrrp.Advert) process {
		t.Helper()
		nic.OnlyOwnARP()
		k, err := nic.Host.Lab().StartKeepalived(nic.Host, keepalivedConfig(a, lines...))
		must(t, err)
		return k
	}
}

// frrRouter is vrrpd's configuration for the advert.
func frrRouter(nic *lab.NIC, a vrrp.Advert) lab.FRRRouter {
	r := lab.FRRRouter{NIC: nic, VRID: a.VRID, Version: int(a.Version), Priority: int(a.Priority), Interval: a.Interval}
	for _, address := range a.Addresses {
		r.Addresses = append(r.Addresses, prefixOf(address))
	}
	return r
}

func frr(t *testing.T, nic *lab.NIC, a vrrp.Advert) process {
	t.Helper()
	f, err := nic.Host.Lab().FRR(nic.Host, frrRouter(nic, a))
	must(t, err)
	return f
}
