package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var _ = covers(inInstance, "track_interface", "dont_track_primary", "track_file")

// fault stands for a priority where there is none.
const fault = 0

// tracking is an instance of priority 100 that tracks something, and the priority
// that it has as one step after the other is taken.
type tracking struct {
	body string
	want []uint8
}

// awaitTracked wants the priorities of a step of all.
func (r *router) awaitTracked(list []tracking, step int) {
	r.site.t.Helper()
	r.awaitUp()
	r.site.eventually(func() error {
		for i, in := range r.report().Instances {
			got := in.EffectivePriority
			if in.State == "FAULT" {
				got = fault
			}
			if want := list[i].want[step]; got != want {
				return fmt.Errorf("step %d: %q has priority %d (%s), want %d, where %d is a fault; the daemon's log:\n%s",
					step, list[i].body, got, in.State, want, fault, r.daemon.Log())
			}
		}
		return nil
	})
}

// numberedAll are instances with these bodies.
func numberedAll(list []tracking) string {
	var b strings.Builder
	for i, in := range list {
		b.WriteString(numbered(i+1, in.body))
	}
	return b.String()
}

// advertised wants what is true in the status on the wire too.
func (s *site) advertised(want map[int]uint8) {
	s.t.Helper()
	sniffer := s.sniff(s.r1.lan)
	for vrid, priority := range want {
		f := s.wait(sniffer, sentAdvert(vrid))
		if got := f.Data[14+20+2]; got != priority {
			s.t.Errorf("virtual router %d advertises priority %d, want %d", vrid, got, priority)
		}
	}
}

// Up, down, and up again.
func TestTrackedInterfaces(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := []tracking{
		{"", []uint8{100, 100, 100}},
		{"track_interface {\neth1\n}", []uint8{100, fault, 100}},
		{"track_interface {\neth1 weight 0\n}", []uint8{100, fault, 100}},
		{"track_interface {\neth1 weight 20\n}", []uint8{120, 100, 120}},
		{"track_interface {\neth1 weight -20\n}", []uint8{100, 80, 100}},
		{"track_interface {\neth1 weight 20 reverse\n}", []uint8{80, 100, 80}},
		{"track_interface {\neth1 weight 253\n}", []uint8{254, 100, 254}},
		{"track_interface {\neth1 weight -253\n}", []uint8{100, 1, 100}},
		{"priority 255\ntrack_interface {\neth1 weight -20\n}", []uint8{255, 255, 255}},
		{"track_interface {\neth0\neth1 weight -30\n}", []uint8{100, 70, 100}},
	}
	s.r1.run(numberedAll(list))
	s.r1.awaitTracked(list, 0)
	s.r1.wan.Cut()
	s.r1.awaitTracked(list, 1)
	s.advertised(map[int]uint8{1: 100, 5: 80, 8: 1})
	s.r1.wan.Restore()
	s.r1.awaitTracked(list, 2)
}

// An instance's own interface need not be named.
func TestAnInstanceTracksItsOwnInterfaceUnlessItIsToldNotTo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := []tracking{
		{"", []uint8{100, fault}},
		{"dont_track_primary", []uint8{100, 100}},
	}
	s.r1.run(numberedAll(list))
	s.r1.await("MASTER MASTER")
	s.r1.lan.Cut()
	s.r1.awaitTracked(list, 1)
	s.r1.await("FAULT MASTER")
	s.r1.lan.Restore()
	s.r1.await("MASTER MASTER")
}

var _ = covers(atTop, "track_file", "vrrp_track_file")

var _ = covers(inFile, "file", "weight", "init_file")

func TestTrackedFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	definitions := `
track_file plain {
    file DIR/value
}
track_file heavy {
    file DIR/value
    weight 3
}
track_file lighter {
    file DIR/value
    weight -2
}
vrrp_track_file old_word {
    file DIR/value
    weight 0
}
track_file made {
    file DIR/made
    init_file 7
}
track_file overwritten {
    file DIR/overwritten
    init_file 9 overwrite
}
track_file left_alone {
    file DIR/left_alone
    init_file 9
}
`
	list := []tracking{ // with value 0, 10, -90, 0
		{"track_file {\nplain\n}", []uint8{100, 110, 10, 100}},
		{"track_file {\nplain weight 2\n}", []uint8{100, 120, 1, 100}},
		{"track_file {\nheavy\n}", []uint8{100, 130, fault, 100}},
		{"track_file {\nheavy weight 4 reverse\n}", []uint8{100, 60, 254, 100}},
		{"track_file {\nlighter\n}", []uint8{100, 80, 254, 100}},
		{"track_file {\nold_word\n}", []uint8{100, fault, fault, 100}},
		{"track_file {\nmade\n}", []uint8{107, 107, 107, 107}},
		{"track_file {\noverwritten\n}", []uint8{109, 109, 109, 109}},
		{"track_file {\nleft_alone\n}", []uint8{102, 102, 102, 102}},
	}
	for _, name := range []string{"overwritten", "left_alone"} {
		s.r1.put(name, "2\n")
	}
	s.r1.put("value", "0\n")
	s.r1.run(definitions + numberedAll(list))
	for step, value := range []string{"0\n", "10\n", "-90\n", "0\n"} {
		s.r1.put("value", value)
		s.r1.awaitTracked(list, step)
	}
	s.advertised(map[int]uint8{1: 100, 7: 107})
	for name, want := range map[string]string{"made": "7", "overwritten": "9", "left_alone": "2"} {
		text, err := os.ReadFile(filepath.Join(s.r1.dir, name))
		must(t, err)
		if got := strings.TrimSpace(string(text)); got != want {
			t.Errorf("the file %s holds %q, want %q", name, got, want)
		}
	}
}
