package parsers

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

var (
	deviceMAC = [6]byte{0x02, 0, 0, 0, 0, 0x02}
	senderMAC = [6]byte{0x02, 0, 0, 0, 0, 0x03}
)

// identity is what tells virtual routers on one interface apart.
type identity struct {
	vlan   uint16
	vrid   uint8
	family vrrp.Family
}

func (i identity) String() string {
	return fmt.Sprintf("VRID %d of %v in VLAN %d", i.vrid, i.family, i.vlan)
}

// virtualRouter is one that the fast path is told of, and the state machine.
type virtualRouter struct {
	identity
	version   vrrp.Version
	interval  time.Duration // 0: the fast path takes any
	addresses []netip.Addr
	owned     bool // this host has the lease
	owner     bool // and the addresses, with or without VRRP
	unicast   bool
	strictMAC bool
	noAccept  bool
	companion bool // speaks no VRRP itself
	listed    bool // only followedSource may speak, and is no owner
}

func (r *virtualRouter) mac() [6]byte { return vrrp.VirtualMAC(r.family, r.vrid) }

// configured are the virtual routers of the test. VRID 1 is there four times.
var configured = withAddresses([]virtualRouter{
	{identity: identity{0, 1, vrrp.IPv4}, version: vrrp.V3, interval: time.Second, owned: true},
	{identity: identity{0, 2, vrrp.IPv4}, version: vrrp.V2, interval: 3 * time.Second},
	{identity: identity{0, 4, vrrp.IPv4}, version: vrrp.V3, interval: 100 * time.Millisecond, strictMAC: true, listed: true},
	{identity: identity{0, 5, vrrp.IPv4}, version: vrrp.V3, interval: time.Second, unicast: true},
	{identity: identity{0, 255, vrrp.IPv4}, version: vrrp.V3, owner: true},
	{identity: identity{30, 1, vrrp.IPv4}, version: vrrp.V2, strictMAC: true},
	{identity: identity{30, 255, vrrp.IPv4}, version: vrrp.V2, interval: 255 * time.Second, owned: true},
	{identity: identity{0, 1, vrrp.IPv6}, version: vrrp.V3, interval: time.Second, owned: true},
	{identity: identity{0, 2, vrrp.IPv6}, version: vrrp.V3, interval: 40950 * time.Millisecond},
	{identity: identity{0, 4, vrrp.IPv6}, version: vrrp.V3, strictMAC: true, owned: true, owner: true, noAccept: true},
	{identity: identity{0, 5, vrrp.IPv6}, version: vrrp.V3, interval: time.Second, unicast: true},
	{identity: identity{30, 1, vrrp.IPv6}, version: vrrp.V3, interval: 10 * time.Millisecond, owned: true},
	{identity: identity{30, 255, vrrp.IPv6}, version: vrrp.V3},
	{identity: identity{30, 5, vrrp.IPv4}, version: vrrp.V3, interval: time.Second, owned: true, companion: true},
	{identity: identity{30, 5, vrrp.IPv6}, version: vrrp.V3, interval: time.Second, owned: true, companion: true},
})

// withAddresses gives each router three addresses, but the last of a family as
// many as an advert can list.
func withAddresses(routers []virtualRouter) map[identity]*virtualRouter {
	all := make(map[identity]*virtualRouter)
	for i := range routers {
		r, count := &routers[i], 3
		if r.vlan == 30 && r.vrid == 255 {
			count = map[vrrp.Family]int{vrrp.IPv4: 255, vrrp.IPv6: mostAddresses6}[r.family]
		}
		for n := range count {
			r.addresses = append(r.addresses, virtualAddress(r.family, i, n))
		}
		all[r.identity] = r
	}
	return all
}

// virtualAddress is the n-th address of a router; the first one is link-local in IPv6.
func virtualAddress(f vrrp.Family, router, n int) netip.Addr {
	if f == vrrp.IPv4 {
		return netip.AddrFrom4([4]byte{192, 168, byte(router), byte(n)})
	}
	if n == 0 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: 1, 14: byte(router), 15: 1})
	}
	return netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 13: 1, 14: byte(router), 15: byte(n)})
}

// place is where an address is looked up.
type place struct {
	vlan    uint16
	address netip.Addr
}

var holders = func() map[place]*virtualRouter {
	all := make(map[place]*virtualRouter)
	for _, r := range configured {
		for _, a := range r.addresses {
			all[place{r.vlan, a}] = r
		}
	}
	return all
}()

// followed is the advert that keeps this router quiet, and its source.
var (
	followedBy     = configured[identity{0, 1, vrrp.IPv4}]
	followedSource = netip.AddrFrom4([4]byte{192, 168, 0, 200})
	followed       = encode(vrrp.Advert{
		Version: vrrp.V3, VRID: 1, Priority: 120, Interval: time.Second, Addresses: followedBy.addresses,
	}, followedSource)
)

func encode(a vrrp.Advert, source netip.Addr) []byte {
	pdu, err := a.AppendBinary(nil, source, vrrp.GroupAddress(vrrp.FamilyOf(source)))
	if err != nil {
		panic(err) // every field is in range
	}
	return pdu
}

func (r *virtualRouter) spec() datapath.RouterSpec {
	group := ""
	if r.companion {
		group = r.String()
	}
	var senders []datapath.Sender
	if r.listed {
		senders = []datapath.Sender{{Source: followedSource}}
	}
	return datapath.RouterSpec{
		Interface: loopback, VLAN: r.vlan, VRID: r.vrid, Family: uint8(r.family), Version: uint8(r.version),
		VirtualMAC: r.mac(), DeviceMAC: deviceMAC, Addresses: r.addresses, Interval: r.interval,
		Owner: r.owner, NoAccept: r.noAccept, StrictMAC: r.strictMAC, Unicast: r.unicast,
		Companion: r.companion, Group: group, Senders: senders,
	}
}

// machines are the state machines of the routers, as backups that wait at one
// moment for ever: adverts alone never end that.
var machines = func() map[identity]*vrrp.Router {
	all := make(map[identity]*vrrp.Router)
	for who, r := range configured {
		if r.interval == 0 {
			continue // the state machine always has an interval
		}
		c := vrrp.Config{
			VRID: r.vrid, Family: r.family, Version: r.version, Priority: vrrp.DefaultPriority,
			Interval: r.interval, Addresses: r.addresses, NoPreempt: true,
		}
		if r.unicast {
			c.Peers = []netip.Addr{virtualAddress(r.family, 255, 1)}
		}
		all[who] = vrrp.NewRouter(c)
		all[who].Step(1, vrrp.Startup{})
	}
	return all
}()
