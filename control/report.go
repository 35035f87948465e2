package control

import (
	"context"
	"fmt"
	"slices"
)

// Report is all that `vrrp-xdp status --json` prints.
type Report struct {
	Version string `json:"version"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	// Upgrades is how often the process has executed another binary; UpgradeError
	// why the last attempt came to nothing.
	Upgrades     int    `json:"upgrades,omitempty"`
	UpgradeError string `json:"upgrade_error,omitempty"`

	Interfaces []InterfaceStatus `json:"interfaces"`
	Instances  []InstanceStatus  `json:"instances"`
	Loop       LoopStatus        `json:"loop"`
	Others     []Other           `json:"others"`
	RFC        RFCGlobal         `json:"ietf-vrrp"`
}

// InterfaceStatus is how the fast path sits on an interface.
type InterfaceStatus struct {
	Name       string `json:"name"`
	Index      int    `json:"index"`
	Mode       string `json:"mode"`
	ModeReason string `json:"mode_reason"`
	// AdvertsDropped counts, by reason, adverts of no virtual router of ours;
	// but for observation, nothing was done to them.
	AdvertsDropped map[string]uint64 `json:"adverts_dropped"`
}

// Reporter gathers reports. Its functions are called from any goroutine.
type Reporter struct {
	Version string
	Host    string
	PID     int
	// Upgrades and UpgradeError are those of the Report.
	Upgrades     int
	UpgradeError string

	Engine     *Engine
	Interfaces func() ([]InterfaceStatus, error)
	Others     func() ([]Other, error)
}

// Report gathers one. Errors: ErrStopped when the engine does not answer
// before ctx is done.
func (r Reporter) Report(ctx context.Context) (Report, error) {
	report := Report{Version: r.Version, Host: r.Host, PID: r.PID, Upgrades: r.Upgrades, UpgradeError: r.UpgradeError}
	var err error
	if report.Instances, err = r.Engine.Status(ctx); err != nil {
		return Report{}, err
	}
	report.Loop = r.Engine.loopStatus()
	if report.Interfaces, err = r.Interfaces(); err != nil {
		return Report{}, err
	}
	if report.Others, err = r.Heard(); err != nil {
		return Report{}, err
	}
	slices.SortFunc(report.Others, compareOther)
	report.Summarize()
	return report, nil
}

// Heard lists the virtual routers on the wire that are not ours, and those of
// ours that somebody speaks in another way.
func (r Reporter) Heard() ([]Other, error) {
	list, err := r.Others()
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Mismatch = r.Engine.mismatch(list[i])
	}
	// What was heard of ours before it was installed is no news.
	return slices.DeleteFunc(list, func(o Other) bool { return o.Mismatch == "" && r.Engine.runs(o) }), nil
}

// runs reports whether a virtual router is one of ours. For any goroutine.
func (e *Engine) runs(o Other) bool {
	return slices.ContainsFunc(*e.running.Load(), func(c InstanceConfig) bool { return c.speaks(o) })
}

// speaks reports whether somebody speaks of this very virtual router, in whatever way.
func (c InstanceConfig) speaks(o Other) bool {
	return o.Interface == c.Interface && o.VLAN == 0 && o.VRID == c.Router.VRID && o.Family == c.Router.Family.String()
}

// mismatch says how a speaker of a VRID of ours differs from us, or "" if it is
// none. For any goroutine.
func (e *Engine) mismatch(o Other) string {
	for _, c := range *e.running.Load() {
		if !c.speaks(o) {
			continue
		}
		if c.unicast() {
			return "by multicast, ours goes to peers"
		}
		if ours := uint8(c.Router.Version); o.Version != ours {
			return fmt.Sprintf("version %d, ours is %d", o.Version, ours)
		}
		if ours := milliseconds(c.Router.Interval); o.AdvertIntervalMS != ours {
			return fmt.Sprintf("an advert every %gms, ours every %gms", o.AdvertIntervalMS, ours)
		}
	}
	return ""
}
