package control

import (
	"context"
	"slices"
)

// Report is all that `vrrp-xdp status --json` prints.
type Report struct {
	Version    string            `json:"version"`
	Host       string            `json:"host"`
	PID        int               `json:"pid"`
	Interfaces []InterfaceStatus `json:"interfaces"`
	Instances  []InstanceStatus  `json:"instances"`
	Others     []Other           `json:"others"`
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
	Version    string
	Host       string
	PID        int
	Engine     *Engine
	Interfaces func() ([]InterfaceStatus, error)
	Others     func() ([]Other, error)
}

// Report gathers one. Errors: ErrStopped when the engine does not answer
// before ctx is done.
func (r Reporter) Report(ctx context.Context) (Report, error) {
	report := Report{Version: r.Version, Host: r.Host, PID: r.PID}
	var err error
	if report.Instances, err = r.Engine.Status(ctx); err != nil {
		return Report{}, err
	}
	if report.Interfaces, err = r.Interfaces(); err != nil {
		return Report{}, err
	}
	if report.Others, err = r.Others(); err != nil {
		return Report{}, err
	}
	slices.SortFunc(report.Others, compareOther)
	return report, nil
}
