package track

import (
	"log/slog"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// Kind says what is watched.
type Kind uint8

// The kinds of trackers.
const (
	KindScript Kind = iota
	KindInterface
	KindProcess
	KindFile
	KindPing
	KindTCP
	KindHTTP
	KindRoute
)

// Key names a tracker; names are unique within a kind.
type Key struct {
	Kind Kind
	Name string
}

// State is what is known of what is watched.
type State uint8

// The states. Unknown ends with the first result.
const (
	Unknown State = iota
	Up
	Down
)

// Result is what a tracker found. Value is a file's number; elsewhere 0.
type Result struct {
	Key    Key
	State  State
	Value  int
	Reason string // in words, for the log and for status: "exit status 1", "timed out after 5s", "no such process"
	At     time.Time
}

// Use is an instance's use of a tracker.
type Use struct {
	Key     Key
	Weight  int  // -254..254; 0: Down is a fault of the instance
	Reverse bool // Up and Down change places
}

// Effect is what a result means to whoever uses the tracker: what is added to
// the priority, and whether it is a fault. Unknown is a fault where Down would
// be, and otherwise counts as Down does for a positive weight, and not at all
// for a negative one.
func (u Use) Effect(r Result) (delta int, fault bool) {
	return 0, false
}

// Priority is the effective priority: base and all deltas, clamped to 1..254;
// an owner's 255 is not moved.
func Priority(base uint8, delta int) uint8 {
	return base
}

// Common is what all checks have that run from time to time.
type Common struct {
	Interval time.Duration // between the starts of two runs
	Timeout  time.Duration // of one run
	Rise     int           // successes in a row until Up, from 1
	Fall     int           // failures in a row until Down, from 1
	// InitFail begins as Down. Without it a tracker is Unknown until its first
	// run ends, whose success is enough.
	InitFail bool
}

// The trackers. Each is a Spec, and may be compared with reflect.DeepEqual.
type (
	// Script is up while the command exits with 0.
	Script struct {
		Name    string
		Command script.Command
		Common
	}

	// Interface is up while the interface is there, up and has carrier.
	Interface struct{ Name string }

	// Process is up while Least..Most processes match.
	Process struct {
		Name                 string
		Match                ProcessMatch
		Least                int           // quorum, from 1
		Most                 int           // quorum_max; 0: any number
		ForkDelay, ExitDelay time.Duration // how long a change must last: delay, fork_delay, terminate_delay
	}

	// File has a Value: the number that the file begins with, 0 when it is
	// empty or missing. It is always Up.
	File struct {
		Name string
		Path string
		// Init writes Value into the file at start, if it is missing, or with
		// Overwrite whatever is in it.
		Init, Overwrite bool
		Value           int
	}

	// Ping is up while the host answers an ICMP echo request.
	Ping struct {
		Name      string
		Address   string // IPv4, or IPv6 with or without a zone
		Interface string // "": as routed
		Common
	}

	// TCP is up while a connection can be made.
	TCP struct {
		Name      string
		Address   string // host:port, the host a literal address
		Interface string
		Common
	}

	// HTTP is up while a GET of the URL is answered with the status.
	HTTP struct {
		Name     string
		URL      string // http: or https:
		Status   int    // 0: any of 200..399
		Host     string // header; "": that of the URL
		Insecure bool   // certificates are not checked
		Common
	}

	// Route is up while the kernel has a route to the prefix: that very prefix,
	// or with Covering any route but a default one that covers it.
	Route struct {
		Name     string
		Prefix   string
		Covering bool
		Table    uint32 // 0: main
	}
)

// ProcessMatch says which processes are meant.
type ProcessMatch struct {
	Command   string   // name of the program, or with Full its path as in its command line
	Params    []string // that it was started with
	Partial   bool     // Params may be the beginnings of its parameters
	Initial   bool     // it may have more parameters than Params
	AnyParams bool     // they are not looked at
	Full      bool     // Command is the full command line's first word, not the comm name
}

// Spec is one of the trackers above.
type Spec interface{ Key() Key }

func (s Script) Key() Key    { return Key{KindScript, s.Name} }
func (s Interface) Key() Key { return Key{KindInterface, s.Name} }
func (s Process) Key() Key   { return Key{KindProcess, s.Name} }
func (s File) Key() Key      { return Key{KindFile, s.Name} }
func (s Ping) Key() Key      { return Key{KindPing, s.Name} }
func (s TCP) Key() Key       { return Key{KindTCP, s.Name} }
func (s HTTP) Key() Key      { return Key{KindHTTP, s.Name} }
func (s Route) Key() Key     { return Key{KindRoute, s.Name} }

// System is what trackers ask of the host.
type System interface {
	// InterfaceUp reports whether the interface is there, up and has carrier.
	InterfaceUp(name string) bool
	// InterfaceChanges tells that some interface changed, until the returned
	// function is called.
	InterfaceChanges() (changes <-chan struct{}, stop func())
	// HasRoute reports what Route asks for.
	HasRoute(r Route) (bool, error)
	// RouteChanges tells that some route changed, or may have; coalesced.
	RouteChanges() (changes <-chan struct{}, stop func())
}

// Set runs trackers.
type Set struct{}

// NewSet returns a Set without trackers. report is called, from one goroutine
// at a time, whenever a result changes, in the order in which they change; it
// must not call Apply or Close.
func NewSet(system System, log *slog.Logger, report func(Result)) *Set { return &Set{} }

// Apply makes these the trackers. One that is in the set already, unchanged,
// goes on and keeps its result; the others end, with what they started, before
// Apply returns, and the new ones begin. Two Specs must not have one Key.
func (s *Set) Apply(specs []Spec) {}

// Results returns the latest result of every tracker.
func (s *Set) Results() map[Key]Result { return nil }

// Close ends all trackers and what they started, and waits for that.
func (s *Set) Close() {}
