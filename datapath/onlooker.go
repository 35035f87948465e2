package datapath

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Onlooker reads, beside whatever daemon serves an interface or has served it,
// what its programs go by: the leases. It changes nothing. It is for one goroutine.
type Onlooker struct {
	pins            pinDir
	pin             string // of the leases
	inode           uint64 // of that pin, when it was opened
	index           int    // of the interface
	routerIDs       *ebpf.Map
	leases, routers *words
}

// OpenOnlooker opens the maps that are pinned for an interface of this thread's
// network namespace. The error is os.ErrNotExist while there are none.
func OpenOnlooker(name string) (*Onlooker, error) {
	o := &Onlooker{}
	if err := o.open(name); err != nil {
		return nil, errors.Join(fmt.Errorf("look at the leases on %s: %w", name, err), o.Close())
	}
	return o, nil
}

func (o *Onlooker) open(name string) error {
	var err error
	if o.index, err = indexOf(name); err != nil {
		return err
	}
	if o.pins, err = openPins(); err != nil {
		return err
	}
	folder := o.pins.folder(name)
	o.pin = mapPin(folder, vrrpMapLeases)
	if o.inode, err = inodeOf(o.pin); err != nil {
		return err
	}
	if o.leases, err = pinnedWords(o.pin, unsafe.Sizeof(vrrpLease{})); err != nil {
		return err
	}
	if o.routers, err = pinnedWords(mapPin(folder, vrrpMapRouters), unsafe.Sizeof(vrrpRouter{})); err != nil {
		return err
	}
	o.routerIDs, err = ebpf.LoadPinnedMap(mapPin(folder, vrrpMapRouterIds), nil)
	return err
}

// indexOf asks without netlink, which waits for whatever is being configured.
func indexOf(name string) (int, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	return int(request.Uint32()), nil
}

// pinnedWords maps a pinned map, if its entries are of the size that we know.
func pinnedWords(pin string, size uintptr) (*words, error) {
	m, err := ebpf.LoadPinnedMap(pin, nil)
	if err != nil {
		return nil, err
	}
	defer m.Close() // the mapping stays
	if uintptr(m.ValueSize()) != size {
		return nil, fmt.Errorf("%s is of another version: its entries have %d bytes, not %d", m, m.ValueSize(), size)
	}
	return mapWords(m)
}

func inodeOf(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Ino, nil
}

// Replaced reports whether other maps are pinned now, or none: another daemon
// has come, or the last one has cleaned up. The old ones can still be read.
func (o *Onlooker) Replaced() bool {
	inode, err := inodeOf(o.pin)
	return err != nil || inode != o.inode
}

// Place is where an Onlooker finds a virtual router of the interface, without VLAN.
type Place struct{ slot uint32 }

// Find finds a virtual router; false if there is none of this VRID and family, 4 or 6.
func (o *Onlooker) Find(vrid, family uint8) (Place, bool) {
	var p Place
	key := vrrpRouterKey{Ifindex: uint32(o.index), Vrid: vrid, Family: family}
	return p, o.routerIDs.Lookup(key, &p.slot) == nil
}

// Lease is the lease of the router's group, and when the fast path has yielded,
// 0 if it has not. It reads memory only.
func (o *Onlooker) Lease(p Place) (until, yielded time.Duration) {
	router := (*vrrpRouter)(unsafe.Pointer(&o.routers.words[int(p.slot)*wordsOfRouter]))
	at := int(router.Group) * wordsOfLease
	return time.Duration(o.leases.load(at)), time.Duration(o.leases.load(at + atYielded))
}

// Close ends the looking.
func (o *Onlooker) Close() error {
	var errs []error
	if o.routerIDs != nil {
		errs = append(errs, o.routerIDs.Close())
	}
	errs = append(errs, o.leases.unmap(), o.routers.unmap())
	if o.pins.fs != nil {
		errs = append(errs, o.pins.fs.Close())
	}
	return errors.Join(errs...)
}
