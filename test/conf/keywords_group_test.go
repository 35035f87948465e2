package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var _ = covers(atTop, "vrrp_sync_group")

var _ = covers(inGroup, "group", "track_interface", "track_script", "track_process", "track_file", "track_check",
	"sync_group_tracking_weight")

// together is a group of VI_1 and VI_2, on eth0 and eth1.
func together(body string) string {
	return numbered(1, calm) + numbered(2, calm+"interface eth1") +
		"vrrp_sync_group G {\ngroup {\nVI_1 VI_2\n}\n" + body + "\n}\n"
}

func TestMembersOfAGroupFallAndRiseTogether(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.run(together("") + numbered(3, ""))
	s.r1.await("MASTER MASTER MASTER")
	s.r1.wan.Cut()
	s.r1.await("FAULT FAULT MASTER")
	s.r1.wan.Restore()
	s.r1.await("MASTER MASTER MASTER")
	for _, i := range s.r1.report().Instances[:2] {
		if i.Group != "G" {
			t.Errorf("%s is in the group %q", i.Name, i.Group)
		}
	}
}

// What a group tracks, all members do.
func TestGroupsTrackForAllMembers(t *testing.T) {
	t.Parallel()
	tests := []tracking{ // while all is well, and while nothing is
		{"track_interface {\neth2\n}", []uint8{100, fault}},
		{"track_interface {\neth2 weight -30\n}", []uint8{100, 70}},
		{"track_script {\nchk\n}", []uint8{100, fault}},
		{"track_script {\nchk weight 10\n}", []uint8{110, 100}},
		{"track_file {\nvalue\n}", []uint8{105, 97}},
		{"track_process {\nproc weight -10\n}", []uint8{100, 90}},
		{"track_check {\nway weight -11\n}", []uint8{100, 89}},
		{"", []uint8{100, 100}},
	}
	s := newSite(t)
	uplink := s.r1.Connect(s.lab.Switch("third"), "eth2", "10.2.0.2/24")
	p := s.r1.program("g")
	running := p.start("1000")
	s.r1.put("up", "")
	s.r1.put("value", "5\n")
	config := definitionOf("chk", testsUp) + "track_file value {\nfile DIR/value\n}\n" +
		p.named("vrrp_track_process proc {\nprocess NAME\n}\n") + "vrrp_check way {\nroute 10.2.0.0/24\n}\n"
	var members []tracking
	for i, test := range tests {
		first, second := 2*i+1, 2*i+2
		config += numbered(first, "") + numbered(second, "interface eth1") +
			fmt.Sprintf("vrrp_sync_group G%d {\ngroup {\nVI_%d\nVI_%d\n}\n%s\n}\n", i, first, second, test.body)
		members = append(members, test, test)
	}
	s.r1.run(config)
	s.r1.awaitTracked(members, 0)
	uplink.Cut()
	p.end(running)
	must(t, os.Remove(filepath.Join(s.r1.dir, "up")))
	s.r1.put("value", "-3\n")
	_, err := s.r1.Run("ip", "addr", "flush", "dev", "eth2")
	must(t, err)
	s.r1.awaitTracked(members, 1)
}

// A weight on one member would pull the group apart: that is said, unless it is wanted.
func TestMembersTrackWithWeightsOfTheirOwnOnlyIfThatIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	config := func(body string) string {
		return numbered(1, "track_interface {\neth1 weight -20\n}") + numbered(2, "") +
			fmt.Sprintf("vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n%s\n}\n", body)
	}
	s.r1.refuses(config(""), "a weight on one member would pull the group G apart")
	s.r1.run(config("sync_group_tracking_weight"))
	s.r1.await("MASTER MASTER")
	s.r1.wan.Cut()
	s.r1.awaitPriority("VI_1", 80)
	s.r1.awaitPriority("VI_2", 100)
}
