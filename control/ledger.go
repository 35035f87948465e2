package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LedgerFile is a Ledger in a file that is mapped into memory: what was noted is
// there after this process was killed, too. It is for one process at a time, and
// one goroutine.
//
// The file has a header and records of one size. All of a record but the sequence
// is written once; its checksum comes last, so that half a record is none.
type LedgerFile struct {
	memory  []byte
	records map[ledgerRecord]int // where they are
	free    []int                // places without a record, the next one last
}

// ledgerRecord is what a record is about.
type ledgerRecord struct {
	router string
	sender netip.Addr
}

const (
	ledgerMagic = "vrrp-xdp signed adverts 1\n"
	recordSize  = 64
	// mostRecords is enough for all virtual routers that there can be, with three
	// other routers each.
	mostRecords = 16384
	ledgerSize  = recordSize * (1 + mostRecords)

	// Of a record: the sequence, 8 bytes, in the order of this machine; then
	recordSum    = 8  // of what follows
	recordFamily = 12 // 4 or 6; 3 bytes are unused
	recordSender = 16
	recordRouter = 32
)

// OpenLedger opens the file, or makes it, or makes it anew. The file of another
// version, or one that is damaged, is ErrLedgerDamaged.
func OpenLedger(path string, anew bool) (*LedgerFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open the record of signed adverts: %w", err)
	}
	if anew {
		// Not made shorter: whoever has it mapped would not survive that.
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("begin the record of signed adverts anew: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the record of signed adverts: %w", err)
	}
	defer file.Close()
	memory, err := mapLedger(file)
	if err != nil {
		return nil, fmt.Errorf("open the record of signed adverts, %s: %w", path, err)
	}
	l := &LedgerFile{memory: memory, records: make(map[ledgerRecord]int)}
	if !l.read() {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrLedgerDamaged, path), l.Close())
	}
	return l, nil
}

// mapLedger maps the file, with room behind every page: writing to memory cannot
// fail later on.
func mapLedger(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if size := info.Size(); size == 0 {
		if err := unix.Fallocate(int(file.Fd()), 0, 0, ledgerSize); err != nil {
			return nil, fmt.Errorf("make room for %d bytes: %w", ledgerSize, err)
		}
	} else if size != ledgerSize {
		return nil, ErrLedgerDamaged
	}
	return unix.Mmap(int(file.Fd()), 0, ledgerSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// read finds the records. It reports false if the file is not one of ours.
func (l *LedgerFile) read() bool {
	header := l.memory[:recordSize]
	if isZero(header) {
		copy(header, ledgerMagic)
	}
	if string(header[:len(ledgerMagic)]) != ledgerMagic {
		return false
	}
	for at := ledgerSize - recordSize; at > 0; at -= recordSize {
		record := l.memory[at : at+recordSize]
		sum := binary.NativeEndian.Uint32(record[recordSum:])
		switch {
		case sum == 0:
			l.free = append(l.free, at)
		case sum != sumOf(record):
			return false
		default:
			l.records[about(record)] = at
		}
	}
	return true
}

func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// sumOf is the checksum of a record; never 0, which is that of none.
func sumOf(record []byte) uint32 { return crc32.ChecksumIEEE(record[recordFamily:]) | 1 }

func about(record []byte) ledgerRecord {
	address := netip.AddrFrom16([16]byte(record[recordSender:]))
	if record[recordFamily] == 4 {
		address = netip.AddrFrom4([4]byte(record[recordSender:]))
	}
	router := record[recordRouter:]
	for i, b := range router {
		if b == 0 {
			router = router[:i]
			break
		}
	}
	return ledgerRecord{string(router), address}
}

func (l *LedgerFile) sequence(at int) *uint64 { return (*uint64)(unsafe.Pointer(&l.memory[at])) }

// Recall implements Ledger.
func (l *LedgerFile) Recall(router string) map[netip.Addr]uint64 {
	found := make(map[netip.Addr]uint64)
	for record, at := range l.records {
		if record.router == router {
			found[record.sender] = atomic.LoadUint64(l.sequence(at))
		}
	}
	return found
}

// Note implements Ledger.
func (l *LedgerFile) Note(router string, sender netip.Addr, sequence uint64) error {
	key := ledgerRecord{router, sender}
	at, there := l.records[key]
	if !there {
		if len(l.free) == 0 {
			return fmt.Errorf("the record of signed adverts is full: it has room for %d senders", mostRecords)
		}
		if len(router) > recordSize-recordRouter {
			return fmt.Errorf("the record of signed adverts has no room for a name as long as %q", router)
		}
		at = l.free[len(l.free)-1]
		l.free = l.free[:len(l.free)-1]
		l.records[key] = at
	}
	atomic.StoreUint64(l.sequence(at), sequence)
	if !there {
		l.write(l.memory[at:at+recordSize], key)
	}
	return nil
}

func (l *LedgerFile) write(record []byte, key ledgerRecord) {
	record[recordFamily] = 6
	if key.sender.Is4() {
		record[recordFamily] = 4
	}
	copy(record[recordSender:], key.sender.AsSlice())
	copy(record[recordRouter:], key.router)
	sum := (*uint32)(unsafe.Pointer(&record[recordSum]))
	atomic.StoreUint32(sum, sumOf(record))
}

// Close forgets nothing.
func (l *LedgerFile) Close() error { return unix.Munmap(l.memory) }
