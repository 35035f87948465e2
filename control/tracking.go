package control

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// results are what trackers have found, and what of it the loop does not know yet.
type results struct {
	wake chan struct{}
	mu   sync.Mutex
	news []track.Result

	known map[track.Key]track.Result // only for the loop
}

func newResults() results {
	return results{wake: make(chan struct{}, 1), known: make(map[track.Key]track.Result)}
}

// forget drops what is known of checks that no instance has any more: should
// they come back, what was found long ago must not count.
func (r *results) forget(configs []InstanceConfig) {
	maps.DeleteFunc(r.known, func(key track.Key, _ track.Result) bool {
		return !slices.ContainsFunc(configs, func(c InstanceConfig) bool {
			return slices.ContainsFunc(c.Tracks, func(u track.Use) bool { return u.Key == key })
		})
	})
}

// Tracked takes what a tracker has found. It does not wait. For any goroutine.
func (e *Engine) Tracked(r track.Result) {
	e.results.mu.Lock()
	defer e.results.mu.Unlock()
	e.results.news = append(e.results.news, r)
	select {
	case e.results.wake <- struct{}{}:
	default: // awake already
	}
}

// takeResults gives the instances what has been found.
func (e *Engine) takeResults() {
	e.results.mu.Lock()
	news := e.results.news
	e.results.news = nil
	e.results.mu.Unlock()
	for _, r := range news {
		// A check that was changed by a reload begins anew. What is known holds
		// until it knows better.
		if _, known := e.results.known[r.Key]; r.State != track.Unknown || !known {
			e.results.known[r.Key] = r
		}
	}
	for _, in := range e.instances {
		e.applyTracks(in)
		e.startUp(in)
	}
}

// startUp starts an instance once it is known of all that it cannot do without
// whether it is there: a start is no fault that anybody has to be told of.
func (e *Engine) startUp(in *instance) {
	if in.started || e.stopping || e.awaited(in) != "" {
		return
	}
	in.started = true
	e.step(in, vrrp.Startup{})
}

// awaited says what keeps an instance from starting, or "".
func (e *Engine) awaited(in *instance) string {
	if in.started {
		return ""
	}
	for _, use := range in.config.Tracks {
		if _, fault := use.Effect(track.Result{Key: use.Key, State: track.Unknown}); fault && e.results.known[use.Key].State == track.Unknown {
			return "waiting for the first result of " + use.Key.String()
		}
	}
	return ""
}

// applyTracks moves the instance's priority, or its fault, to where its trackers
// want it.
func (e *Engine) applyTracks(in *instance) {
	if len(in.config.Tracks) == 0 && in.trackFault == "" && in.router.Priority() == in.config.Router.Priority {
		return
	}
	delta, faults := e.tracked(in)
	was := in.trackFault
	in.trackFault = strings.Join(faults, "; ")
	if in.holds = in.holds && e.anyUnknown(in); !in.holds {
		e.setPriority(in, track.Priority(in.config.Router.Priority, delta))
	}
	switch {
	case was == "" && in.trackFault != "":
		e.step(in, vrrp.TrackDown{})
	case was != "" && in.trackFault == "":
		e.step(in, vrrp.TrackUp{})
	}
}

// anyUnknown reports whether something that it tracks has no result yet.
func (e *Engine) anyUnknown(in *instance) bool {
	return slices.ContainsFunc(in.config.Tracks, func(u track.Use) bool { return e.results.known[u.Key].State == track.Unknown })
}

// tracked sums up what the instance's trackers have found. One that has found
// nothing yet is no fault: it is new by a reload, or startUp waits for it.
func (e *Engine) tracked(in *instance) (delta int, faults []string) {
	for _, use := range in.config.Tracks {
		r, known := e.results.known[use.Key]
		if !known {
			r = track.Result{Key: use.Key, Reason: "no result yet"}
		}
		d, fault := use.Effect(r)
		delta += d
		if fault && r.State != track.Unknown {
			faults = append(faults, use.Key.String()+": "+r.Reason)
		}
	}
	return delta, faults
}

// setPriority makes this the priority that is advertised.
func (e *Engine) setPriority(in *instance, priority uint8) {
	before := in.router.Priority()
	if priority == before {
		return
	}
	e.readStamp(in)
	e.step(in, vrrp.PriorityChanged{Priority: priority})
	if after := in.router.Priority(); after != before {
		in.log.Info("Changing effective priority", "from", before, "to", after)
		switch in.router.State() {
		case vrrp.Master:
			e.tell(notify.Event{Name: in.config.Name, State: notify.MasterPriority, Priority: after})
		case vrrp.Backup:
			e.tell(notify.Event{Name: in.config.Name, State: notify.BackupPriority, Priority: after})
		}
	}
}

// TrackStatus is something that an instance tracks; its JSON is stable.
type TrackStatus struct {
	Name   string `json:"name"`
	Weight int    `json:"weight"` // 0: a fault
	State  string `json:"state"`  // "up", "down" or "unknown"
	Value  int    `json:"value,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (e *Engine) trackStatus(in *instance) []TrackStatus {
	list := make([]TrackStatus, 0, len(in.config.Tracks))
	for _, use := range in.config.Tracks {
		r := e.results.known[use.Key]
		list = append(list, TrackStatus{Name: use.Key.String(), Weight: use.Weight, State: r.State.String(), Value: r.Value, Reason: r.Reason})
	}
	return list
}
