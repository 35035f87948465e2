package config

import (
	"strconv"
	"strings"
)

// group is a vrrp_sync_group while it is read.
type group struct {
	Group
	settings
	n       *node
	members []*node
	weights bool // sync_group_tracking_weight
	tracks  []*track
}

func (g *group) track(t *track) { g.tracks = addTrack(g.tracks, t) }

func takeGroup(n *node) {
	for _, other := range n.d.groups {
		if other.Name == n.arg(0) {
			n.fail("vrrp_sync_group %s is there twice: the first counts, %s; give one another name", n.arg(0), n.seen(other.n))
			n.leaveOut()
			return
		}
	}
	g := &group{n: n}
	g.Pos, g.Name = n.Pos, n.arg(0)
	n.d.groups = append(n.d.groups, g)
	n.inside(g)
}

// takeMembers takes names, several of which may stand on a line.
func (g *group) takeMembers(n *node) {
	for _, line := range n.block {
		if line.plain() {
			g.members = append(g.members, line)
		}
	}
}

func (g *group) takeGlobalTracking(n *node) {
	n.warn("global_tracking is taken as sync_group_tracking_weight")
	g.weights = true
}

// finish finds the members.
func (g *group) finish() {
	var priority *instance
	for _, line := range g.members {
		for _, name := range line.texts() {
			in := g.n.d.instance(name)
			switch {
			case in == nil:
				line.fail("there is no vrrp_instance %s%s", name, g.n.d.nearestInstance(name))
				continue
			case in.group == g:
				line.warn("%s is a member already", name)
				continue
			case in.group != nil:
				line.fail("%s is a member of %s already: an instance can be in one group", name, in.group.Name)
				continue
			}
			in.group = g
			g.Members = append(g.Members, name)
			if priority == nil {
				priority = in
			} else if in.Router.Priority != priority.Router.Priority {
				line.warn("%s has priority %d, and %s %d: with the same on both they cannot be pulled to different routers", name, in.Router.Priority, priority.Name, priority.Router.Priority)
			}
			g.checkMember(in)
		}
	}
	g.finishSettings()
}

func (g *group) finishSettings() {
	switch {
	case len(g.Members) == 0 && !g.n.faulty:
		g.n.fatal("vrrp_sync_group %s has no members: name them in group { … }", g.Name)
	case len(g.Members) == 1:
		g.n.warn("vrrp_sync_group %s has one member: there is nothing to keep together", g.Name)
	}
	all := &g.n.d.global
	g.Notify.Mail = first(false, g.mail, all.mailVRRP, all.mail)
	g.Notify.PriorityChanges = first(false, g.priorityChanges, all.priorityChanges)
}

// checkMember refuses what would give members different priorities.
func (g *group) checkMember(in *instance) {
	if g.weights {
		return
	}
	var kept []*track
	for _, t := range in.tracks {
		if t.effectiveWeight() == 0 {
			kept = append(kept, t)
			continue
		}
		t.n.fail("%s: a weight on one member would pull the group %s apart: track it in the group, or say sync_group_tracking_weight there", t.key.name, g.Name)
		if t.key.kind != TrackScript { // which keepalived leaves out; of others it takes the weight away
			none := 0
			t.weight = &none
			kept = append(kept, t)
		}
	}
	in.tracks = kept
}

func (d *decoder) instance(name string) *instance {
	for _, in := range d.instances {
		if in.Name == name {
			return in
		}
	}
	return nil
}

func (d *decoder) nearestInstance(name string) string {
	names := make(map[string]*keyword)
	for _, in := range d.instances {
		names[in.Name] = nil
	}
	if near := nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}

// finishTracks warns of weights that change nothing.
func (in *instance) finishTracks() {
	for _, t := range in.tracks {
		if in.owner() && t.effectiveWeight() != 0 {
			t.n.warn("%s: a weight has no effect on priority 255, which never changes", t.key.name)
		}
	}
}

// checkInstances finds what only one instance can have.
func (d *decoder) checkInstances() {
	taken := make(map[string]*instance)
	take := func(in *instance, n *node, what ...string) {
		key := strings.Join(what, " ")
		if other := taken[key]; other != nil && other != in {
			n.fatal("%s is that of instance %s already, %s", key, other.Name, n.seen(other.n))
		}
		taken[key] = in
	}
	for _, in := range d.instances {
		r := in.Router
		if r.VRID == 0 || len(r.Addresses) == 0 {
			continue
		}
		take(in, in.n, "virtual_router_id "+strconv.Itoa(int(r.VRID)), "of", r.Family.String(), "on", in.Interface)
		for _, a := range r.Addresses {
			take(in, in.n, a.String(), "on", in.Interface)
		}
	}
}
