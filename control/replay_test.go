package control

import (
	"errors"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// withLedger keeps a ledger in a file, for any number of engines one after the other.
func (h *host) withLedger(path string) {
	h.world.Ledger = func(anew bool) (Ledger, error) {
		l, err := OpenLedger(path, anew)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}

func TestAnAdvertFromBeforeARestartIsACopy(t *testing.T) {
	for name, auth := range map[string]func(*vrrp.Auth){"time": func(*vrrp.Auth) {}, "monotonic": monotonic} {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				master := l.router(t, 1, 120, signedWith(t, auth))
				elapse(down)
				path := filepath.Join(t.TempDir(), "ledger")
				heard := l.tap()
				before := l.newHost(t, 2)
				before.withLedger(path)
				before.install(instanceOf(1, 100, signedWith(t, auth)))
				before.start()
				elapse(2 * interval)
				copied := heard.last(t)
				master.sender.fail(errors.New("cut"))
				before.engine.Stop()
				<-before.running

				after := l.newHost(t, 3)
				after.withLedger(path)
				after.install(instanceOf(1, 100, signedWith(t, auth)))
				after.start()
				after.receive(copied)
				elapse(latency)
				if n := after.dropped(vrrp.ReasonAuthReplay); n != 1 {
					t.Errorf("%d were refused as copies, want 1", n)
				}
			})
		})
	}
}

// Without what it had sent before, its adverts would be copies for others.
func TestAfterARestartWithAClockThatWasSetBackARouterIsStillHeard(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		quick := func(c *InstanceConfig) { signedWith(t)(c); c.Router.Interval = interval / 10 }
		path := filepath.Join(t.TempDir(), "ledger")
		backup := l.router(t, 2, 100, quick)
		first := l.newHost(t, 1)
		first.withLedger(path)
		first.install(instanceOf(1, 120, quick))
		first.start()
		elapse(2 * down)
		first.mustBe("MASTER")
		backup.mustBe("BACKUP")
		first.engine.Stop()
		elapse(interval / 10)
		first.engine.Stop()
		<-first.running
		again := l.newHost(t, 1)
		again.withLedger(path)
		again.world.Wall = func() time.Duration { return time.Duration(time.Now().Add(-4 * time.Second).UnixNano()) }
		again.install(instanceOf(1, 120, quick))
		again.start()
		elapse(down)
		again.mustBe("MASTER")
		backup.mustBe("BACKUP")
		if n := backup.dropped(vrrp.ReasonAuthReplay); n != 0 {
			t.Errorf("%d were taken for copies", n)
		}
	})
}

func TestADamagedLedgerIsBegunAnewOnlyWhereTheClockHelps(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		var asked []bool
		h.world.Ledger = func(anew bool) (Ledger, error) {
			asked = append(asked, anew)
			if !anew {
				return nil, ErrLedgerDamaged
			}
			return memoryLedger{}, nil
		}
		_, err := New(h.world, h.log, []InstanceConfig{instanceOf(1, 100, signedWith(t, monotonic))})
		if !errors.Is(err, ErrLedgerDamaged) || !strings.Contains(err.Error(), `instance "gw1" has anti_replay monotonic`) {
			t.Errorf("monotonic: %v", err)
		}
		h.install(instanceOf(1, 100, signedWith(t)))
		h.start()
		mustSay(t, h.journal(), 1, "level=WARN msg=.a new record of signed adverts is begun")
		if !slices.Equal(asked, []bool{false, false, true}) {
			t.Errorf("asked for %v", asked)
		}
	})
}

type memoryLedger map[netip.Addr]uint64

func (m memoryLedger) Recall(string) map[netip.Addr]uint64              { return maps.Clone(m) }
func (m memoryLedger) Note(_ string, sender netip.Addr, s uint64) error { m[sender] = s; return nil }
func (memoryLedger) Close() error                                       { return nil }

func TestOneSignatureIsGoodForAllPeers(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		master, _ := l.unicastRouter(t, &p, 1, 120, peers(lan4(2), lan4(3)), signedWith(t))
		elapse(down)
		second, _ := l.unicastRouter(t, &p, 2, 110, peers(lan4(1), lan4(3)), signedWith(t))
		third, box := l.unicastRouter(t, &p, 3, 100, peers(lan4(1), lan4(2)), signedWith(t))
		elapse(2 * down)
		master.mustBe("MASTER")
		second.mustBe("BACKUP")
		third.mustBe("BACKUP")
		send := func(source netip.Addr) {
			advert := vrrp.Advert{Version: vrrp.V3, VRID: 1, Priority: 250, Interval: interval, Addresses: []netip.Addr{vip.Addr()}}
			pdu, err := advert.AppendBinary(nil, source, lan4(3))
			if err != nil {
				t.Fatal(err)
			}
			box.receive(netio.UnicastPacket{Source: source, Destination: lan4(3), TTL: vrrp.TTL, At: bootNow(), PDU: pdu})
			elapse(latency)
		}
		send(lan4(1))
		if n := third.dropped(vrrp.ReasonAuthMissing); n != 1 {
			t.Errorf("%d unsigned adverts were refused, want 1", n)
		}
		send(lan4(9))
		if n := third.dropped(vrrp.ReasonPeer); n != 1 {
			t.Errorf("%d adverts of nobody's were refused, want 1", n)
		}
	})
}
