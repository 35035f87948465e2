package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// firstAdvert is the first of a virtual router on the LAN.
func (s *site) firstAdvert(sniffer *lab.Sniffer, vrid int) said {
	s.t.Helper()
	v, _ := lab.ParseVRRP(s.wait(sniffer, sentAdvert(vrid)).Data)
	return readAdvert(v)
}

// files puts these into the router's folder.
func (r *router) files(texts map[string]string) {
	r.site.t.Helper()
	for name, text := range texts {
		path := filepath.Join(r.dir, name)
		must(r.site.t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(r.site.t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// What is included counts as if it stood there; names are relative to the file
// that has the line.
func TestIncludedFilesCount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.files(map[string]string{
		"conf.d/1.conf":         numbered(1, "priority 255\ninclude parts/priority"),
		"conf.d/2.conf":         numbered(2, "priority 255"),
		"conf.d/parts/priority": "priority 201\n",
		"conf.d/ignored":        numbered(3, "priority 255"),
	})
	s.r1.run("include conf.d/*.conf\n")
	s.r1.await("MASTER MASTER")
	if got := s.r1.instance("VI_1").Priority; got != 201 {
		t.Errorf("the priority of the included file is %d, want 201", got)
	}
}

func TestLinesForOtherHostsDoNotCount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	config := instance("VI_1", `
@one    priority 201
@other  priority 202
@^one   priority 203
@^other advert_int 0.2`)
	s.r1.run(config, "-i", "one")
	s.r2.run(config, "--config-id", "other")
	s.r1.awaitUp()
	s.r2.awaitUp()
	one, other := s.r1.instance("VI_1"), s.r2.instance("VI_1")
	if one.Priority != 201 || one.AdvertIntervalMS != 200 {
		t.Errorf("one has priority %d and an advert each %v ms, want 201 and 200", one.Priority, one.AdvertIntervalMS)
	}
	if other.Priority != 203 || other.AdvertIntervalMS != float64(quick.Milliseconds()) {
		t.Errorf("the other one has priority %d and an advert each %v ms, want 203 and %v", other.Priority, other.AdvertIntervalMS, quick)
	}
}

func TestDefinitionsStandForTheirValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.run(`
$VRID=44
$NET=192.168.1
$BETTER=2$LAST
$LAST=01
` + instance("VI_1", "priority ${BETTER}\nvirtual_router_id $VRID\nvirtual_ipaddress {\n${NET}.44/24\n}"))
	got := s.firstAdvert(sniffer, 44)
	if got.priority != 201 || fmt.Sprint(got.addresses) != "[192.168.1.44]" {
		t.Errorf("the advert says %+v, want priority 201 and 192.168.1.44", got)
	}
}

// A password, a name and a command, with all that would otherwise end them.
func TestWhatIsQuotedIsOneWord(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.script("note", `for word in "$@"; do echo "$word" >>DIR/notes; done`)
	s.r1.run(`
! a comment { of its own
vrrp_instance "VI one" { interface eth0 # and one behind
    virtual_router_id 10 ! another
    version 2
    advert_int 1
    priority 255
    authentication { auth_type PASS
        auth_pass "a#b !{c}"
    }
    notify_master "DIR/note plain 'two words' \"three more words\" #1 'un{changed}'"
    virtual_ipaddress { 192.168.1.1/24 }
}
`)
	s.r1.await("MASTER")
	if got := s.firstAdvert(sniffer, 10).password; got != "a#b !{c}" {
		t.Errorf("the password on the wire is %q", got)
	}
	if got := s.r1.report().Instances[0].Name; got != "VI one" {
		t.Errorf("the name is %q", got)
	}
	s.r1.awaitLines("notes", "plain", "two words", "three more words", "#1", "un{changed}")
}

// Whatever is used may stand behind what uses it.
func TestBlocksMayStandInAnyOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.put("value", "5\n")
	s.r1.put("up", "")
	s.r1.run("vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\ntrack_file {\nvalue\n}\ntrack_script {\nchk\n}\n}\n" +
		numbered(1, "") + numbered(2, "") +
		"track_file value {\nfile DIR/value\n}\n" + definitionOf("chk", testsUp+"weight 20") + global("vrrp_version 3"))
	list := []tracking{{"the first", []uint8{125}}, {"the second", []uint8{125}}}
	s.r1.awaitTracked(list, 0)
}

// faulty is a file that keepalived would run with less than it says.
func faulty() string {
	return numbered(1, "priority 150\nprioritty 160\ntrack_script {\nnowhere\n}\nunicast_peer {\n192.168.1.3 192.168.1.4\n}") +
		"vrrp_unknown X {\nvirtual_router_id 7\n}\n"
}

func TestAFaultyFileStartsNothingUnlessOneIsLenient(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.refuses(faulty(), `did you mean "priority"?`, "nowhere", "192.168.1.4", "vrrp_unknown", "it would not start")
	if log := s.r1.daemon.Log(); strings.Contains(log, "BACKUP") || strings.Contains(log, "attached") {
		t.Errorf("something has been started:\n%s", log)
	}
	for _, text := range []string{"vrrp-xdp.conf:10: unknown keyword", `did you mean "priority"?`, "nowhere", "192.168.1.4", "vrrp_unknown"} {
		quoted(t, s.r1.daemon.Log(), text)
	}
	if out, status := s.r1.check(faulty(), "--lenient"); status != 0 {
		t.Errorf("the exit status of check --lenient is %d, want 0:\n%s", status, out)
	}
	s.r1.run(faulty(), "--lenient")
	s.r1.await("MASTER")
	i := s.r1.instance("VI_1")
	if i.Priority != 150 || len(i.Tracks) != 0 || fmt.Sprint(i.UnicastPeers) != "[192.168.1.3]" {
		t.Errorf("it runs with priority %d, tracks %v, peers %v; want what is left of the file", i.Priority, i.Tracks, i.UnicastPeers)
	}
	quoted(t, s.r1.daemon.Log(), "unknown keyword")
}

// What cannot run beside other routers does not, however lenient one is.
func TestLenienceHasItsLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, body := range []string{"auth_hmac {\nkey 1 file:/no/such/key\nactive_key 1\n}", "vrf blue", "authentication {\nauth_type AH\nauth_pass x\n}", "interface eth7", "down_timer_adverts 5"} {
		if out, status := s.r1.check(numbered(1, body), "--lenient"); status != 2 {
			t.Errorf("%q: the exit status of check --lenient is %d, want 2:\n%s", body, status, out)
		}
	}
	if out, status := s.r1.check("no more than a file that is not there"); status != 2 {
		t.Errorf("the exit status of check is %d, want 2:\n%s", status, out)
	}
}

// The balancer's blocks are not ours, and do no harm.
func TestOtherDaemonsBlocksAreLeftOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	config := numbered(1, "") + "virtual_server 192.168.1.1 80 {\ndelay_loop 6\nreal_server 10.0.0.80 80 {\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n}\n" + numbered(2, "")
	lines, status := s.r1.checkJSON(config)
	if verdict := lines["virtual_server 192.168.1.1 80"].Verdict; status != 0 || verdict != "not used" {
		t.Errorf("the exit status of check is %d, and virtual_server is %q; want 0 and not used: %v", status, verdict, lines)
	}
	s.r1.run(config)
	s.r1.await("MASTER MASTER")
}
