package config

import (
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// instance is a vrrp_instance while it is read.
type instance struct {
	Instance
	settings
	n *node

	state              string
	stateNode          *node
	vrid, priority     *int
	interval           *time.Duration
	intervalNode       *node
	noPreempt          *node
	preemptDelay       *time.Duration
	preemptNode        *node
	accept             *bool
	authNode           *node
	authType, password *node
	hmac               *hmac
	peers              []peer
	senders            []sender
	sendersNode        *node
	unicast            []*node // keywords that mean unicast
	faultWithoutPeers  *node
	sourceNode         *node
	addressNodes       []*node // of Addresses
	excludedNodes      []*node
	versionNode        *node
	checksumNode       *node
	checksumPolicy     *vrrp.ChecksumPolicy
	advertise          *advertisement
	tracks             []*track
	group              *group
}

// peer is a line of unicast_peer. TTLs are 0 without a bound.
type peer struct {
	address        netip.Addr
	minTTL, maxTTL uint8
	n              *node
}

func (in *instance) track(t *track) { in.tracks = addTrack(in.tracks, t) }

// takeInstance keeps the first instance of each name.
func takeInstance(n *node) {
	for _, other := range n.d.instances {
		if other.Name == n.arg(0) {
			n.fail("vrrp_instance %s is there twice: the first counts, %s; give one another name", n.arg(0), n.seen(other.n))
			n.leaveOut()
			return
		}
	}
	in := &instance{n: n}
	in.Pos, in.Name = n.Pos, n.arg(0)
	n.d.instances = append(n.d.instances, in)
	n.inside(in)
}

func (in *instance) takeState(n *node) {
	switch n.arg(0) {
	case "MASTER", "BACKUP":
		in.state, in.stateNode = n.arg(0), n
	default:
		n.fail("state: %s is neither MASTER nor BACKUP", n.arg(0))
	}
}

func (in *instance) takeInterface(n *node) {
	in.Interface = n.arg(0)
	n.d.wantInterface(n, Fatal, in.Interface)
}

func (in *instance) takeVRID(n *node) {
	n.needed = true
	if v, ok := n.number(0, 1, 255); ok {
		in.vrid = &v
	}
}

func (in *instance) takeInterval(n *node) {
	const least, most = 10 * time.Millisecond, 255 * time.Second
	if v, ok := n.seconds(0, least, most); ok {
		in.interval, in.intervalNode = &v, n
	}
}

func (in *instance) takePreemptDelay(n *node) {
	if v, ok := n.seconds(0, 0, 1000*time.Second); ok {
		in.preemptDelay, in.preemptNode = &v, n
	}
}

func (in *instance) takeAccept(n *node) {
	accept := n.Keyword() == "accept"
	if in.accept != nil && *in.accept != accept {
		n.warn("accept and no_accept: the last one counts")
	}
	in.accept = &accept
}

// takeVMAC is for what is said about macvlan interfaces, which there are none of.
func (in *instance) takeVMAC(n *node) {
	for _, w := range n.Args() {
		switch w.Text {
		case "netlink_notify_msg":
		case "group":
			n.warn("use_vmac: there is no macvlan interface that could have a group")
			return
		default:
			n.warn("use_vmac: %s is not used: there is no macvlan interface, and the MAC is always that of the RFC", w.Text)
			return
		}
	}
}

func (in *instance) takeUnicastTTL(n *node) {
	in.unicast = append(in.unicast, n)
	if v, ok := n.number(0, 0, 255); ok && v != 255 {
		n.warn("unicast_ttl: adverts are sent with 255: no peer may demand less, with max_ttl")
	}
}

func (in *instance) takeFaultWithoutPeers(n *node) { in.faultWithoutPeers = n }

func (in *instance) takeOldChecksum(n *node) {
	if n.arg(0) != "never" {
		n.fail("old_unicast_checksum: only never is possible: routers that need it are from before 2017")
	}
}

func (in *instance) takeChecksum(n *node) {
	for _, p := range []vrrp.ChecksumPolicy{vrrp.ChecksumAuto, vrrp.ChecksumPseudoHeader, vrrp.ChecksumMessageOnly} {
		if p.String() == n.arg(0) {
			in.checksumPolicy, in.checksumNode = &p, n
			return
		}
	}
	n.fail("checksum: %s is none of auto, pseudo-header, message-only", n.arg(0))
}

// takeDestination is mcast_dst_ip.
func (in *instance) takeDestination(n *node) {
	if n.arg(0) != "224.0.0.18" && n.arg(0) != "ff02::12" {
		n.fatal("mcast_dst_ip: %s is not done here, only 224.0.0.18 and ff02::12: routers with different groups do not hear each other", n.arg(0))
	}
}

func (in *instance) takeAuthentication(n *node) {
	in.authNode = n
	n.inside(in)
}

func (in *instance) takeAuthType(n *node) {
	switch n.arg(0) {
	case "PASS":
		in.authType = n
	case "AH":
		n.fatal("auth_type: AH is not done here, only PASS: routers with different types do not hear each other")
	default:
		n.fail("auth_type: %s is neither PASS nor AH", n.arg(0))
	}
}

func (in *instance) takePassword(n *node) {
	in.password = n
	n.checkSecret()
	if n.comment == touchingComment {
		n.warn("auth_pass ends at the # or !, which begins a comment: put the password between double quotes if it has one")
	}
	if len(n.arg(0)) > 8 {
		n.warn("auth_pass is longer than 8 bytes: only the first 8 are sent and compared")
	}
	if n.arg(0) == "" {
		n.fatal("auth_pass is empty")
	}
}

func (in *instance) takeSource(n *node) {
	if a, ok := n.address(0); ok {
		in.Source, in.sourceNode = a, n
		if n.Keyword() == "unicast_src_ip" {
			in.unicast = append(in.unicast, n)
		}
	}
}

// takeDeleted: without a script it only asks for the word DELETED, which is
// always what is told.
func (in *instance) takeDeleted(n *node) {
	if n.arg(0) != "" {
		in.Notify.Deleted = n.notifyCommand(func() { in.Notify.Deleted = nil })
	}
}
