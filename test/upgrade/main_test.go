// Package upgrade proves, with real packets between real routers in the lab, that
// a daemon that is back within its lease is the master still: after a crash, a
// restart and an upgrade.
package upgrade

import (
	"os"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var binary string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &binary)) }

// setting is how the fast path is attached, for which family, and how often an
// advert leaves.
type setting struct {
	mode   string
	ipv6   bool
	advert time.Duration
}

func (s setting) String() string {
	if s.ipv6 {
		return "ipv6/" + s.mode + "/" + s.advert.String()
	}
	return "ipv4/" + s.mode + "/" + s.advert.String()
}

// settings at one interval.
func settings(advert time.Duration) []setting {
	return []setting{{"native", false, advert}, {"tc", false, advert}, {"native", true, advert}, {"tc", true, advert}}
}

// start builds the pair and waits until the first router is master.
func start(t testing.TB, s setting, extra ...string) *gateway.Pair {
	t.Helper()
	p := gateway.New(lab.ForTest(t), gateway.Setup{
		Binary: binary, Mode: s.mode, Advert: s.advert, IPv6: s.ipv6, Extra: append(extra, "--web.listen-address", ""),
	})
	must(t, p.StartBoth())
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// transitions is how often the instances of the router have become something.
func transitions(t testing.TB, r *gateway.Router) (n uint64) {
	t.Helper()
	for _, in := range status(t, r).Instances {
		for _, of := range in.Counters.Transitions {
			n += of
		}
	}
	return n
}

func status(t testing.TB, r *gateway.Router) control.Report {
	t.Helper()
	report, err := r.Status()
	must(t, err)
	return report
}

// hasResumed reports whether all instances are master because the daemon before
// was.
func hasResumed(r control.Report) bool {
	for _, in := range r.Instances {
		if in.State != "MASTER" || in.LastTransition.Reason != "resumed" {
			return false
		}
	}
	return len(r.Instances) > 0
}
