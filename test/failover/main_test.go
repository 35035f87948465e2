// Package failover proves, with real packets between real routers in the lab,
// what a client of the gateway notices when something happens to its master.
package failover

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vrrp-xdp-failover-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary, err = gateway.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// start builds the pair and waits until the first router is master.
func start(t *testing.T, mode string, advert time.Duration) *gateway.Pair {
	t.Helper()
	p := gateway.New(lab.ForTest(t), gateway.Setup{Binary: binary, Mode: mode, Advert: advert, Extra: []string{"--web.listen-address", ""}})
	must(t, p.StartBoth())
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var modes = []string{"native", "tc"}
