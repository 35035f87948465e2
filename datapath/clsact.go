package datapath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Our filters in the clsact qdisc. Unlike tcx links they stay when the daemon
// dies even without a pin, and have to be found again by name.
const (
	filterName     = "vrrp-xdp"
	filterPriority = 112
	filterHandle   = 1
)

func clsactQdisc(ifindex int) netlink.Qdisc {
	return &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: ifindex,
		Handle:    netlink.MakeHandle(0xffff, 0),
		Parent:    netlink.HANDLE_CLSACT,
	}}
}

// attachClsact attaches both programs, in place of what a previous daemon left.
func attachClsact(ifindex int, ingress, egress *ebpf.Program) error {
	if err := netlink.QdiscAdd(clsactQdisc(ifindex)); errors.Is(err, unix.EEXIST) {
		err = checkClsact(ifindex)
		if err != nil {
			return err
		}
	} else if err != nil {
		return fmt.Errorf("add the clsact qdisc: %w", err)
	}
	if err := netlink.FilterReplace(clsactFilter(ifindex, netlink.HANDLE_MIN_INGRESS, ingress)); err != nil {
		return fmt.Errorf("add the ingress filter: %w", err)
	}
	if err := netlink.FilterReplace(clsactFilter(ifindex, netlink.HANDLE_MIN_EGRESS, egress)); err != nil {
		return fmt.Errorf("add the egress filter: %w", err)
	}
	return nil
}

// checkClsact refuses the older ingress qdisc, which has the same handle: it takes
// a filter for egress as well, in place of the one for ingress, and says nothing.
func checkClsact(ifindex int) error {
	there, err := listQdiscs(ifindex)
	if err != nil {
		return fmt.Errorf("look whether the qdisc that is there is clsact: %w", err)
	}
	name := fmt.Sprintf("the interface with index %d", ifindex)
	if l, err := netlink.LinkByIndex(ifindex); err == nil {
		name = l.Attrs().Name
	}
	for _, q := range there {
		if q.Attrs().Parent == netlink.HANDLE_INGRESS && q.Type() != "clsact" {
			return fmt.Errorf("%s has an %s qdisc, and this kernel has no room for egress filters beside it: move its filters to clsact, which has ingress too (tc qdisc del dev %s ingress; tc qdisc add dev %s clsact)", name, q.Type(), name, name)
		}
	}
	return nil
}

func listQdiscs(ifindex int) ([]netlink.Qdisc, error) {
	link := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: ifindex}}
	return again(func() ([]netlink.Qdisc, error) { return netlink.QdiscList(link) })
}

func clsactFilter(ifindex int, parent uint32, program *ebpf.Program) netlink.Filter {
	return &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: ifindex,
			Parent:    parent,
			Handle:    filterHandle,
			Priority:  filterPriority,
			Protocol:  unix.ETH_P_ALL,
		},
		Fd:           program.FD(),
		Name:         filterName,
		DirectAction: true,
	}
}

// removeClsact takes our filters off, and the qdisc if nobody else uses it; it
// tells whether there were any.
func removeClsact(ifindex int) (found bool, err error) {
	var foreign bool
	var errs []error
	for _, parent := range []uint32{netlink.HANDLE_MIN_INGRESS, netlink.HANDLE_MIN_EGRESS} {
		filters, err := again(func() ([]netlink.Filter, error) {
			return netlink.FilterList(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: ifindex}}, parent)
		})
		if err != nil {
			continue // no qdisc, no filters
		}
		for _, f := range filters {
			if bpf, ok := f.(*netlink.BpfFilter); !ok || bpf.Name != filterName {
				foreign = true
				continue
			}
			found = true
			errs = append(errs, netlink.FilterDel(f))
		}
	}
	if found && !foreign {
		errs = append(errs, netlink.QdiscDel(clsactQdisc(ifindex)))
	}
	return found, errors.Join(errs...)
}
