package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// Signed adverts (auth_hmac) into a daemon that runs, is reloaded, killed and
// started again. No release of keepalived that signs is to be had here: that the
// trailer is the same, the images of the draft show, in control/vrrp.

const (
	signingKey = "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	secondKey  = "hex:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	// oneKey is an auth_hmac whose window is no reason to refuse what a test copies.
	oneKey = "key 1 " + signingKey + "\nactive_key 1\ntime_window 300"
)

// signer signs adverts as another router with the key would.
type signer struct {
	*site
	auth  vrrp.Auth
	guard vrrp.Guard
}

func (s *site) signer() *signer {
	s.t.Helper()
	var secret []byte
	for b := range byte(32) {
		secret = append(secret, b)
	}
	key, err := vrrp.NewKey(secret)
	must(s.t, err)
	return &signer{site: s, auth: vrrp.Auth{Keys: map[uint8]vrrp.Key{1: key}, Active: 1}}
}

// sign is an advert of that priority, signed now, or that long ago.
func (s *signer) sign(priority uint8, ago time.Duration) forge.Packet {
	s.t.Helper()
	p := s.pack(s.advert(priority))
	wall := time.Duration(time.Now().UnixNano()) - ago
	sequence := vrrp.SequenceAt(wall)
	if ago == 0 {
		sequence = s.guard.Next(&s.auth, wall)
	}
	var err error
	p.PDU, err = s.auth.Sign(nil, s.advert(priority), p.Source, p.Destination, sequence)
	must(s.t, err)
	return p
}

// reign sends signed adverts as a better master does, until its answer is called,
// which gives the last one.
func (s *signer) reign() (end func() []byte) {
	quit, last := make(chan struct{}), make(chan []byte)
	go func() {
		ticker := time.NewTicker(s.interval)
		defer ticker.Stop()
		for {
			frame := s.sign(better, 0).Frame()
			if err := s.peer.Send(frame); err != nil {
				s.t.Error(err)
			}
			select {
			case <-quit:
				last <- frame
				return
			case <-ticker.C:
			}
		}
	}()
	return func() []byte { close(quit); return <-last }
}

// signedConfig is the router under test, with that auth_hmac.
func (s *site) signedConfig(hmac string) string {
	return fmt.Sprintf("vrrp_instance V {\ninterface eth0\nvirtual_router_id %d\nversion %d\npriority %d\nadvert_int %g\nvirtual_ipaddress {\n%s\n}\nauth_hmac {\n%s\n}\n}\n",
		vrid, s.version, ours, s.interval.Seconds(), strings.Join(s.prefixes, "\n"), hmac)
}

// runFile starts the daemon with a configuration file, whose path it returns.
func (s *site) runFile(config string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "vrrp-xdp.conf")
	must(s.t, os.WriteFile(path, []byte(config), 0o600))
	s.runAgain(path)
	return path
}

func (s *site) runAgain(path string) {
	s.t.Helper()
	var err error
	s.daemon, err = s.router.Start(lab.Command{Name: "vrrp-xdp", Path: program, ViaIPNetns: true,
		Args: []string{"run", "-f", path, "--mode", s.mode, "--web.listen-address", ""}})
	must(s.t, err)
}

func (s *site) reload(path, config string) {
	s.t.Helper()
	must(s.t, os.WriteFile(path, []byte(config), 0o600))
	if out, err := s.router.Run(program, "reload"); err != nil {
		s.t.Fatalf("reload: %v\n%s\n%s", err, out, s.daemon.Log())
	}
}

// refuses sends an advert that would end the router's reign, were it believed.
func (s *site) refuses(name string, frame []byte, reason vrrp.Reason) {
	s.t.Helper()
	before := s.status()
	s.send(frame)
	s.send(frame)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		now := s.status()
		counted := now.Counters.AdvertsDropped[reason.String()] - before.Counters.AdvertsDropped[reason.String()]
		if now.State != "MASTER" {
			s.t.Fatalf("%s: the router is %s\n%s", name, now.State, s.daemon.Log())
		}
		if counted == 2 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %d of 2 were counted as %v; before %v, now %v", name, counted, reason, before.Counters.AdvertsDropped, now.Counters.AdvertsDropped)
		}
	}
}

// patient are dialects in which a machine that pauses costs nobody the lease.
var patient = []dialect{v3.at(300 * time.Millisecond), v3ipv6.at(300 * time.Millisecond)}

func TestOnlyWhatIsSignedWithOurKeyIsBelieved(t *testing.T) {
	each(t, append([]dialect{v2}, patient...), func(t *testing.T, s *site) {
		s.runFile(s.signedConfig("key 1 " + signingKey + "\nactive_key 1"))
		s.await("MASTER")
		signer := s.signer()
		trailer := len(signer.sign(better, 0).PDU) - vrrp.TrailerLength
		damaged := func(at int) []byte {
			p := signer.sign(better, 0)
			p.PDU[trailer+at] ^= 0x40
			s.mend(&p, trailer)
			return p.Frame()
		}
		s.refuses("not signed", s.pack(s.advert(better)).Frame(), vrrp.ReasonAuthMissing)
		s.refuses("another type", damaged(0), vrrp.ReasonAuthMalformed)
		s.refuses("another key", damaged(1), vrrp.ReasonAuthKey)
		s.refuses("too old", signer.sign(better, time.Minute).Frame(), vrrp.ReasonAuthStale)
		s.refuses("of the future", signer.sign(better, -time.Minute).Frame(), vrrp.ReasonAuthStale)
		s.refuses("of another moment", damaged(9), vrrp.ReasonAuthHMAC)
		s.refuses("signed wrongly", damaged(27), vrrp.ReasonAuthHMAC)
		p := signer.sign(better, 0)
		p.PDU = p.PDU[:len(p.PDU)-1]
		s.refuses("cut short", p.Frame(), vrrp.ReasonLength)

		end := signer.reign()
		s.await("BACKUP")
		if a := s.status().Auth; a == nil || a.Mode != "enforce" || a.ActiveKey != 1 || len(a.Senders) != 1 || !a.Senders[0].Signed || a.Senders[0].Address != s.other.String() {
			t.Errorf("status says of it: %+v", a)
		}
		copied := end()
		s.await("MASTER") // each copy of the last one would have kept it quiet
		s.refuses("a copy", copied, vrrp.ReasonAuthReplay)
	})
}

// mend makes the checksum right for what the test has changed in the trailer.
func (s *site) mend(p *forge.Packet, trailer int) {
	if s.family == vrrp.IPv6 {
		p.PDU[6], p.PDU[7] = 0, 0
		sum := pseudoSum(p)
		p.PDU[6], p.PDU[7] = byte(sum>>8), byte(sum)
	}
}

// pseudoSum is the checksum of an IPv6 payload, RFC 8200 §8.1.
func pseudoSum(p *forge.Packet) uint16 {
	header := append(p.Source.AsSlice(), p.Destination.AsSlice()...)
	header = append(header, 0, 0, 0, byte(len(p.PDU)), 0, 0, 0, vrrp.Protocol)
	return lab.Checksum(append(header, p.PDU...))
}

// A router that hears what it has sent, and others what they have heard, again.
func TestAnAdvertIsHeardOnceWhateverTheDaemonGoesThrough(t *testing.T) {
	for name, replay := range map[string]string{"time": oneKey, "monotonic": oneKey + "\nanti_replay monotonic"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, patient, func(t *testing.T, s *site) {
				t.Parallel()
				path := s.runFile(s.signedConfig(replay))
				s.await("MASTER")
				end := s.signer().reign()
				s.await("BACKUP")
				copied := end()
				s.await("MASTER")
				s.refuses("at once", copied, vrrp.ReasonAuthReplay)

				s.reload(path, s.signedConfig(replay+"\nkey 2 "+secondKey))
				s.refuses("after a reload", copied, vrrp.ReasonAuthReplay)
				s.reload(path, s.signedConfig(strings.Replace(replay, "active_key 1", "active_key 2", 1)+"\nkey 2 "+secondKey))
				s.refuses("after the key to sign with is another", copied, vrrp.ReasonAuthReplay)

				out, err := s.router.Run(program, "upgrade")
				if err != nil || !strings.HasPrefix(out, "upgraded to ") {
					t.Fatalf("upgrade: %v\n%s\n%s", err, out, s.daemon.Log())
				}
				s.await("MASTER")
				s.refuses("after an upgrade", copied, vrrp.ReasonAuthReplay)

				must(t, s.daemon.Kill())
				_, _ = s.daemon.Wait(patience)
				s.runAgain(path)
				s.await("MASTER")
				s.refuses("after it was killed and started again", copied, vrrp.ReasonAuthReplay)

				s.stop()
				s.runAgain(path)
				s.await("MASTER")
				s.refuses("after it was stopped and started again", copied, vrrp.ReasonAuthReplay)

				s.reload(path, strings.Replace(s.signedConfig(replay), "vrrp_instance V", "vrrp_instance W", 1))
				s.refuses("after a reload with another name", copied, vrrp.ReasonAuthReplay)
			})
		})
	}
}

func TestAMissingKeyStartsNothingAndReloadsNothing(t *testing.T) {
	each(t, patient[:1], func(t *testing.T, s *site) {
		t.Parallel()
		key := filepath.Join(t.TempDir(), "key")
		config := s.signedConfig("key 1 file:" + key + "\nactive_key 1")
		path := filepath.Join(t.TempDir(), "vrrp-xdp.conf")
		must(t, os.WriteFile(path, []byte(config), 0o644)) // it holds no secret
		starts := func(mode os.FileMode, text, want string) {
			t.Helper()
			if text != "" {
				must(t, os.WriteFile(key, []byte(text), 0o600))
				must(t, os.Chmod(key, mode))
			}
			out, err := s.router.Run(program, "run", "-f", path, "--mode", s.mode, "--web.listen-address", "")
			if err == nil || !strings.Contains(out+err.Error(), want) {
				t.Errorf("with a key file of mode %04o: %v\n%s", mode, err, out)
			}
			if strings.Contains(out, "0001020304") {
				t.Errorf("the key is shown: %s", out)
			}
		}
		starts(0, "", "vrrp-xdp.conf:11: key 1: read the key: open "+key)
		starts(0o644, signingKey, "chmod 600 "+key)
		starts(0o600, "hex:0001020304", "key 1: a key of 5 bytes")
		must(t, os.WriteFile(key, []byte(signingKey+"\n"), 0o600))
		s.runAgain(path)
		s.await("MASTER")
		must(t, os.Remove(key))
		if out, err := s.router.Run(program, "reload"); err == nil || !strings.Contains(out+err.Error(), "key 1: read the key") {
			t.Errorf("reload: %v\n%s", err, out)
		}
		if status := s.status(); status.State != "MASTER" || status.Auth == nil || status.Auth.Mode != "enforce" {
			t.Errorf("after it: %s, %+v", status.State, status.Auth)
		}
		s.refuses("not signed", s.pack(s.advert(better)).Frame(), vrrp.ReasonAuthMissing)
	})
}
