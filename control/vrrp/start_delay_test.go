package vrrp

import "testing"

func startDelayed(c *Config) { c.StartDelay = 7 * interval }

func TestStartupWithADelayStaysInInitUntilItIsOver(t *testing.T) {
	r := newRouter(t, startDelayed)
	r.does(r.Step(after(0), Startup{}))
	r.in(Init)
	r.wakes(after(7 * interval))
	r.does(r.Step(after(interval), Startup{})) // a second one does not begin it anew
	r.does(r.hear(after(interval), higher, 200))
	r.does(r.Step(after(7*interval-1), Timer{}))
	r.wakes(after(7 * interval))
	r.does(r.Step(after(7*interval), Timer{}), Transition{From: Init, To: Backup, Reason: Started})
	r.wakes(after(7*interval + down))
}

func TestAnOwnerWaitsForTheStartDelayToo(t *testing.T) {
	r := newRouter(t, startDelayed, priority(255))
	r.Step(after(0), Startup{})
	r.does(r.Step(after(7*interval), Timer{}), promoted(after(7*interval), 255, Init, IsOwner, none)...)
}

func TestShutdownDuringTheStartDelayIsOverAtOnce(t *testing.T) {
	r := newRouter(t, startDelayed)
	r.Step(after(0), Startup{})
	r.does(r.Step(after(1), Shutdown{}))
	r.in(Init)
	r.wakes(never)
	r.does(r.Step(after(8*interval), Timer{}))
	r.in(Init)
	r.Step(after(9*interval), Startup{})
	r.wakes(after(16 * interval))
}

func TestTheLinkMayGoAndComeBackDuringTheStartDelay(t *testing.T) {
	r := newRouter(t, startDelayed)
	r.Step(after(0), Startup{})
	r.does(r.Step(after(1), LinkDown{}))
	r.does(r.Step(after(7*interval), Timer{}), Transition{From: Init, To: Fault, Reason: LinkLost})
	r.does(r.Step(after(8*interval), LinkUp{}), Transition{From: Fault, To: Backup, Reason: LinkRestored}) // no second delay

	r = newRouter(t, startDelayed)
	r.Step(after(0), Startup{})
	r.Step(after(1), LinkDown{})
	r.Step(after(2), LinkUp{})
	r.does(r.Step(after(7*interval), Timer{}), Transition{From: Init, To: Backup, Reason: Started})
}
