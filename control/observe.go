package control

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Other is a virtual router on the wire that is not ours; its JSON is stable.
type Other struct {
	Interface        string  `json:"interface"`
	VLAN             uint16  `json:"vlan"`
	VRID             uint8   `json:"vrid"`
	Family           string  `json:"family"`
	Version          uint8   `json:"version"`
	Master           string  `json:"master"` // who sends the adverts
	MAC              string  `json:"mac"`
	Priority         uint8   `json:"priority"`
	AdvertIntervalMS float64 `json:"advert_interval_ms"` // as announced
	ShortestMS       float64 `json:"shortest_ms"`        // as measured
	LongestMS        float64 `json:"longest_ms"`
	Addresses        int     `json:"addresses"`
	FirstAddress     string  `json:"first_address"`
	Adverts          uint64  `json:"adverts"`
	SilentMS         float64 `json:"silent_ms"`          // since the last advert
	Checksum         string  `json:"checksum,omitempty"` // form, where there are two
	// Mismatch says how it differs from a virtual router of ours with the same
	// VRID; empty where there is none. Its adverts are refused.
	Mismatch string `json:"mismatch,omitempty"`
}

// compareOther orders by where and which, then the better master first.
func compareOther(a, b Other) int {
	return cmp.Or(
		cmp.Compare(a.Interface, b.Interface),
		cmp.Compare(a.VLAN, b.VLAN),
		cmp.Compare(a.VRID, b.VRID),
		cmp.Compare(a.Family, b.Family),
		-cmp.Compare(a.Priority, b.Priority),
		cmp.Compare(a.Master, b.Master),
	)
}

// router names the virtual router, whoever is its master.
func (o Other) router() otherRouter { return otherRouter{o.Interface, o.VLAN, o.VRID, o.Family} }

type otherRouter struct {
	Interface string
	VLAN      uint16
	VRID      uint8
	Family    string
}

// gone reports whether it said that it leaves, or its last advert is so old that
// any backup would have taken over.
func (o Other) gone() bool { return o.Priority == 0 || o.SilentMS > 4*o.AdvertIntervalMS+1000 }

// Observer tells in the log what changes among the virtual routers of others.
type Observer struct {
	List    func() ([]Other, error)
	Log     *slog.Logger
	seen    map[speaker]observed
	failing bool
	said    int // lines, at this look
}

// speaker is one that sends adverts for a virtual router.
type speaker struct {
	router otherRouter
	master string
}

// observed is a speaker as it was at the last look.
type observed struct {
	Other
	since time.Time // of the first look that found it
	rival bool      // it was told that there is more than one master
}

// observePeriod is how often the observer looks: often enough for a person.
const observePeriod = 500 * time.Millisecond

// Run observes until ctx is done.
func (o *Observer) Run(ctx context.Context) {
	ticker := time.NewTicker(observePeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			o.look(time.Now())
		}
	}
}

func (o *Observer) look(now time.Time) {
	list, err := o.List()
	if err != nil {
		if !o.failing {
			o.Log.Error("cannot see who else speaks VRRP", "error", err)
		}
		o.failing = true
		return
	}
	o.failing = false
	o.said = 0
	before := o.seen
	o.seen = make(map[speaker]observed, len(list))
	newest := make(map[otherRouter]time.Time) // when the last of its masters was first seen
	list = slices.SortedFunc(slices.Values(list), compareOther)
	list = slices.DeleteFunc(list, Other.gone)
	for _, other := range list {
		s := o.see(other, before, now)
		if s.since.After(newest[other.router()]) {
			newest[other.router()] = s.since
		}
	}
	o.tellRivals(list, now, newest)
	for key, s := range before {
		if _, ok := o.seen[key]; !ok {
			o.say(slog.LevelInfo, "a virtual router's master fell silent", s.attrs()...)
		}
	}
	if o.said > mostTold {
		o.Log.Warn("more has changed among the virtual routers of others than is told: somebody may be inventing them", "not_told", o.said-mostTold)
	}
}

// mostTold bounds what is said at one look: anybody on the link can invent routers.
const mostTold = 300

func (o *Observer) say(level slog.Level, what string, attrs ...any) {
	if o.said++; o.said <= mostTold {
		o.Log.Log(context.Background(), level, what, attrs...)
	}
}

// see remembers a speaker, and logs what is new about it.
func (o *Observer) see(now Other, before map[speaker]observed, at time.Time) observed {
	key := speaker{now.router(), now.Master}
	s, known := before[key]
	if now.Mismatch != "" && now.Mismatch != s.Mismatch {
		o.say(slog.LevelWarn, "our virtual router is spoken in another way: its adverts are refused, and there may be two masters", append(now.attrs(), "mismatch", now.Mismatch)...)
	}
	switch {
	case !known:
		s.since = at
		if now.Mismatch == "" {
			o.say(slog.LevelInfo, "heard a virtual router", now.attrs()...)
		}
	case s.Priority != now.Priority || s.Version != now.Version ||
		s.AdvertIntervalMS != now.AdvertIntervalMS || s.Addresses != now.Addresses:
		o.say(slog.LevelInfo, "a virtual router changed", now.attrs()...)
	}
	s.Other = now
	o.seen[key] = s
	return s
}

// tellRivals tells once of each master but the best that speaks on after the
// last of them has begun to. At a takeover the old one is still remembered, but
// it is silent. list has the best first.
func (o *Observer) tellRivals(list []Other, now time.Time, newest map[otherRouter]time.Time) {
	best := make(map[otherRouter]Other)
	for _, other := range list {
		router := other.router()
		last := now.Add(-time.Duration(other.SilentMS * float64(time.Millisecond)))
		if !last.After(newest[router]) {
			continue
		}
		first, rivals := best[router]
		if !rivals {
			best[router] = other
			continue
		}
		key := speaker{router, other.Master}
		if s := o.seen[key]; !s.rival {
			s.rival = true
			o.seen[key] = s
			o.say(slog.LevelWarn, "a virtual router has more than one master", append(other.attrs(), "differs_in", first.differences(other))...)
		}
	}
}

// differences names what two masters of one virtual router do not agree on: the
// mistakes that make two masters.
func (o Other) differences(p Other) string {
	var list []string
	note := func(differ bool, what string) {
		if differ {
			list = append(list, what)
		}
	}
	note(o.Version != p.Version, "version")
	note(o.AdvertIntervalMS != p.AdvertIntervalMS, "interval")
	note(o.Checksum != p.Checksum, "checksum")
	note(o.Addresses != p.Addresses || o.FirstAddress != p.FirstAddress, "addresses")
	if len(list) == 0 {
		return "nothing: do they hear each other?"
	}
	return strings.Join(list, ", ")
}

func (o Other) attrs() []any {
	attrs := []any{"interface", o.Interface, "vrid", o.VRID, "family", o.Family, "version", o.Version,
		"master", o.Master, "priority", o.Priority, "advert_int", time.Duration(o.AdvertIntervalMS * float64(time.Millisecond)),
		"address", o.FirstAddress, "addresses", o.Addresses}
	if o.Checksum != "" {
		attrs = append(attrs, "checksum", o.Checksum)
	}
	if o.VLAN != 0 {
		attrs = append(attrs, "vlan", o.VLAN)
	}
	return attrs
}
