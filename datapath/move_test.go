package datapath

import (
	"net/netip"
	"testing"
	"time"
)

func toGroup(name string) func(*RouterSpec) { return func(s *RouterSpec) { s.Group = name } }

// ask asks for the first address of a router that grouped has made.
func ask(r *Router) []byte {
	if r.spec.Family == 6 {
		return tagged(solicitation(r.spec.Addresses[0]).frame(), 40)
	}
	return tagged(arpFrame(broadcast, clientMAC, request(client, r.spec.Addresses[0])), 40)
}

func TestAMasterThatLeavesItsGroupGoesOnAsMasterAndSoDoesTheGroup(t *testing.T) {
	for _, name := range []string{"", "wan"} {
		t.Run("to group "+name, func(t *testing.T) {
			b := newBench(t)
			four, six := b.add(t, grouped("lan", 1, 4)), b.add(t, grouped("lan", 1, 6))
			until := Now() + time.Hour
			four.SetLease(until)
			update(t, four, toGroup(name))
			if four.Lease() != until || six.Lease() != until {
				t.Errorf("leases end at %v and %v, want %v", four.Lease(), six.Lease(), until)
			}
			b.checkAnswered(t, Reply, ask(four), ask(six))
			four.SetLease(0)
			b.checkAnswered(t, Drop, ask(four))
			b.checkAnswered(t, Reply, ask(six))
			four.SetLease(until)
			six.SetLease(0)
			b.checkAnswered(t, Reply, ask(four))
			b.checkAnswered(t, Drop, ask(six))
		})
	}
}

func TestARouterThatJoinsAGroupHasItsLease(t *testing.T) {
	for _, was := range []string{"", "wan"} {
		t.Run("from group "+was, func(t *testing.T) {
			b := newBench(t)
			joins, member := b.add(t, grouped(was, 2, 4)), b.add(t, grouped("lan", 1, 6))
			joins.SetLease(Now() + time.Hour)
			old := joins.group
			update(t, joins, toGroup("lan"))
			b.checkAnswered(t, Drop, ask(joins))
			member.SetLease(Now() + time.Hour)
			b.checkAnswered(t, Reply, ask(joins), ask(member))
			if old.members != 0 {
				t.Errorf("the group that it has left has %d members", old.members)
			}
			b.groups.slots.next = b.groups.slots.limit // so the lease that it has left is the next
			if again := b.add(t, grouped("wan", 3, 4)); again.Lease() != 0 || again.group.index != old.index {
				t.Error("a new group of the name that it has left has a lease")
			}
		})
	}
}

func TestAGroupOfOneIsRenamedWithItsLease(t *testing.T) {
	b := newBench(t)
	r := b.add(t, grouped("", 1, 4))
	until := Now() + time.Hour
	r.SetLease(until)
	b.groups.slots.limit = b.groups.slots.next // there is no other lease to be had
	for _, name := range []string{"lan", "wan", "", "lan"} {
		update(t, r, toGroup(name))
		if r.Lease() != until || r.group.members != 1 {
			t.Errorf("in group %q: lease until %v, want %v; %d members", name, r.Lease(), until, r.group.members)
		}
	}
	mate := b.add(t, grouped("lan", 1, 6))
	if mate.Lease() != until {
		t.Error("who joins the group of the new name has another lease")
	}
	if len(b.groups.byName) != 1 {
		t.Errorf("old names are still known: %v", b.groups.byName)
	}
}

func TestWhatWasYieldedStaysYieldedWhenARouterMoves(t *testing.T) {
	b := newBench(t)
	four, six := b.add(t, grouped("lan", 1, 4)), b.add(t, grouped("lan", 1, 6))
	four.SetLease(Now() + time.Hour)
	four.YieldTo(101)
	events := b.openEvents(t)
	b.mustRun(t, HookXDP, tagged(with(v3(), func(a *advertPacket) { a.vrid = 1 }), 40))
	update(t, four, toGroup(""))
	b.checkAnswered(t, Drop, ask(four), ask(six))
	at := drained(t, events)[0].At
	four.Resume(at)
	b.checkAnswered(t, Reply, ask(four))
	b.checkAnswered(t, Drop, ask(six))
	six.Resume(0)
	b.checkAnswered(t, Reply, ask(six))
}

func TestAddressesAndGroupChangeInOne(t *testing.T) {
	b := newBench(t)
	four, six := b.add(t, grouped("lan", 1, 4)), b.add(t, grouped("lan", 1, 6))
	four.SetLease(Now() + time.Hour)
	was := ask(four)
	update(t, four, func(s *RouterSpec) { s.Group, s.Addresses = "", []netip.Addr{second} })
	six.SetLease(0)
	b.checkAnswered(t, Reply, ask(four))
	b.checkAnswered(t, Pass, was)
}

// Every question is answered by the one lease or the other, never by none.
func TestAMasterThatMovesBetweenGroupsAnswersAtEveryMoment(t *testing.T) {
	b := newBench(t)
	r := b.add(t, grouped("", 1, 4))
	for vrid, name := range map[uint8]string{2: "lan", 3: "wan"} {
		b.add(t, grouped(name, vrid, 4)).SetLease(Now() + time.Hour)
	}
	r.SetLease(Now() + time.Hour)
	done := beside(t, func() error {
		for i := range 3000 {
			spec := r.spec
			spec.Group = []string{"lan", "", "wan"}[i%3]
			if err := r.Update(spec); err != nil {
				return err
			}
		}
		return nil
	})
	frame := tagged(arpFrame(broadcast, clientMAC, request(client, netip.AddrFrom4([4]byte{10, 0, 0, 1}))), 40)
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		if o, err := b.Run(HookXDP, frame, 1); err != nil || o.Verdict != Reply {
			t.Fatalf("%s, %v; want an answer", o.Verdict, err)
		}
	}
}
