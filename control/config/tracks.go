package config

import "slices"

// tracking is whoever tracks something: an instance, or a group.
type tracking interface{ track(*track) }

// track is a use, before all that can be used is known.
type track struct {
	n       *node
	key     trackKey
	weight  *int
	reverse *bool
	// found is what it uses; nil for an interface.
	found *definition
}

// takeTracks takes a block of lines `NAME [weight N [reverse|noreverse]]`.
func takeTracks(kind TrackKind, most int) func(*node) {
	return func(n *node) {
		for _, line := range n.block {
			t := &track{n: line, key: trackKey{kind, line.Keyword()}}
			if line.plain() && t.takeWeight(most) && t.resolve() {
				n.owner.(tracking).track(t)
			}
		}
	}
}

// takeWeight reads what follows the name.
func (t *track) takeWeight(most int) bool {
	n := t.n
	switch n.arg(0) {
	case "":
		return true
	case "weight":
	default:
		n.fail("%s: what is %s? one name a line, and after it only weight N", t.key.name, n.arg(0))
		return true
	}
	if n.arg(1) == "" {
		n.fatal("%s: weight: a value is missing", t.key.name)
		return false
	}
	v, ok := n.number(1, -most, most)
	if !ok {
		return false
	}
	t.weight = &v
	var reverse bool
	switch n.arg(2) {
	case "":
	case "reverse":
		reverse = true
		t.reverse = &reverse
	case "noreverse", "no_reverse":
		t.reverse = &reverse
	default:
		n.fail("%s: %s is neither reverse nor noreverse", t.key.name, n.arg(2))
	}
	if len(n.Args()) > 3 {
		n.fail("%s: %s is too much", t.key.name, n.arg(3))
	}
	return true
}

// resolve finds what is tracked.
func (t *track) resolve() bool {
	d := t.n.d
	if t.key.kind == TrackInterface {
		return d.wantInterface(t.n, Fatal, t.key.name)
	}
	t.found = d.tracked[t.key]
	if t.found == nil {
		t.n.fail("there is no %v %s%s", t.key.kind, t.key.name, d.nearestDefinition(t.key))
		return false
	}
	t.found.uses++
	if t.n.before(t.found.n) && t.key.kind != TrackCheck {
		t.n.warn("keepalived ignores this check, because its %v comes later, %s; here it is used", t.key.kind, t.n.seen(t.found.n))
	}
	return true
}

func (d *decoder) nearestDefinition(key trackKey) string {
	names := make(map[string]*keyword)
	for other := range d.tracked {
		if other.kind == key.kind {
			names[other.name] = nil
		}
	}
	if near := nearest(key.name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": the name is wrong, or its block is missing"
}

// wantInterface reports whether an interface may be used. There must be one of
// that name, unless interfaces may come and go.
func (d *decoder) wantInterface(n *node, s Severity, name string) bool {
	if d.global.DynamicInterfaces || d.options.System.HasInterface(name) {
		return true
	}
	n.note(s, "there is no interface %s: correct the name, or say dynamic_interfaces in global_defs", name)
	return false
}

func (t *track) effectiveWeight() int {
	if t.weight == nil && t.found != nil {
		return t.found.weight
	}
	return first(0, t.weight)
}

func (t *track) isReverse() bool {
	if t.found == nil {
		return first(false, t.reverse)
	}
	return first(t.found.reverse, t.reverse)
}

// resolved is what is tracked in the end.
func (d *decoder) resolved(list []*track) []Track {
	var tracks []Track
	for _, t := range list {
		if t.found != nil && t.found.dropped {
			continue
		}
		tracks = append(tracks, Track{Pos: t.n.Pos, Kind: t.key.kind, Name: t.key.name, Weight: t.effectiveWeight(), Reverse: t.isReverse()})
	}
	return tracks
}

// addTrack adds t, or says that it is there already.
func addTrack(list []*track, t *track) []*track {
	at := slices.IndexFunc(list, func(o *track) bool { return o.key == t.key })
	if at >= 0 {
		t.n.fail("%s is tracked already, %s: take one out", t.key.name, t.n.seen(list[at].n))
		return list
	}
	return append(list, t)
}
