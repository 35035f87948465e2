package interop

import (
	"strings"
	"testing"
)

// A planned handover is nothing that the other router has to know. But one whose
// first advert is lost, as FRR's over IPv6, answers too late: it is taken back,
// and ours stays master.
func TestEverySpeakerTakesOverAtASwitchoverAndGivesBack(t *testing.T) {
	for _, c := range courses {
		undisturbed(t, c.name, func(t testing.TB) {
			ps := newPairs(t, false, c.variants...)
			ps.each(func(p *pair) { p.startTheirs(weak) })
			ps.each(func(p *pair) { p.theyAreMaster(weak, true) })
			ps.each(func(p *pair) { p.startOurs(strong) })
			ps.each(func(p *pair) { p.weAreMaster(false) })

			ps.each(func(p *pair) {
				if p.late > 0 {
					p.tell("gone after", "--until-told", "--force")
				} else {
					p.tell("handed over to", "--until-told")
				}
			})
			ps.each(func(p *pair) { p.theyAreMaster(weak, false) })
			ps.each(func(p *pair) { p.tell("may become master again", "--end") })
			ps.each(func(p *pair) { p.weAreMaster(false) })
		})
	}
}

// tell switches our instance over.
func (p *pair) tell(says string, how ...string) {
	p.t.Helper()
	s, err := p.ourStatus()
	p.must(err)
	p.do(func() error {
		out, err := p.ours.Host.Run(binary, append([]string{"switchover", s.Name}, how...)...)
		if err == nil && !strings.Contains(out, says) {
			p.errorf("switchover %v says %q, want %q", how, out, says)
		}
		return err
	})
}
