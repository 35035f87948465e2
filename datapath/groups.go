package datapath

import "fmt"

// slots hands out the numbers below limit.
type slots struct {
	limit uint32
	next  uint32
	free  []uint32
}

func (s *slots) take() (uint32, error) {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot, nil
	}
	if s.next == s.limit {
		return 0, fmt.Errorf("more than %d virtual routers", s.limit)
	}
	s.next++
	return s.next - 1, nil
}

func (s *slots) give(slot uint32) { s.free = append(s.free, slot) }

// group is the routers that share one lease.
type group struct {
	name    string // "": one router alone
	index   uint32 // of the lease
	members int
}

type groups struct {
	slots  slots
	byName map[string]*group
}

func newGroups() groups {
	return groups{slots{limit: maxGroups}, make(map[string]*group)}
}

// join makes one router more a member of the group of that name.
func (g *groups) join(name string) (*group, error) {
	joined := g.byName[name]
	if joined == nil {
		index, err := g.slots.take()
		if err != nil {
			return nil, err
		}
		joined = &group{name: name, index: index}
		if name != "" {
			g.byName[name] = joined
		}
	}
	joined.members++
	return joined, nil
}

// leave undoes join. With its last member the group is gone.
func (g *groups) leave(from *group) {
	from.members--
	if from.members == 0 {
		delete(g.byName, from.name)
		g.slots.give(from.index)
	}
}
