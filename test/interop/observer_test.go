package interop

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

func TestAnObserverTellsWhoSpeaksAndChangesNothing(t *testing.T) {
	said := map[string]string{
		"keepalived v3 IPv4": `msg="heard a virtual router" interface=eth0 vrid=51 family=ipv4 version=3 master=192.0.2.1 priority=150 advert_int=100ms address=192.0.2.100 addresses=2`,
		"keepalived v3 IPv6": `msg="heard a virtual router" interface=eth0 vrid=51 family=ipv6 version=3 master=fe80::ff:fe00:1 priority=150 advert_int=100ms address=fe80::100 addresses=2`,
	}
	for name, want := range said {
		for _, mode := range modes {
			undisturbed(t, name+"/"+mode, func(t testing.TB) {
				p := newPair(t, variantOf(t, name), mode, true)
				p.startTheirs(150)
				observer, err := p.ours.Host.Start(lab.Command{Path: binary, ViaIPNetns: true, Args: []string{"attach", "eth0", "--mode", mode, "--web.listen-address", ""}})
				must(t, err)
				must(t, observer.WaitLog(patience, want))
				p.theyAreMaster(150, true)
				at := time.Now()
				p.must(p.peer.stop())
				_, err = observer.WaitLine(at, patience, "fell silent")
				must(t, err)
				if frames := p.sentBy(p.ours, time.Time{}); len(frames) > 0 {
					t.Errorf("the observer has sent %d adverts", len(frames))
				}
			})
		}
	}
}
