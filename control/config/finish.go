package config

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// finish finds what the instance means, once all of the file is known.
func (in *instance) finish() {
	if in.vrid == nil && !in.n.faulty {
		in.n.fatal("vrrp_instance %s has no virtual_router_id: say which, 1..255, the same on all its routers", in.Name)
	}
	if in.Interface == "" && !in.n.faulty {
		in.n.fatal("vrrp_instance %s has no interface: say which; with unicast it is needed too", in.Name)
	}
	r := &in.Router
	r.VRID = uint8(first(0, in.vrid))
	r.StartDelay = first(0, in.global().startDelay)
	if !in.finishAddresses() {
		return
	}
	in.finishVersion()
	in.finishPriority()
	in.finishInterval()
	in.finishPreemption()
	in.finishUnicast()
	in.finishSenders()
	in.finishSource()
	in.finishHMAC()
	in.finishAuthentication()
	in.finishAcceptance()
	in.finishAnnouncements()
	in.finishChecksum()
	in.finishAdvertise()
	in.finishTracks()
	in.Notify.Mail = first(false, in.mail, in.global().mailVRRP, in.global().mail)
	in.Notify.PriorityChanges = first(false, in.priorityChanges, in.global().priorityChanges)
	in.validate()
}

func (in *instance) global() *globals { return &in.n.d.global }

func (in *instance) isStrict() bool { return first(false, in.strict, in.global().strict) }

// mostAdvertised is how many addresses an advert has room for.
func (in *instance) mostAdvertised() int {
	switch {
	case in.Router.Family == vrrp.IPv4:
		return 255
	case in.signs():
		return 89
	}
	return 90
}

// finishAddresses lets the first address say of which family the instance is.
func (in *instance) finishAddresses() bool {
	if len(in.Addresses) == 0 {
		if !in.n.faulty {
			in.n.fatal("vrrp_instance %s has no virtual address: say which, in virtual_ipaddress", in.Name)
		}
		return false
	}
	r := &in.Router
	r.Family = vrrp.FamilyOf(in.Addresses[0].Prefix.Addr())
	var kept []iproute.Address
	for i, a := range in.Addresses {
		n := in.addressNodes[i]
		switch address := a.Prefix.Addr(); {
		case vrrp.FamilyOf(address) != r.Family:
			n.fail("%v: an instance has addresses of one family, this one of %v: put it into another instance, or into virtual_ipaddress_excluded", a.Prefix, r.Family)
			continue
		case len(kept) == in.mostAdvertised():
			n.warn("%v: an advert has no room for more than %d addresses: it is taken as virtual_ipaddress_excluded", a.Prefix, in.mostAdvertised())
			in.Excluded = append(in.Excluded, a)
			continue
		}
		kept = append(kept, a)
		r.Addresses = append(r.Addresses, a.Prefix.Addr())
	}
	in.Addresses = kept
	in.checkFirstAddress()
	return true
}

// checkFirstAddress is about RFC 9568 §5.2.9, which keepalived does not insist on.
func (in *instance) checkFirstAddress() {
	if in.Router.Family == vrrp.IPv4 || in.Router.Addresses[0].IsLinkLocalUnicast() {
		return
	}
	in.Router.AnyFirstAddress = true
	n := in.addressNodes[0]
	if in.isStrict() {
		n.fail("%v: in strict mode the first address of IPv6 must be link-local (fe80::/10)", in.Router.Addresses[0])
		return
	}
	n.warn("%v: the first address of IPv6 should be link-local (fe80::/10): without one hosts cannot have this router as their default router", in.Router.Addresses[0])
}

func (in *instance) finishVersion() {
	in.Router.Version = vrrp.Version(first(2, in.version, in.global().version))
	if in.Router.Family != vrrp.IPv6 || in.Router.Version == vrrp.V3 {
		return
	}
	in.Router.Version = vrrp.V3
	if in.versionNode != nil {
		in.versionNode.fail("version 2 is not possible with IPv6: say version 3, or leave it out")
	}
}

// finishPriority: like keepalived, a state of MASTER without a priority makes
// an owner of the addresses.
func (in *instance) finishPriority() {
	usual := vrrp.DefaultPriority
	master := in.state == "MASTER"
	if master && in.priority == nil && !in.n.faulty {
		usual = vrrp.OwnerPriority
		in.stateNode.warn("state MASTER without a priority means priority 255, the owner of the addresses: say a priority")
	}
	in.Router.Priority = uint8(first(usual, in.priority))
	if master && in.isStrict() && !in.owner() {
		in.stateNode.warn("state MASTER: in strict mode only priority 255 begins as master")
	}
}

func (in *instance) owner() bool { return in.Router.Priority == vrrp.OwnerPriority }

// finishInterval rounds to what adverts of the version can say.
func (in *instance) finishInterval() {
	interval := first(time.Second, in.interval)
	unit, most := time.Second, 255*time.Second
	if in.Router.Version == vrrp.V3 {
		unit, most = 10*time.Millisecond, 40950*time.Millisecond
	}
	if interval > most {
		in.intervalNode.fail("advert_int: %v is more than version %d can say, which is %v", interval, in.Router.Version, most)
		interval = most
	}
	rounded := max(interval.Round(unit), unit)
	if rounded != interval {
		in.intervalNode.warn("advert_int: %v is rounded to %v, for version %d has steps of %v", interval, rounded, in.Router.Version, unit)
	}
	in.Router.Interval = rounded
}

func (in *instance) finishPreemption() {
	r := &in.Router
	switch {
	case in.noPreempt == nil:
	case in.owner():
		in.noPreempt.warn("nopreempt has no effect with priority 255: an owner always preempts")
	case in.state == "MASTER":
		in.noPreempt.warn("nopreempt has no effect with state MASTER: say state BACKUP, on all routers")
	default:
		r.NoPreempt = true
	}
	switch {
	case in.preemptDelay == nil || *in.preemptDelay == 0:
	case in.isStrict():
		in.preemptNode.fail("preempt_delay: strict mode has none: take one of them out")
	case in.state == "MASTER" || in.owner():
		in.preemptNode.warn("preempt_delay has no effect with state MASTER or priority 255: say state BACKUP")
	case r.NoPreempt:
		in.preemptNode.warn("preempt_delay has no effect with nopreempt")
	default:
		r.PreemptDelay = *in.preemptDelay
	}
}

func (in *instance) finishUnicast() {
	switch {
	case len(in.peers) > 0 && in.isStrict():
		in.peers[0].n.fail("unicast_peer: strict mode has no unicast: take one of them out")
		return
	case len(in.peers) > 0:
		in.finishPeers()
	case in.faultWithoutPeers != nil:
		in.faultWithoutPeers.fatal("unicast_fault_no_peer: there is no peer, so the instance would never leave FAULT: name one in unicast_peer")
	case len(in.unicast) > 0:
		in.unicast[0].warn("%s without peers: adverts are multicast; name the peers in unicast_peer", in.unicast[0].Keyword())
	}
}

func (in *instance) finishSource() {
	r := &in.Router
	n := in.sourceNode
	global := slices.ContainsFunc(r.Peers, func(a netip.Addr) bool { return a.Is6() && !a.IsLinkLocalUnicast() })
	switch {
	case n == nil && global:
		in.n.fatal("vrrp_instance %s: say with unicast_src_ip from which IPv6 address the adverts go to these peers", in.Name)
	case n == nil:
	case vrrp.FamilyOf(in.Source) != r.Family:
		n.fail("%s: %v is no %v address, as the virtual ones are", n.Keyword(), in.Source, r.Family)
		in.Source = netip.Addr{}
	case len(r.Peers) == 0 && in.Source.Is6() && !in.Source.IsLinkLocalUnicast():
		n.fatal("%s: multicast IPv6 adverts come from a link-local address (fe80::/10)", n.Keyword())
	case !in.owner() && slices.Contains(r.Addresses, in.Source):
		n.fatal("%s: %v is a virtual address: adverts need one of this router's own", n.Keyword(), in.Source)
	case slices.Contains(r.Peers, in.Source):
		n.fatal("%s: %v is also a peer: a peer is another router", n.Keyword(), in.Source)
	}
}

func (in *instance) finishAuthentication() {
	switch {
	case in.authNode == nil || in.authNode.faulty:
	case in.hmac != nil:
		in.authNode.fail("authentication and auth_hmac: take one of them out, the first if all routers know the second")
	case in.authType == nil && in.password == nil:
		in.authNode.fail("authentication says nothing: say auth_type PASS and auth_pass")
	case in.authType == nil:
		in.password.fail("auth_pass without auth_type PASS: adverts would go without the password")
	case in.password == nil:
		in.authType.fail("auth_type PASS without auth_pass: adverts would go without a password")
	case in.Router.Version == vrrp.V3:
		in.password.warn("version 3 has no authentication: the password is not used")
	case in.isStrict():
		in.authType.warn("authentication: strict mode has none: adverts go without the password, as keepalived's do")
	default:
		password := in.password.arg(0)
		in.Router.Password = password[:min(len(password), 8)]
	}
}

func (in *instance) finishAcceptance() {
	if !in.isStrict() {
		in.NoAccept = !first(true, in.accept)
		return
	}
	accept := first(in.owner(), in.accept)
	if in.accept != nil && accept && in.Router.Version == vrrp.V2 && !in.owner() {
		in.n.fail("vrrp_instance %s: accept: strict mode has it in version 3 only", in.Name)
		accept = false
	}
	in.NoAccept = !accept
	if in.NoAccept && in.accept == nil {
		in.n.warn("vrrp_instance %s: strict mode without accept: the virtual addresses answer no ping and no connection", in.Name)
	}
}

func (in *instance) finishChecksum() {
	message := first(false, in.checksum, in.global().checksum)
	choice := in.Router.Version == vrrp.V3 && in.Router.Family == vrrp.IPv4
	switch {
	case choice && in.checksumPolicy != nil:
		in.Router.Checksum = *in.checksumPolicy
	case choice && message:
		in.Router.Checksum = vrrp.ChecksumMessageOnly
	case in.checksumNode != nil && *in.checksumPolicy != vrrp.ChecksumAuto:
		in.checksumNode.fail("checksum: there is a choice in version 3 over IPv4 only")
	}
}

// validate says what else the state machine would not take.
func (in *instance) validate() {
	r := in.Router
	r.Source = in.Source
	if err := r.Validate(); err != nil && !in.n.d.isFatal(in.n) {
		in.n.needed = true
		in.n.failAll("vrrp_instance "+in.Name+": ", err)
	}
}

// isFatal reports whether the block has said already why it cannot run.
func (d *decoder) isFatal(n *node) bool {
	return slices.Contains(d.lines[n.line].severities, Fatal) || slices.ContainsFunc(n.block, d.isFatal)
}
