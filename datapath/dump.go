package datapath

import (
	"errors"

	"github.com/vishvananda/netlink"
)

// dumpAttempts bounds how often a list is asked for that changes while it is made.
const dumpAttempts = 10

// again asks for a list until nothing changed while the kernel made it. Half a list
// is none: what is not in it may be there.
func again[T any](list func() ([]T, error)) (all []T, err error) {
	for range dumpAttempts {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}
