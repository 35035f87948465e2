package vrrp

import "net/netip"

// Event is something that happened, for Router.Step. The types of this file are
// the only ones.
type Event interface{ event() }

type (
	// Startup ends Init. In any other state it does nothing.
	Startup struct{}

	// Shutdown asks for Init. A master stays master until a successor was
	// heard or could have been; the Transition to Init says when it is over.
	// A second Shutdown does not wait.
	Shutdown struct{}

	// Timer says that the Deadline has come. Too early is harmless. Just
	// before it, MasterHeard must be told.
	Timer struct{}

	// AdvertReceived is an advert that Parse accepted, from Source, which
	// arrived at At. Just before it, MasterHeard must be told: it may make
	// the router follow somebody else, and then it is too late to learn when
	// the present master was last heard.
	AdvertReceived struct {
		Advert Advert
		Source netip.Addr
		At     Instant
	}

	// MasterHeard says that the followed advert arrived again, the last time
	// at At; or, if that is later, the one followed before it. It may be told
	// any number of times: what is not news is ignored.
	MasterHeard struct{ At Instant }

	// AdvertSent says that the advert of a SendAdvert was handed to the NIC
	// without error. At was read before that send.
	AdvertSent struct{ At Instant }

	// LinkDown says that the interface cannot carry adverts. It may come
	// before Startup.
	LinkDown struct{}

	// LinkUp takes LinkDown back.
	LinkUp struct{}

	// SourceChanged says that adverts are sent from another address now.
	SourceChanged struct{ Source netip.Addr }
)

func (Startup) event()        {}
func (Shutdown) event()       {}
func (Timer) event()          {}
func (AdvertReceived) event() {}
func (MasterHeard) event()    {}
func (AdvertSent) event()     {}
func (LinkDown) event()       {}
func (LinkUp) event()         {}
func (SourceChanged) event()  {}
