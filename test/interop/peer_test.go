package interop

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// patience is how long a state may take, by far: elections in version 2 take 3.6 s.
const patience = 10 * time.Second

// peer is somebody else's router. It may be started again after stop, which only asks it to leave: start waits until it
// has (keepalived lingers for a second).
type peer interface {
	start(priority uint8) error
	await(master bool) error
	stop() error
	kill() error
}

// keptPeer is a keepalived.
type keptPeer struct {
	nic    *lab.NIC
	advert vrrp.Advert
	lines  []string
	daemon *lab.Keepalived
}

func (p *keptPeer) start(priority uint8) (err error) {
	if p.daemon != nil {
		if _, err := p.daemon.Wait(patience); err != nil {
			return err
		}
	}
	p.advert.Priority = priority
	p.daemon, err = p.nic.Host.Lab().StartKeepalived(p.nic.Host, keepalivedConfig(p.advert, p.lines...))
	return err
}

func (p *keptPeer) await(master bool) error {
	state := "BACKUP"
	if master {
		state = "MASTER"
	}
	return p.daemon.AwaitState("V51", state, patience)
}

func (p *keptPeer) stop() error { return p.daemon.Stop() }

func (p *keptPeer) kill() error { return p.daemon.Kill() }

// frrPeer is a zebra and a vrrpd.
type frrPeer struct {
	nic    *lab.NIC
	advert vrrp.Advert
	daemon *lab.FRR
}

// start has the priority in the configuration: a restart reads the same.
func (p *frrPeer) start(priority uint8) (err error) {
	p.advert.Priority = priority
	if p.daemon != nil {
		if _, err := p.daemon.Wait(patience); err != nil {
			return err
		}
		return p.daemon.Start()
	}
	p.daemon, err = p.nic.Host.Lab().FRR(p.nic.Host, frrRouter(p.nic, p.advert))
	return err
}

func (p *frrPeer) await(master bool) error {
	state := "Backup"
	if master {
		state = "Master"
	}
	return p.daemon.AwaitState(p.advert.VRID, state, patience)
}

func (p *frrPeer) stop() error { return p.daemon.Stop() }

func (p *frrPeer) kill() error { return p.daemon.Kill() }
