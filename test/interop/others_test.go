package interop

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// others is a keepalived, a vrrpd and a client on a LAN, without us: what the lab says of them has to be right before it
// says anything of us.
type others struct {
	t               *testing.T
	lab             *lab.Lab
	lan             *lab.Switch
	kept, routed    *lab.NIC // of keepalived and of FRR
	client          *lab.NIC
	advert          vrrp.Advert // what both are told, but for the priority
	vip             netip.Addr  // the one that the client asks for
	keptIP, routeIP netip.Addr  // the sources of their adverts
}

func newOthers(t *testing.T, advert vrrp.Advert) *others {
	l := lab.ForTest(t)
	lan := l.Switch("lan")
	o := &others{t: t, lab: l, lan: lan, advert: advert, vip: advert.Addresses[1]}
	o.kept = l.Host("keepalived").Connect(lan, "eth0", "192.0.2.1/24", "2001:db8::1/64")
	o.routed = l.Host("frr").Connect(lan, "eth0", "192.0.2.2/24", "2001:db8::2/64")
	o.client = l.Host("client").Connect(lan, "eth0", "192.0.2.3/24", "2001:db8::3/64")
	o.keptIP, o.routeIP = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	if advert.Addresses[0].Is6() {
		o.keptIP, o.routeIP = o.kept.LinkLocal(), netip.MustParseAddr("fe80::f22:2")
	}
	return o
}

func (o *others) withPriority(priority uint8) vrrp.Advert {
	a := o.advert
	a.Priority = priority
	return a
}

// onlyMaster wants adverts from this source alone, and this host alone to answer the client, with the virtual MAC.
func (o *others) onlyMaster(host *lab.NIC, source netip.Addr) {
	o.t.Helper()
	sniffer, err := o.lan.Sniff(lab.SentVRRP)
	must(o.t, err)
	asked := o.ask()
	heard := 0
	_, err = sniffer.Await(5*time.Second, func(lab.Frame) bool { heard++; return heard == 5 })
	must(o.t, err)
	for _, f := range sniffer.Stop() {
		if advert, _ := lab.ParseVRRP(f.Data); advert.SourceIP != source {
			o.t.Errorf("an advert of priority %d from %s, want them from %s alone", advert.Priority(), advert.SourceIP, source)
		}
	}
	must(o.t, asked.AwaitAnswers(10, 5*time.Second))
	report := asked.Stop()
	virtual := lab.MAC(vrrp.VirtualMAC(vrrp.FamilyOf(o.vip), o.advert.VRID))
	if owners := report.Owners(); len(owners) != 1 || owners[0].Host != host.Host.Name || owners[0].MAC != virtual {
		o.t.Errorf("%s belongs to %+v, want %s with %s", o.vip, owners, host.Host.Name, virtual)
	}
	if double := report.DoubleAnswers(); len(double) > 0 {
		o.t.Errorf("%d of %d questions were answered twice", len(double), report.Requests)
	}
}

func (o *others) ask() *lab.OwnerWatch {
	o.t.Helper()
	watch := o.lan.WatchARP
	if o.vip.Is6() {
		watch = o.lan.WatchND
	}
	w, err := watch(o.client, o.vip, 10*time.Millisecond)
	must(o.t, err)
	return w
}

// election: FRR is alone; keepalived preempts it, leaves, and comes back; FRR, now the stronger one, preempts, and dies.
func (o *others) election() {
	const patience = 5 * time.Second
	vrrpd, err := o.lab.FRR(o.routed.Host, frrRouter(o.routed, o.withPriority(100)))
	must(o.t, err)
	must(o.t, vrrpd.AwaitState(speakerVRID, "Master", patience))
	o.onlyMaster(o.routed, o.routeIP)

	o.kept.OnlyOwnARP()
	start := func() *lab.Keepalived {
		o.t.Helper()
		k, err := o.lab.StartKeepalived(o.kept.Host, keepalivedConfig(o.withPriority(200), "use_vmac"))
		must(o.t, err)
		must(o.t, k.AwaitState("V51", "MASTER", patience))
		must(o.t, vrrpd.AwaitState(speakerVRID, "Backup", patience))
		o.onlyMaster(o.kept, o.keptIP)
		return k
	}
	k := start()
	must(o.t, k.Stop())
	_, err = k.Wait(patience)
	must(o.t, err)
	must(o.t, vrrpd.AwaitState(speakerVRID, "Master", patience))
	o.onlyMaster(o.routed, o.routeIP)

	k = start()
	must(o.t, vrrpd.SetPriority(frrRouter(o.routed, o.advert), 250))
	must(o.t, vrrpd.AwaitState(speakerVRID, "Master", patience))
	must(o.t, k.AwaitState("V51", "BACKUP", patience))
	o.onlyMaster(o.routed, o.routeIP)

	o.routed.Cut() // a killed vrrpd leaves its macvlan behind, and answers
	must(o.t, vrrpd.Kill())
	must(o.t, k.AwaitState("V51", "MASTER", patience))
	o.onlyMaster(o.kept, o.keptIP)
}

func TestKeepalivedAndFRRElectOneMasterOfAnIPv4Router(t *testing.T) {
	t.Parallel() // no time is measured
	newOthers(t, v3).election()
}

func TestKeepalivedAndFRRElectOneMasterOfAnIPv6Router(t *testing.T) {
	t.Parallel()
	newOthers(t, v3IPv6).election()
}
