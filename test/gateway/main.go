package gateway

import (
	"fmt"
	"os"
)

// Main builds vrrp-xdp, says in *binary where it is, and runs a package's tests.
// It returns the exit status: `os.Exit(gateway.Main(m, &binary))`.
func Main(m interface{ Run() int }, binary *string) int {
	dir, err := os.MkdirTemp("", "vrrp-xdp-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		*binary, err = Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
