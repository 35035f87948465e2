package datapath

import (
	"testing"
	"time"
)

func TestTheAdvertThatIsFollowedIsGoodWhateverChangesHere(t *testing.T) {
	changes := map[string]func(*RouterSpec){
		"the interval of version 2": func(s *RouterSpec) { s.Interval = 7 * time.Second },
		"unicast":                   func(s *RouterSpec) { s.Unicast = true },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			spec := b.v2.spec
			change(&spec)
			if err := b.v2.Update(spec); err != nil {
				t.Fatal(err)
			}
			for _, hook := range []Hook{HookXDP, HookIngress} {
				b.v2.Unfollow()
				before := b.v2.Heard()
				b.mustRun(t, hook, tagged(v2().frame(), 30))
				if b.v2.Heard() != before {
					t.Errorf("%s: an advert that is refused is stamped", hook)
				}
				b.v2.Follow(peer, [8]byte(v2().pdu()))
				if from, _ := b.mustRun(t, hook, tagged(v2().frame(), 30)); b.v2.Heard() < from {
					t.Errorf("%s: the advert that is followed is not stamped", hook)
				}
			}
		})
	}
}
