package datapath

import "fmt"

// slots hands out the numbers below limit: first each once, then those given
// back, in their order. So a number that was somebody's comes back as late as
// can be: what is still under way to its former holder must not find another.
type slots struct {
	limit uint32
	next  uint32
	free  []uint32
}

func (s *slots) take() (uint32, error) {
	if s.next < s.limit {
		s.next++
		return s.next - 1, nil
	}
	if len(s.free) == 0 {
		return 0, fmt.Errorf("more than %d virtual routers", s.limit)
	}
	slot := s.free[0]
	s.free = s.free[1:]
	return slot, nil
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

// move makes a member of from one of the group of that name, and tells which
// that is. A group of one that is to be a group of one stays, under another
// name. Otherwise the member is in both until it leaves from.
func (g *groups) move(from *group, name string) (*group, error) {
	switch {
	case name == from.name:
		return from, nil
	case from.members == 1 && g.byName[name] == nil:
		g.rename(from, name)
		return from, nil
	}
	return g.join(name)
}

func (g *groups) rename(group *group, name string) {
	delete(g.byName, group.name)
	if group.name = name; name != "" {
		g.byName[name] = group
	}
}
