package config

import (
	"net/netip"
	"slices"
	"testing"
)

// complete fails if c could not run: a router that is not valid, or a name that
// leads nowhere.
func complete(t *testing.T, what string, c Config) {
	t.Helper()
	names := make(map[Track]bool)
	know := func(kind TrackKind, name string) { names[Track{Kind: kind, Name: name}] = true }
	for _, s := range c.Scripts {
		know(TrackScript, s.Name)
		if len(s.Command.Args) == 0 || s.Interval <= 0 || s.Timeout <= 0 || s.Rise < 1 || s.Fall < 1 {
			t.Errorf("%s: script %+v is not complete", what, s)
		}
	}
	for _, p := range c.Processes {
		know(TrackProcess, p.Name)
		if p.Command == "" || p.Quorum < 1 {
			t.Errorf("%s: process %+v is not complete", what, p)
		}
	}
	for _, f := range c.Files {
		know(TrackFile, f.Name)
		if f.Path == "" {
			t.Errorf("%s: file %+v is not complete", what, f)
		}
	}
	for _, k := range c.Checks {
		know(TrackCheck, k.Name)
		if k.Kind == "" || k.Target == "" || k.Kind != "route" && (k.Interval <= 0 || k.Timeout <= 0) {
			t.Errorf("%s: check %+v is not complete", what, k)
		}
	}
	var instances []string
	for _, in := range c.Instances {
		instances = append(instances, in.Name)
		if in.Name == "" || in.Interface == "" {
			t.Errorf("%s: instance %q on %q", what, in.Name, in.Interface)
		}
		if err := in.Router.Validate(); err != nil {
			t.Errorf("%s: instance %s: %v", what, in.Name, err)
		}
		tracksKnown(t, what, in.Tracks, names)
		var addresses []netip.Addr
		for _, a := range in.Addresses {
			addresses = append(addresses, a.Prefix.Addr())
		}
		if !slices.Equal(addresses, in.Router.Addresses) {
			t.Errorf("%s: instance %s has %v, and advertises %v", what, in.Name, addresses, in.Router.Addresses)
		}
	}
	for _, g := range c.Groups {
		tracksKnown(t, what, g.Tracks, names)
		for _, m := range g.Members {
			if !slices.Contains(instances, m) {
				t.Errorf("%s: group %s has a member %s that there is not", what, g.Name, m)
			}
		}
		if len(g.Members) == 0 {
			t.Errorf("%s: group %s has no members", what, g.Name)
		}
	}
}

func tracksKnown(t *testing.T, what string, list []Track, names map[Track]bool) {
	t.Helper()
	for _, track := range list {
		if track.Kind != TrackInterface && !names[Track{Kind: track.Kind, Name: track.Name}] {
			t.Errorf("%s: %v %s is tracked and not there", what, track.Kind, track.Name)
		}
	}
}
