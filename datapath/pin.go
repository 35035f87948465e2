package datapath

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// pinDir is this network namespace's place in the BPF file system:
//
//	vrrp-xdp/<inode of the namespace>/<interface>/map-…  all maps, links xdp-native, …
//
// Interface indexes and names repeat from one network namespace to the next,
// the file system is shared. Each interface's folder holds all that its
// programs need, so that it can be adopted on its own.
type pinDir struct {
	fs   *os.File // the root of the BPF file system, wherever it is mounted, or the folder that was given (home.go)
	path string   // of the namespace's folder, through fs
}

const pinRoot = "vrrp-xdp"

func openPins() (pinDir, error) {
	home, err := openHome()
	if err != nil {
		return pinDir{}, err
	}
	if home != nil {
		return pinDir{home, filepath.Join("/proc/self/fd", fmt.Sprint(home.Fd()))}, nil
	}
	ns, err := networkNamespace()
	if err != nil {
		return pinDir{}, err
	}
	fs, err := openBPFFS()
	if err != nil {
		return pinDir{}, err
	}
	return pinDir{fs, filepath.Join("/proc/self/fd", fmt.Sprint(fs.Fd()), pinRoot, ns)}, nil
}

// networkNamespace names the network namespace of this thread by its inode.
func networkNamespace() (string, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return "", fmt.Errorf("find out the network namespace: %w", err)
	}
	return fmt.Sprint(st.Ino), nil
}

func (p pinDir) close() error {
	if p.fs == nil {
		return nil
	}
	p.tidy()
	return p.fs.Close()
}

// tidy removes the folders above the interfaces' own, if nothing is left in them.
func (p pinDir) tidy() {
	// Not empty is no fault: another interface is still attached.
	_ = os.Remove(p.path)
	_ = os.Remove(filepath.Dir(p.path))
}

// folder is where the interface's pins are. A name in the BPF file system may
// not hold a dot, which names of VLAN devices do.
func (p pinDir) folder(name string) string {
	return filepath.Join(p.path, strings.NewReplacer("%", "%25", ".", "%2e").Replace(name))
}

func (p pinDir) makeFolder(name string) (string, error) {
	dir := p.folder(name)
	if err := os.MkdirAll(dir, 0o700); errors.Is(err, os.ErrPermission) {
		return "", fmt.Errorf("make a folder for the pins of %s: %w: start as root with vrrp_user or --user, or let the user in: chmod 711 %s, install -d -o %d %[3]s/%[5]s", name, err, bpffsMount, os.Geteuid(), pinRoot)
	} else if err != nil {
		return "", fmt.Errorf("make a folder for the pins of %s: %w", name, err)
	}
	return dir, nil
}

// leftovers are the virtual addresses in the maps that are pinned for the
// interface. Maps of another shape, of another version of this program, are not
// to be understood, and name none.
func (p pinDir) leftovers(name string) []Leftover {
	return append(pinnedLeftovers(p.folder(name), vrrpMapVips4, leftover4),
		pinnedLeftovers(p.folder(name), vrrpMapVips6, leftover6)...)
}

func pinnedLeftovers[K any](folder, of string, read func(K) Leftover) []Leftover {
	vips, err := ebpf.LoadPinnedMap(mapPin(folder, of), nil)
	if err != nil {
		return nil
	}
	defer vips.Close()
	routers, err := ebpf.LoadPinnedMap(mapPin(folder, vrrpMapRouters), nil)
	if err != nil {
		return nil
	}
	defer routers.Close()
	list, err := leftovers(vips, routers, read)
	if err != nil {
		return nil
	}
	return list
}

func mapPin(folder, name string) string { return filepath.Join(folder, "map-"+name) }

// pinMaps pins the maps for an interface, in place of what was there.
func (p pinDir) pinMaps(name string, all map[string]*ebpf.Map) error {
	folder, err := p.makeFolder(name)
	if err != nil {
		return err
	}
	// Half of these maps and half of a predecessor's make no sense together, and
	// without leases nothing is inherited: they go first, and come last.
	if err := os.Remove(mapPin(folder, vrrpMapLeases)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take the leases of a predecessor on %s out of reach: %w", name, err)
	}
	for _, mapName := range leasesLast(all) {
		if err := pinMap(all[mapName], mapPin(folder, mapName)); err != nil {
			return fmt.Errorf("pin map %s for %s: %w", mapName, name, err)
		}
	}
	return nil
}

func leasesLast(all map[string]*ebpf.Map) []string {
	var names []string
	for name := range all {
		if name != vrrpMapLeases {
			names = append(names, name)
		}
	}
	return append(names, vrrpMapLeases)
}

// pinMap pins a copy of the descriptor, because the library lets one have only one pin.
func pinMap(m *ebpf.Map, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c, err := m.Clone()
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Pin(path)
}

// adoptLink puts program into the link that is pinned under the given name, if
// there is one and it still sits on the interface. A link to an interface that
// is gone is taken away.
func (p pinDir) adoptLink(port *Port, name string, program *ebpf.Program) (link.Link, bool) {
	l, err := link.LoadPinnedLink(filepath.Join(p.folder(port.Name), name), nil)
	if err != nil {
		return nil, false
	}
	if linkInterface(l) == port.Index && l.Update(program) == nil {
		return l, true
	}
	_ = l.Unpin()
	_ = l.Detach() // gone with its interface, mostly
	_ = l.Close()
	return nil, false
}

func linkInterface(l link.Link) int {
	info, err := l.Info()
	if err != nil {
		return 0
	}
	if x := info.XDP(); x != nil {
		return int(x.Ifindex)
	}
	if t := info.TCX(); t != nil {
		return int(t.Ifindex)
	}
	return 0
}

// pinLink pins a new link, so that it outlives the daemon.
func (p pinDir) pinLink(port *Port, name string, l link.Link) error {
	folder, err := p.makeFolder(port.Name)
	if err != nil {
		return err
	}
	if err := l.Pin(filepath.Join(folder, name)); err != nil {
		return fmt.Errorf("pin the link %s of %s: %w", name, port.Name, err)
	}
	return nil
}

// removeLink takes the pinned link off, if there is one; the program goes with
// it. To remove the pin is not enough: the kernel gets round to that later.
func (p pinDir) removeLink(port, name string) error {
	l, err := link.LoadPinnedLink(filepath.Join(p.folder(port), name), nil)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the link %s of %s: %w", name, port, err)
	}
	defer l.Close()
	if err := l.Detach(); err != nil && !errors.Is(err, unix.ENOLINK) {
		return fmt.Errorf("take off the link %s of %s: %w", name, port, err)
	}
	return l.Unpin()
}

// remove takes away all that is pinned for an interface, and tells whether
// there was anything.
func (p pinDir) remove(name string) (bool, error) {
	folder := p.folder(name)
	if _, err := os.Stat(folder); err != nil {
		return false, nil
	}
	var errs []error
	for _, pin := range []string{pinNative, pinGeneric, pinIngress, pinEgress} {
		errs = append(errs, p.removeLink(name, pin))
	}
	entries, err := os.ReadDir(folder)
	errs = append(errs, err)
	for _, e := range entries {
		errs = append(errs, os.Remove(filepath.Join(folder, e.Name())))
	}
	errs = append(errs, os.Remove(folder))
	return true, errors.Join(errs...)
}
