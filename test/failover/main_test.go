// Package failover proves, with real packets between real routers in the lab,
// what a client of the gateway notices when something happens to its master.
package failover

import (
	"os"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var binary string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &binary)) }

// start builds the pair and waits until the first router is master.
func start(t testing.TB, s setting, advert time.Duration) *gateway.Pair {
	t.Helper()
	return startWith(t, s, advert)
}

// startWith is start with further arguments for both routers.
func startWith(t testing.TB, s setting, advert time.Duration, more ...string) *gateway.Pair {
	t.Helper()
	p := gateway.New(lab.ForTest(t), gateway.Setup{Binary: binary, Mode: s.mode, Advert: advert, IPv6: s.ipv6, Extra: append([]string{"--web.listen-address", ""}, more...)})
	must(t, p.StartBoth())
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// setting is how the fast path is attached, and for which family.
type setting struct {
	mode string
	ipv6 bool
}

func (s setting) String() string {
	if s.ipv6 {
		return "ipv6/" + s.mode
	}
	return "ipv4/" + s.mode
}

var settings = []setting{{"native", false}, {"tc", false}, {"native", true}, {"tc", true}}
