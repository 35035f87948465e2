// Package interop proves that vrrp-xdp and other people's VRRP routers make a
// pair: real daemons on one LAN.
package interop

import (
	"os"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
)

var binary string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &binary)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
