package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openTestLedger(t *testing.T, path string) *LedgerFile {
	t.Helper()
	l, err := OpenLedger(path, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (l *LedgerFile) must(t *testing.T, router string, want map[netip.Addr]uint64) {
	t.Helper()
	if got := l.Recall(router); !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", router, got, want)
	}
}

func note(t *testing.T, l *LedgerFile, router string, sender netip.Addr, s uint64) {
	t.Helper()
	if err := l.Note(router, sender, s); err != nil {
		t.Fatal(err)
	}
}

var one, six = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")

// Nobody closes it: a process that is killed has no time for that.
func TestALedgerIsReadByWhoeverComesNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "ledger")
	l := openTestLedger(t, path)
	note(t, l, "a router with a long name, yes", one, 7)
	note(t, l, "a router with a long name, yes", six, 8)
	note(t, l, "b", one, 1)
	for s := range uint64(1000) {
		note(t, l, "b", one, s<<40+9)
	}
	again := openTestLedger(t, path)
	again.must(t, "a router with a long name, yes", map[netip.Addr]uint64{one: 7, six: 8})
	again.must(t, "b", map[netip.Addr]uint64{one: 999<<40 + 9})
	again.must(t, "c", map[netip.Addr]uint64{})
	note(t, again, "c", thisHost, 3)
	openTestLedger(t, path).must(t, "c", map[netip.Addr]uint64{thisHost: 3})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestHalfARecordIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l := openTestLedger(t, path)
	note(t, l, "a", one, 7)
	at := l.records[ledgerRecord{"a", one}]
	binary.NativeEndian.PutUint32(l.memory[at+recordSum:], 0)
	again := openTestLedger(t, path)
	again.must(t, "a", map[netip.Addr]uint64{})
	note(t, again, "longer", six, 8)
	note(t, again, "b", one, 9)
	third := openTestLedger(t, path)
	third.must(t, "longer", map[netip.Addr]uint64{six: 8})
	third.must(t, "b", map[netip.Addr]uint64{one: 9})
}

func TestADamagedLedgerIsSaidToBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	note(t, openTestLedger(t, path), "a", one, 7)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut short": func(b []byte) []byte { return b[:len(b)-1] },
		"a text":    func([]byte) []byte { return []byte("a text") },
		"header":    func(b []byte) []byte { b[3] ^= 1; return b },
		"version":   func(b []byte) []byte { b[len(ledgerMagic)-2] = '0'; return b },
		"sender":    func(b []byte) []byte { b[recordSize+recordSender] ^= 1; return b },
		"router":    func(b []byte) []byte { b[recordSize+recordRouter] ^= 1; return b },
		"sum":       func(b []byte) []byte { b[recordSize+recordSum] ^= 2; return b },
	} {
		if err := errors.Join(os.Remove(path), os.WriteFile(path, damage(append([]byte(nil), good...)), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLedger(path, false); !errors.Is(err, ErrLedgerDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := OpenLedger(path, true)
	if err != nil {
		t.Fatal(err)
	}
	l.must(t, "a", map[netip.Addr]uint64{})
	note(t, l, "a", one, 9)
	openTestLedger(t, path).must(t, "a", map[netip.Addr]uint64{one: 9})
}

func TestALedgerThatIsInUseGoesOnWhenAnotherIsBegun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	inUse := openTestLedger(t, path)
	l, err := OpenLedger(path, true)
	if err != nil {
		t.Fatal(err)
	}
	note(t, inUse, "a", one, 7)
	note(t, l, "a", one, 9)
	openTestLedger(t, path).must(t, "a", map[netip.Addr]uint64{one: 9})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestALedgerIsNotWrittenThroughALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "ledger")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLedger(filepath.Join(dir, "ledger"), false); err == nil {
		t.Error("it was")
	}
}

func TestAFullLedgerSaysSoAndGoesOnWithWhatItHas(t *testing.T) {
	l := openTestLedger(t, filepath.Join(t.TempDir(), "ledger"))
	for i := range mostRecords {
		note(t, l, fmt.Sprint(i), one, 1)
	}
	if err := l.Note("one more", one, 1); err == nil {
		t.Error("one more had room")
	}
	note(t, l, "0", one, 2)
	l.must(t, "0", map[netip.Addr]uint64{one: 2})
	if err := openTestLedger(t, filepath.Join(t.TempDir(), "ledger")).Note(strings.Repeat("x", 33), one, 1); err == nil {
		t.Error("a name that is too long had room")
	}
}
