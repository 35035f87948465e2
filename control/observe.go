package control

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
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
	SilentMS         float64 `json:"silent_ms"` // since the last advert
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

// gone reports whether its last advert is so old that any backup would have
// taken over.
func (o Other) gone() bool { return o.SilentMS > 4*o.AdvertIntervalMS+1000 }

// Observer tells in the log what changes among the virtual routers of others.
type Observer struct {
	List func() ([]Other, error)
	Log  *slog.Logger
	seen map[observedKey]Other
}

type observedKey struct {
	router otherRouter
	master string
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
			o.look()
		}
	}
}

func (o *Observer) look() {
	list, err := o.List()
	if err != nil {
		o.Log.Error("cannot see who else speaks VRRP", "error", err)
		return
	}
	present := make(map[observedKey]Other, len(list))
	masters := make(map[otherRouter]int)
	slices.SortFunc(list, compareOther)
	for _, other := range list {
		if other.gone() {
			continue
		}
		key := observedKey{other.router(), other.Master}
		present[key] = other
		masters[other.router()]++
		o.tell(key, other, masters[other.router()])
	}
	for key, other := range o.seen {
		if _, ok := present[key]; !ok {
			o.Log.Info("a virtual router's master fell silent", other.attrs()...)
		}
	}
	o.seen = present
}

// tell logs what is new about one speaker.
func (o *Observer) tell(key observedKey, now Other, masters int) {
	before, known := o.seen[key]
	switch {
	case !known && masters > 1:
		o.Log.Warn("a virtual router has more than one master", now.attrs()...)
	case !known:
		o.Log.Info("heard a virtual router", now.attrs()...)
	case before.Priority != now.Priority || before.Version != now.Version ||
		before.AdvertIntervalMS != now.AdvertIntervalMS || before.Addresses != now.Addresses:
		o.Log.Info("a virtual router changed", now.attrs()...)
	}
}

func (o Other) attrs() []any {
	attrs := []any{"interface", o.Interface, "vrid", o.VRID, "family", o.Family, "version", o.Version,
		"master", o.Master, "priority", o.Priority, "advert_int", time.Duration(o.AdvertIntervalMS * float64(time.Millisecond)),
		"address", o.FirstAddress, "addresses", o.Addresses}
	if o.VLAN != 0 {
		attrs = append(attrs, "vlan", o.VLAN)
	}
	return attrs
}
