package vrrp

import "testing"

func TestNothingButStartupLeavesInit(t *testing.T) {
	r := newRouter(t)
	for _, ev := range []Event{Timer{}, Shutdown{}, MasterHeard{At: after(0)}, AdvertSent{At: after(0)}, LinkDown{}, LinkUp{},
		AdvertReceived{Advert: r.advert(0), Source: higher, At: after(0)}} {
		r.does(r.Step(after(0), ev))
		r.in(Init)
		r.wakes(never)
	}
	if _, _, ok := r.Master(); ok {
		t.Error("knows a master")
	}
}

func TestASecondStartupChangesNothing(t *testing.T) {
	r := newBackup(t)
	r.does(r.Step(after(interval), Startup{}))
	r.wakes(after(down))
}

func TestStartupWithTheLinkDownIsFaultUntilItIsUp(t *testing.T) {
	r := newRouter(t)
	r.does(r.Step(after(0), LinkDown{}))
	r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Fault, Reason: LinkLost})
	r.in(Fault)
	r.wakes(never)
	r.does(r.Step(after(interval), LinkUp{}), Transition{From: Fault, To: Backup, Reason: LinkRestored})
	r.wakes(after(interval + down))
}

func TestALinkThatCameBackBeforeStartupIsForgotten(t *testing.T) {
	r := newRouter(t)
	r.Step(after(0), LinkDown{})
	r.Step(after(0), LinkUp{})
	r.Step(after(0), Startup{})
	r.in(Backup)
}

func TestLinkUpMakesTheAddressOwnerMasterAtOnce(t *testing.T) {
	r := newRouter(t, priority(255))
	r.Step(after(0), LinkDown{})
	r.Step(after(0), Startup{})
	r.does(r.Step(after(0), LinkUp{}), promoted(after(0), 255, Fault, IsOwner, none)...)
}

func TestShutdownInFaultIsInit(t *testing.T) {
	r := newRouter(t)
	r.Step(after(0), Startup{})
	r.does(r.Step(after(0), LinkDown{}), Transition{From: Backup, To: Fault, Reason: LinkLost})
	r.does(r.Step(after(0), LinkDown{}))
	r.does(r.hear(after(0), higher, 200))
	r.does(r.Step(after(0), Shutdown{}), Transition{From: Fault, To: Init, Reason: ShutdownRequested})
}

// The queue of a datapath that outlived its daemon may hold old adverts.
func TestAdvertsThatArrivedBeforeStartupAreIgnored(t *testing.T) {
	r := newBackup(t)
	r.does(r.Step(after(0), AdvertReceived{Advert: r.advert(200), Source: higher, At: after(-1)}))
	r.wakes(after(down))
	r.does(r.Step(after(0), AdvertReceived{Advert: r.advert(0), Source: higher, At: after(-1)}))
	r.wakes(after(down))
}
