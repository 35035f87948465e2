package vrrp

import "slices"

// Joining reports whether r is about to be taken into a group that is master
// already, after a reload: it is not master yet, and yet the others need not step
// down. It holds no lease, and the others' lease is none of its business.
//
// It ends when r is Ready, and is promoted at once; when r follows a master, which
// is a reason for the whole group to step down as ever; and when no member is
// master any more. A fault of r is one of the group from the beginning.
func (g *Group) Joining(r *Router) bool {
	g.admit()
	return g.isJoining(r)
}

func (g *Group) isJoining(r *Router) bool { return slices.Contains(g.joining, r) }

// admit makes full members of those whose joining has ended. In a group whose
// last masters are leaving it has not: their lease is still theirs alone.
func (g *Group) admit() {
	if len(g.joining) == 0 {
		return
	}
	if !slices.ContainsFunc(g.members, (*Router).isMaster) {
		g.joining = nil
		return
	}
	g.joining = slices.DeleteFunc(g.joining, func(m *Router) bool {
		return m.state == Master || m.state == Backup && m.master.followed && !m.Ready()
	})
}
