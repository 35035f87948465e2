package interop

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// patience is how long a state may take, by far: elections in version 2 take 3.6 s.
const patience = 10 * time.Second

// peer is somebody else's router. It may be started again after Stop.
type peer interface {
	start(t *testing.T, priority uint8)
	await(t *testing.T, master bool)
	stop(t *testing.T)
	kill(t *testing.T)
}

// keptPeer is a keepalived.
type keptPeer struct {
	nic    *lab.NIC
	advert vrrp.Advert
	lines  []string
	daemon *lab.Keepalived
}

func (p *keptPeer) start(t *testing.T, priority uint8) {
	t.Helper()
	p.advert.Priority = priority
	var err error
	p.daemon, err = p.nic.Host.Lab().StartKeepalived(p.nic.Host, keepalivedConfig(p.advert, p.lines...))
	must(t, err)
}

func (p *keptPeer) await(t *testing.T, master bool) {
	t.Helper()
	state := "BACKUP"
	if master {
		state = "MASTER"
	}
	must(t, p.daemon.AwaitState("V51", state, patience))
}

func (p *keptPeer) stop(t *testing.T) {
	t.Helper()
	must(t, p.daemon.Stop())
	_, err := p.daemon.Wait(patience)
	must(t, err)
}

func (p *keptPeer) kill(t *testing.T) {
	t.Helper()
	must(t, p.daemon.Kill())
}

// frrPeer is a zebra and a vrrpd.
type frrPeer struct {
	nic    *lab.NIC
	advert vrrp.Advert
	daemon *lab.FRR
}

func (p *frrPeer) start(t *testing.T, priority uint8) {
	t.Helper()
	p.advert.Priority = priority
	if p.daemon == nil {
		var err error
		p.daemon, err = p.nic.Host.Lab().FRR(p.nic.Host, frrRouter(p.nic, p.advert))
		must(t, err)
		return
	}
	must(t, p.daemon.Start())
	must(t, p.daemon.SetPriority(frrRouter(p.nic, p.advert), int(priority)))
}

func (p *frrPeer) await(t *testing.T, master bool) {
	t.Helper()
	state := "Backup"
	if master {
		state = "Master"
	}
	must(t, p.daemon.AwaitState(p.advert.VRID, state, patience))
}

func (p *frrPeer) stop(t *testing.T) {
	t.Helper()
	must(t, p.daemon.Stop())
	_, err := p.daemon.Wait(patience)
	must(t, err)
}

func (p *frrPeer) kill(t *testing.T) {
	t.Helper()
	must(t, p.daemon.Kill())
}
