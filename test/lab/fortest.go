package lab

import (
	"os"
	"testing"
)

// ForTest makes a lab that ends with the test. Without root the test is skipped, or fails when VRRP_XDP_REQUIRE_ROOT=1.
// A topology step that fails ends the test: call those from the test's goroutine. When the test has failed, the log of
// every daemon is shown.
func ForTest(t testing.TB) *Lab {
	t.Helper()
	NeedRoot(t)
	l, err := New(Options{Name: t.Name(), Fail: func(err error) {
		t.Helper()
		t.Fatal(err)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.dump(t)
		}
		if err := l.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	return l
}

// NeedRoot ends a test that cannot run without privileges: it fails where VRRP_XDP_REQUIRE_ROOT=1 promises them, and is
// skipped elsewhere.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
		t.Fatal("VRRP_XDP_REQUIRE_ROOT=1, but this test does not run as root")
	}
	t.Skip("needs root")
}

func (l *Lab) dump(t testing.TB) {
	for _, d := range l.Daemons() {
		t.Logf("log of %s on %s (pid %d):\n%s", d.Name, d.Host.Name, d.PID(), formatLines(d.Lines()))
	}
}
