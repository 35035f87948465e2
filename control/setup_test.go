package control

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/script"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

func TestMembersTrackWhatTheirGroupTracks(t *testing.T) {
	s := NewSetup(config.Config{
		Instances: []config.Instance{
			{Name: "lan", Tracks: []config.Track{{Kind: config.TrackInterface, Name: "eth1", Weight: -5}}},
			{Name: "wan"},
			{Name: "alone"},
		},
		Groups: []config.Group{{Name: "gateway", Members: []string{"lan", "wan"}, Tracks: []config.Track{{Kind: config.TrackScript, Name: "chk", Reverse: true}}}},
	})
	ofGroup := track.Use{Key: track.Key{Kind: track.KindScript, Name: "chk"}, Reverse: true}
	own := track.Use{Key: track.Key{Kind: track.KindInterface, Name: "eth1"}, Weight: -5}
	want := map[string][]track.Use{"lan": {own, ofGroup}, "wan": {ofGroup}, "alone": nil}
	for _, c := range s.Instances {
		if diff := cmp.Diff(want[c.Name], c.Tracks); diff != "" {
			t.Errorf("%s tracks (-want +got):\n%s", c.Name, diff)
		}
		if grouped := c.Name != "alone"; grouped != (c.Group == "gateway") {
			t.Errorf("the group of %s is %q", c.Name, c.Group)
		}
	}
	if diff := cmp.Diff([]track.Spec{track.Interface{Name: "eth1"}}, s.Trackers); diff != "" {
		t.Errorf("trackers (-want +got):\n%s", diff)
	}
}

func TestEveryCheckHasItsTracker(t *testing.T) {
	often := track.Common{Interval: time.Second, Timeout: 2 * time.Second, Rise: 3, Fall: 4, InitFail: true}
	check := func(kind, target string) config.Check {
		return config.Check{
			Name: kind, Kind: kind, Target: target, Interface: "eth0", Status: 204, Host: "gw", Insecure: true, Covering: true, Table: 7,
			Interval: time.Second, Timeout: 2 * time.Second, Rise: 3, Fall: 4, InitFail: true,
		}
	}
	command := script.Command{Line: "/bin/true"}
	s := NewSetup(config.Config{
		Scripts:   []config.Script{{Name: "s", Command: command, Interval: time.Second, Timeout: 2 * time.Second, Rise: 3, Fall: 4, InitFail: true}},
		Processes: []config.Process{{Name: "p", Command: "named", Params: []string{"-u"}, HasParams: true, Initial: true, Quorum: 2, QuorumMax: 5, ForkDelay: 1, ExitDelay: 2}},
		Files:     []config.File{{Name: "f", Path: "/run/f", Init: true, Overwrite: true, Value: 9}},
		Checks:    []config.Check{check("ping", "192.0.2.1"), check("tcp", "192.0.2.1:80"), check("http", "http://192.0.2.1/"), check("route", "0.0.0.0/0")},
	})
	want := []track.Spec{
		track.Script{Name: "s", Command: command, Common: often},
		track.Process{Name: "p", Match: track.ProcessMatch{Command: "named", Params: []string{"-u"}, Initial: true}, Least: 2, Most: 5, ForkDelay: 1, ExitDelay: 2},
		track.File{Name: "f", Path: "/run/f", Init: true, Overwrite: true, Value: 9},
		track.Ping{Name: "ping", Address: "192.0.2.1", Interface: "eth0", Common: often},
		track.TCP{Name: "tcp", Address: "192.0.2.1:80", Interface: "eth0", Common: often},
		track.HTTP{Name: "http", URL: "http://192.0.2.1/", Interface: "eth0", Status: 204, Host: "gw", Insecure: true, Common: often},
		track.Route{Name: "route", Prefix: "0.0.0.0/0", Covering: true, Table: 7},
	}
	if diff := cmp.Diff(want, s.Trackers); diff != "" {
		t.Errorf("trackers (-want +got):\n%s", diff)
	}
}

func TestRouterAdvertisementsAreTakenOver(t *testing.T) {
	s := NewSetup(config.Config{Instances: []config.Instance{{Name: "lan", Advertise: &config.RouterAdvertisement{
		Interval: 10 * time.Second, Lifetime: time.Minute, HopLimit: 63, Preference: "low", MTU: 1400, Managed: true,
	}}}})
	want := &Advertise{Interval: 10 * time.Second, RouterAdvertisement: netio.RouterAdvertisement{
		Lifetime: time.Minute, HopLimit: 63, Preference: netio.PreferenceLow, MTU: 1400, Managed: true, DNSLifetime: 30 * time.Second,
	}}
	if diff := cmp.Diff(want, s.Instances[0].Advertise); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
