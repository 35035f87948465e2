package control

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// InstanceConfig is one virtual router as the user wants it.
type InstanceConfig struct {
	Name      string
	Interface string
	// Router is what the state machine is told. Its Source is found by the engine.
	Router vrrp.Config
	// Prefixes are Router.Addresses with the length that they get on the interface.
	Prefixes []netip.Prefix
}

// Validate returns all that is wrong with a set of instances, joined.
func Validate(instances []InstanceConfig) error {
	type key struct {
		name   string
		vrid   uint8
		family vrrp.Family
	}
	var errs []error
	seen := make(map[key]string)
	for _, c := range instances {
		if err := c.Router.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("instance %q: %w", c.Name, err))
		}
		k := key{c.Interface, c.Router.VRID, c.Router.Family}
		if other, ok := seen[k]; ok {
			errs = append(errs, fmt.Errorf("instance %q: vrid %d on %s is already that of instance %q", c.Name, k.vrid, k.name, other))
		}
		seen[k] = c.Name
	}
	return errors.Join(errs...)
}
