package track

import (
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

// Spec is one of the trackers below.
type Spec interface{ Key() Key }

// Common is what all checks have that run from time to time.
type Common struct {
	Interval time.Duration // between the starts of two runs; 0: 1 s
	Timeout  time.Duration // of one run; 0: Interval
	Rise     int           // successes in a row until Up, from 1
	Fall     int           // failures in a row until Down, from 1
	// InitFail begins as Down. Without it a tracker is Unknown until its first
	// run ends, whose success is enough, and whose failure too.
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
		Name  string
		Match ProcessMatch
		Least int // quorum, from 1
		Most  int // quorum_max; 0: any number; less: there must be none, whatever Least is
		// How long a change must last until it counts: fork_delay where the number
		// of processes grew, terminate_delay where it fell; delay is both.
		ForkDelay, ExitDelay time.Duration
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
		Interface string // "": as routed
		Common
	}

	// HTTP is up while a GET of the URL is answered with the status. No redirect
	// is followed, no proxy asked.
	HTTP struct {
		Name      string
		URL       string // http: or https:
		Status    int    // 0: any of 200..399
		Host      string // header, and the name in the certificate; "": that of the URL
		Insecure  bool   // certificates are not checked
		Interface string // "": as routed
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

// ProcessMatch says which processes are meant. Zombies never are.
type ProcessMatch struct {
	// Command is the name of the program as in /proc/PID/comm, of which the
	// kernel keeps 15 bytes. With Full, and where parameters are looked at, it is
	// the first word of the command line.
	Command string
	Full    bool
	// Params are those that it was started with, all of them. With Partial there
	// may be more behind them; with Initial the last of them, too, may be but the
	// beginning of what it was started with. No Params: it has none.
	Params           []string
	Partial, Initial bool
	AnyParams        bool // they are not looked at
}

func (s Script) Key() Key    { return Key{KindScript, s.Name} }
func (s Interface) Key() Key { return Key{KindInterface, s.Name} }
func (s Process) Key() Key   { return Key{KindProcess, s.Name} }
func (s File) Key() Key      { return Key{KindFile, s.Name} }
func (s Ping) Key() Key      { return Key{KindPing, s.Name} }
func (s TCP) Key() Key       { return Key{KindTCP, s.Name} }
func (s HTTP) Key() Key      { return Key{KindHTTP, s.Name} }
func (s Route) Key() Key     { return Key{KindRoute, s.Name} }

// String is the tracker in words, as keepalived's users grep for.
func (k Key) String() string {
	switch k.Kind {
	case KindScript:
		return "VRRP_Script(" + k.Name + ")"
	case KindInterface:
		return "Interface(" + k.Name + ")"
	case KindProcess:
		return "VRRP_Process(" + k.Name + ")"
	case KindFile:
		return "Track_file(" + k.Name + ")"
	}
	return "VRRP_Check(" + k.Name + ")"
}
