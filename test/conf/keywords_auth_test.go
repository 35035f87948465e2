package conf

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

var _ = covers(inInstance, "auth_hmac")

var _ = covers(inHMAC, "key", "active_key", "mode", "anti_replay")

const (
	oldKey = "key 1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
	newKey = "key 2 \"a passphrase of more than 32 bytes, with blanks\"\n"
)

// authHMAC is the block, if there is something in it.
func authHMAC(body string) string {
	if body == "" {
		return calm
	}
	return calm + "auth_hmac {\n" + body + "}\n"
}

// The whole way of an operator: from nothing to enforce, another key, and back,
// on one router after the other.
func TestRoutersComeToSignAndChangeTheirKeyWithoutATransition(t *testing.T) {
	for name, peers := range map[string][2]string{
		"multicast": {},
		"unicast":   {"unicast_peer {\n192.168.1.3\n}\n", "unicast_peer {\n192.168.1.2\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			walk(t, s, map[*router]string{s.r1: "priority 120\n" + peers[0], s.r2: "priority 100\n" + peers[1]})
		})
	}
}

func walk(t *testing.T, s *site, of map[*router]string) {
	config := func(r *router, body string) string { return instance("VI_1", of[r]+authHMAC(body)) }
	s.r1.run(config(s.r1, ""))
	s.r1.await("MASTER")
	s.r2.run(config(s.r2, ""))
	s.r2.await("BACKUP")
	stages := []struct {
		body   string
		signed bool
		key    uint8
	}{
		{oldKey + "active_key 1\nmode receive-only\n", false, 0},
		{oldKey + "active_key 1\nmode permissive\n", true, 1},
		{oldKey + "active_key 1\nmode enforce\n", true, 1},
		{oldKey + newKey + "active_key 1\n", true, 1},
		{oldKey + newKey + "active_key 2\n", true, 2},
		{newKey + "active_key 2\nanti_replay monotonic\n", true, 2},
		{newKey + "active_key 2\nmode permissive\n", true, 2},
		{newKey + "active_key 2\nmode receive-only\n", false, 0},
	}
	for _, stage := range stages {
		for _, r := range []*router{s.r2, s.r1} {
			r.reload(config(r, stage.body))
			time.Sleep(400 * time.Millisecond) // more than an interval: each hears the other's way
		}
		s.eventually(func() error { return heardAs(s.r2.instance("VI_1"), stage.signed, stage.key) })
	}
	for _, r := range []*router{s.r2, s.r1} {
		r.reload(config(r, ""))
	}
	time.Sleep(time.Second)
	for r, want := range map[*router]uint64{s.r1: 1, s.r2: 0} {
		i := r.instance("VI_1")
		if n := i.Counters.Transitions["MASTER"]; n != want || i.Counters.Transitions["BACKUP"] != 1 {
			t.Errorf("%s has become master %d times, want %d, and backup %d times:\n%s", r.Name, n, want, i.Counters.Transitions["BACKUP"], r.daemon.Log())
		}
		for reason, n := range i.Counters.AdvertsDropped {
			if n > 0 {
				t.Errorf("%s has refused %d adverts: %s", r.Name, n, reason)
			}
		}
	}
}

// heardAs says what is wrong with how the instance hears the master.
func heardAs(i control.InstanceStatus, signed bool, key uint8) error {
	if i.Auth == nil || len(i.Auth.Senders) != 1 {
		return errors.New("it has heard nobody since the reload")
	}
	if got := i.Auth.Senders[0]; got.Signed != signed || got.Key != key {
		return fmt.Errorf("the master is heard as %+v, want signed %v with key %d", got, signed, key)
	}
	return nil
}
