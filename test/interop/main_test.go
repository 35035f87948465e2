// Package interop proves that vrrp-xdp and other people's VRRP routers make a
// pair: real daemons on one LAN.
package interop

import (
	"fmt"
	"os"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
)

var binary string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vrrp-xdp-interop-")
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
