package parsers

import (
	"fmt"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// identity is what tells virtual routers on one interface apart.
type identity struct {
	vlan uint16
	vrid uint8
}

// configured are the virtual routers of the test: both versions, untagged and
// in a VLAN, and VRID 1 in both with different versions.
var configured = map[identity]vrrp.Version{
	{0, 1}:    vrrp.V3,
	{0, 2}:    vrrp.V2,
	{0, 255}:  vrrp.V3,
	{30, 1}:   vrrp.V2,
	{30, 255}: vrrp.V3,
}

func (i identity) String() string { return fmt.Sprintf("VRID %d in VLAN %d", i.vrid, i.vlan) }

const portName = "the interface"

// opinion is what the fast path has to make of a packet for Go to agree.
type opinion struct {
	who     string // whose counter moves: an identity or portName
	counted string // "received", or the reason
	verdict datapath.Verdict
}

func (o opinion) accepted() bool { return o.counted == "received" }

// expect is the opinion of Go.
func expect(p packet) opinion {
	who, version := p.recipient()
	reason := refusal(p, version)
	switch {
	case version == 0:
		return opinion{portName, reason, datapath.Pass} // another's advert is not ours to drop
	case reason != "":
		return opinion{who.String(), reason, datapath.Drop}
	}
	return opinion{who.String(), "received", datapath.Pass}
}

// recipient is the virtual router that the packet is for, with version 0 if it is none.
func (p packet) recipient() (identity, vrrp.Version) {
	if p.missing > 0 || len(p.pdu) < headerLength {
		return identity{}, 0
	}
	who := identity{p.vlan, p.pdu[1]}
	return who, configured[who]
}

// refusal is the reason for which Go refuses the packet, in the name of a
// virtual router of that version, "" if it does not. Parse knows nothing of the
// virtual router: what comes of that is put in where RFC 9568 §7.1 has it.
func refusal(p packet, version vrrp.Version) string {
	if p.missing > 0 {
		return "ip_header" // IP discards it, Go does not get to see it
	}
	_, err := vrrp.Parse(p.parsed())
	switch {
	case err == vrrp.ReasonTTL || len(p.pdu) == 0:
		return err.Error()
	case version != 0 && p.pdu[0]>>4 != byte(version):
		return vrrp.ReasonVersion.String()
	case version == 0 && (err == nil || err == vrrp.ReasonCount || err == vrrp.ReasonInterval):
		return vrrp.ReasonVRID.String()
	case err != nil:
		return err.Error()
	}
	return ""
}
