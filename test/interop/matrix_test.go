package interop

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const strong, weak = 200, 100

const (
	// ourSlack is what we may take beyond the protocol's time.
	ourSlack = 10 * time.Millisecond
	// theirSlack is what they may: their timers are not ours to judge. They were up to 30 ms late on two busy cores.
	theirSlack = 50 * time.Millisecond
	// theirHaste is what they may lack: vrrpd counts Skew_Time in whole centiseconds, rounded down.
	theirHaste = 10 * time.Millisecond
)

var modes = []string{"native", "tc"}

// pairs are those of a course, one for each variant and way to attach.
type pairs []*pair

func newPairs(t testing.TB, weAreHigher bool, variants ...variant) (ps pairs) {
	for _, v := range variants {
		for _, mode := range modes {
			ps = append(ps, newPair(t, v, mode, weAreHigher))
		}
	}
	return ps
}

func (ps pairs) each(step func(*pair)) {
	for _, p := range ps {
		step(p)
	}
}

// undisturbed is t.Run for what is done again where this machine spoils it.
func undisturbed(t *testing.T, name string, test func(t testing.TB)) {
	t.Run(name, func(t *testing.T) { lab.Undisturbed(t, ourSlack/2, test) })
}

// The weaker one has the higher address: it must not matter.
func TestTheMatrix(t *testing.T) {
	for _, c := range courses {
		undisturbed(t, c.name+"/we are the stronger", func(t testing.TB) { newPairs(t, false, c.variants...).weAreTheStronger() })
		undisturbed(t, c.name+"/they are the stronger", func(t testing.TB) { newPairs(t, true, c.variants...).theyAreTheStronger() })
	}
}

func (ps pairs) weAreTheStronger() {
	ps.each(func(p *pair) { p.startTheirs(weak) })
	ps.each(func(p *pair) { p.theyAreMaster(weak, true) })
	ps.each(func(p *pair) { p.startOurs(strong) })
	ps.each(func(p *pair) { p.weAreMaster(false) })

	ps.each(func(p *pair) { p.do(p.daemon.Stop) })
	ps.each(func(p *pair) { p.theyTakeOver("our farewell", true, p.skew(weak)) })
	ps.each((*pair).weAreGone)
	ps.each(func(p *pair) { p.theyAreMaster(weak, true) })
	ps.each(func(p *pair) { p.startOurs(strong) })
	ps.each(func(p *pair) { p.weAreMaster(false) })

	ps.each(func(p *pair) { p.do(p.daemon.Kill); p.ours.Cut() })
	ps.each(func(p *pair) { p.theyTakeOver("our death", false, p.down(weak)) })
	ps.each(func(p *pair) { p.theyAreMaster(weak, true) })
	ps.checkSent(lab.WithPseudoHeader)
}

func (p *pair) theyTakeOver(what string, farewell bool, due time.Duration) {
	p.t.Helper()
	p.check(takeover{what, p.ours, p.theirs, farewell, due - theirHaste, due + theirSlack + p.late})
}

func (ps pairs) theyAreTheStronger() {
	ps.each(func(p *pair) { p.startOurs(weak) })
	ps.each(func(p *pair) { p.weAreMaster(true) })
	ps.each(func(p *pair) { p.startTheirs(strong) })
	ps.each(func(p *pair) { p.theyAreMaster(strong, false) })

	ps.each(func(p *pair) { p.do(p.peer.stop) })
	ps.each(func(p *pair) { p.weTakeOver("their farewell", true, p.skew(weak)) })
	ps.each(func(p *pair) { p.weAreMaster(true) })
	ps.each(func(p *pair) { p.startTheirs(strong) })
	ps.each(func(p *pair) { p.theyAreMaster(strong, false) })

	ps.each(func(p *pair) { p.do(p.peer.kill); p.theirs.Cut() }) // killed only, it would go on to answer
	ps.each(func(p *pair) { p.weTakeOver("their death", false, p.down(weak)) })
	ps.each(func(p *pair) { p.weAreMaster(true) })
	ps.checkSent(lab.WithPseudoHeader)
}

func (p *pair) weTakeOver(what string, farewell bool, due time.Duration) {
	p.t.Helper()
	p.check(takeover{what, p.theirs, p.ours, farewell, due, due + ourSlack})
}

// Of two masters of one priority, the one with the higher address stays.
func TestTheMatrixOfTies(t *testing.T) {
	for _, c := range courses {
		undisturbed(t, c.name, func(t testing.TB) {
			append(newPairs(t, true, c.variants...), newPairs(t, false, c.variants...)...).tie()
		})
	}
}

func (ps pairs) tie() {
	ps.each(func(p *pair) { p.meet(); p.theirs.Silence() })
	ps.each(func(p *pair) { p.startOurs(strong) })
	ps.each(func(p *pair) { p.must(p.peer.start(strong)) })
	ps.each(func(p *pair) { p.weAreMaster(true) })
	ps.each(func(p *pair) { p.must(p.peer.await(true)) })
	ps.each(func(p *pair) { p.speaks(p.theirs, strong) })
	ps.each(func(p *pair) { p.began = time.Now(); p.theirs.Unsilence() })
	ps.each(func(p *pair) {
		winner := p.theirs
		if p.higher {
			winner = p.ours
			p.weAreMaster(false)
		} else {
			p.theyAreMaster(strong, false)
		}
		p.keepsSpeaking(winner, p.began)
	})
	ps.checkSent(lab.WithPseudoHeader)
}

// Neither knows the form of RFC 9568 yet: told to speak it, we are a second master.
func TestTheMessageOnlyChecksumIsRefusedByBoth(t *testing.T) {
	for _, name := range []string{"keepalived v3 IPv4", "FRR v3 IPv4"} {
		undisturbed(t, name, func(t testing.TB) {
			v := variantOf(t, name)
			v.flags = []string{"--checksum", "message-only"}
			ps := newPairs(t, true, v)
			ps.each(func(p *pair) { p.startOurs(strong) })
			ps.each(func(p *pair) { p.weAreMaster(true) })
			ps.each(func(p *pair) { p.startTheirs(weak) })
			ps.each(func(p *pair) { p.must(p.peer.await(true)) })
			ps.each(func(p *pair) { p.must(p.daemon.WaitLog(patience, "checksum")) })
			ps.each(func(p *pair) { p.awaitOurs("MASTER", p.speaks(p.ours, strong)) })
			ps.each(func(p *pair) { p.speaks(p.theirs, weak) })
			ps.checkSent(lab.MessageOnly)
		})
	}
}
