package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var _ = covers(atTop, "vrrp_script")

var _ = covers(inInstance, "track_script")

var _ = covers(inScript, "script", "weight", "user", "interval", "timeout", "rise", "fall", "init_fail")

// definitionOf is a vrrp_script that runs every 50 ms where the body does not say otherwise.
func definitionOf(name, body string) string {
	if !strings.Contains(body, "interval") {
		body = "interval 0.05\n" + body
	}
	return fmt.Sprintf("vrrp_script %s {\n%s\n}\n", name, body)
}

const testsUp = `script "/usr/bin/test -e DIR/up"` + "\n"

// Up, down, and up again.
func TestTrackedScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	definitions := definitionOf("plain", testsUp) +
		definitionOf("more", testsUp+"weight 20") +
		definitionOf("less", testsUp+"weight -20") +
		definitionOf("turned", testsUp+"weight -20 reverse") +
		definitionOf("quoted", `script "/bin/sh -c 'test -e \"DIR/up\" && exit 0; exit 7'"`+"\nweight -40")
	list := []tracking{
		{"track_script {\nplain\n}", []uint8{100, fault, 100}},
		{"track_script {\nmore\n}", []uint8{120, 100, 120}},
		{"track_script {\nless\n}", []uint8{100, 80, 100}},
		{"track_script {\nturned\n}", []uint8{100, 120, 100}},
		{"track_script {\nturned weight -20 noreverse\n}", []uint8{100, 80, 100}},
		{"track_script {\nplain weight 30\n}", []uint8{130, 100, 130}},
		{"track_script {\nless weight 0\n}", []uint8{100, fault, 100}},
		{"track_script {\nmore weight 0 reverse\n}", []uint8{fault, 100, fault}},
		{"track_script {\nmore\nless\nquoted\n}", []uint8{120, 40, 120}},
	}
	s.r1.put("up", "")
	s.r1.run(definitions + numberedAll(list))
	s.r1.awaitTracked(list, 0)
	must(t, os.Remove(filepath.Join(s.r1.dir, "up")))
	s.r1.awaitTracked(list, 1)
	s.r1.put("up", "")
	s.r1.awaitTracked(list, 2)
	s.advertised(map[int]uint8{1: 100, 2: 120})
}

// planned writes a script that writes down when it begins, and exits with one
// code after the other, with the last for ever.
func (r *router) planned(name string, codes ...int) {
	r.site.t.Helper()
	var cases strings.Builder
	for i, code := range codes {
		fmt.Fprintf(&cases, "%d) exit %d;;\n", i+1, code)
	}
	r.script(name, fmt.Sprintf("date +%%s.%%N >>DIR/%s.runs\ncase $(wc -l <DIR/%s.runs) in\n%s*) exit %d;;\nesac",
		name, name, cases.String(), codes[len(codes)-1]))
}

// run is when the script began for the nth time.
func (r *router) runOf(name string, n int) time.Time {
	r.site.t.Helper()
	r.site.eventually(func() error {
		if got := len(r.lines(name + ".runs")); got < n {
			return fmt.Errorf("%s has run %d times, want %d", name, got, n)
		}
		return nil
	})
	seconds, fraction, _ := strings.Cut(r.lines(name + ".runs")[n-1], ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	must(r.site.t, err)
	ns, err := strconv.ParseInt(fraction, 10, 64)
	must(r.site.t, err)
	return time.Unix(s, ns)
}

// At its start one success makes a check up, and one failure down. Later it takes
// rise and fall.
func TestHowManyRunsItTakesUntilACheckChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.planned("rising", 1, 0, 0, 1, 0, 0, 0)
	s.r1.planned("falling", 0, 1, 0, 1, 1)
	s.r1.run(definitionOf("rising", "interval 0.2\nscript DIR/rising\nrise 3\nfall 1\nweight 20") +
		definitionOf("falling", "interval 0.2\nscript DIR/falling\nfall 2\nweight 20") +
		numbered(1, "track_script {\nrising\n}") + numbered(2, "track_script {\nfalling\n}"))
	advertised := func(vrid int, priority byte) func(lab.Frame) bool {
		return func(f lab.Frame) bool { return sentAdvert(vrid)(f) && f.Data[14+20+2] == priority }
	}
	for _, c := range []struct {
		vrid     int
		name     string
		priority byte
		run      int
	}{{1, "rising", 120, 7}, {2, "falling", 100, 5}} {
		// The other priority was there before, so that this one is a change.
		before := s.wait(sniffer, advertised(c.vrid, 220-c.priority)).At
		changed := s.waitAfter(sniffer, before, advertised(c.vrid, c.priority)).At
		begin, next := s.r1.runOf(c.name, c.run), s.r1.runOf(c.name, c.run+1)
		// A tenth of a second for the clocks and the next advert.
		if changed.Before(begin) || changed.After(next.Add(100*time.Millisecond)) {
			t.Errorf("%s changed at %v, want it to be after run %d at %v and not later than run %d at %v",
				c.name, changed, c.run, begin, c.run+1, next)
		}
	}
}

func TestChecksRunInTheirInterval(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.planned("often", 0)
	s.r1.planned("seldom", 0)
	s.r1.run(definitionOf("often", "script DIR/often\ninterval 0.15") +
		"vrrp_script seldom {\nscript DIR/seldom\n}\n" +
		instance("VI_1", "track_script {\noften\nseldom\n}"))
	for name, want := range map[string]time.Duration{"often": 150 * time.Millisecond, "seldom": time.Second} {
		const runs = 3
		got := s.r1.runOf(name, 1+runs).Sub(s.r1.runOf(name, 1)) / runs
		if got < want*8/10 || got > want*15/10 {
			t.Errorf("%s runs every %v, want %v", name, got, want)
		}
	}
}

// A run that takes too long has failed, and is ended with all that it started.
func TestACheckThatTakesTooLongHasFailed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.script("hanging", "[ ! -e DIR/hang ] && exit 0\nsleep 60 &\necho $$ $! >DIR/$1.new\nmv DIR/$1.new DIR/$1\nwait")
	s.r1.run(definitionOf("hasty", `script "DIR/hanging hasty"`+"\ninterval 1\ntimeout 0.2\nweight -10") +
		definitionOf("patient", `script "DIR/hanging patient"`+"\ninterval 1\ntimeout 50\nweight -10") +
		numbered(1, "track_script {\nhasty\n}") + numbered(2, "track_script {\npatient\n}"))
	s.r1.await("MASTER MASTER")
	s.r1.put("hang", "")
	s.r1.awaitPriority("VI_1", 90)
	if got := s.r1.instance("VI_2").EffectivePriority; got != 100 {
		t.Errorf("the check with more time has failed: its priority is %d", got)
	}
	must(t, os.Remove(filepath.Join(s.r1.dir, "hang")))
	for _, pid := range strings.Fields(s.r1.lines("hasty")[0]) {
		s.eventually(func() error {
			if _, err := os.Stat("/proc/" + pid); err == nil {
				return fmt.Errorf("process %s of the check is still there", pid)
			}
			return nil
		})
	}
	s.r1.awaitPriority("VI_1", 100)
}

func TestACheckMayBeginAsDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.script("never", "sleep 60")
	s.r1.run(definitionOf("assumed", "script DIR/never\ninterval 60\ninit_fail\nweight -10") +
		definitionOf("open", "script DIR/never\ninterval 60\nweight -10") +
		numbered(1, "track_script {\nassumed\n}") + numbered(2, "track_script {\nopen\n}"))
	s.r1.await("MASTER MASTER")
	s.r1.awaitPriority("VI_1", 90)
	s.r1.awaitPriority("VI_2", 100)
}
