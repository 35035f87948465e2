package config

import (
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/script"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Config is what a configuration means: names are resolved, defaults filled in.
type Config struct {
	Global    Global
	Instances []Instance
	Groups    []Group
	// What is tracked, and used by some instance or group.
	Scripts   []Script
	Processes []Process
	Files     []File
	Checks    []Check
}

// Global is what is not about one instance.
type Global struct {
	RouterID string // the host's name unless given; in mail
	// DynamicInterfaces lets instances wait, in FAULT, for interfaces that do not exist.
	DynamicInterfaces bool
	FIFOs             []FIFO
	Mail              Mail
	Nice              *int // vrrp_priority: -20..19
	RealTime          int  // vrrp_rt_priority: 1..99; 0: none
	NoSwap            bool // vrrp_no_swap
	// User is vrrp_user, as whom the daemon runs; nil: as whoever starts it.
	User *script.User
	CPUs []int
}

// FIFO is a named pipe to which transitions are written.
type FIFO struct {
	Pos    Pos
	Path   string
	User   script.User
	Script *script.Command
}

// Mail is how mail about transitions is sent; without a Server or recipients none is.
type Mail struct {
	Server  string // host:port
	From    string
	To      []string
	Helo    string
	Timeout time.Duration
}

// Instance is a vrrp_instance.
type Instance struct {
	Pos       Pos
	Name      string
	Interface string
	// Router is complete but for Source, where the interface decides, and
	// Grouped. Its Addresses are those of Addresses, in their order.
	Router    vrrp.Config
	Source    netip.Addr        // unicast_src_ip or mcast_src_ip
	Addresses []iproute.Address // virtual_ipaddress: 1.. of one family
	Excluded  []iproute.Address // virtual_ipaddress_excluded: of any family
	Routes    []iproute.Route
	Rules     []iproute.Rule
	NoAccept  bool
	StrictMAC bool
	// Pace is the least time between two gratuitous ARPs, or unsolicited NAs.
	Pace time.Duration
	// ExtraRefresh is how often VIPs on other interfaces are announced (garp_extra_if); 0: never.
	ExtraRefresh time.Duration
	// IgnoreLink is dont_track_primary: the instance goes on when its interface is down.
	IgnoreLink bool
	Tracks     []Track
	Notify     Notify
	// Advertise are router advertisements, a keyword of ours; nil: none.
	Advertise *RouterAdvertisement
}

// RouterAdvertisement is what an IPv6 master tells hosts, RFC 4861.
type RouterAdvertisement struct {
	Interval             time.Duration // 4 s..1800 s
	Lifetime             time.Duration // 0, or Interval..9000 s
	Prefixes             []AdvertisedPrefix
	MTU                  uint32
	HopLimit             uint8
	Managed, OtherConfig bool
	Preference           string // "low", "medium", "high"
	DNS                  []netip.Addr
}

// AdvertisedPrefix is a prefix from which hosts make addresses.
type AdvertisedPrefix struct {
	Prefix             netip.Prefix
	Valid, Preferred   time.Duration
	OnLink, Autonomous bool
}

// Group is a vrrp_sync_group: its members are master together or not at all.
type Group struct {
	Pos     Pos
	Name    string
	Members []string // names of instances, in the order of the file
	Tracks  []Track  // of all members
	Notify  Notify
}

// Track is the use of something that is tracked.
type Track struct {
	Pos     Pos
	Kind    TrackKind
	Name    string // of the interface, script, process, file or check
	Weight  int    // -254..254; 0: a fault
	Reverse bool
}

// TrackKind says what is tracked.
type TrackKind uint8

// The kinds of what is tracked.
const (
	TrackInterface TrackKind = iota
	TrackScript
	TrackProcess
	TrackFile
	TrackCheck
)

// Script is a vrrp_script.
type Script struct {
	Pos               Pos
	Name              string
	Command           script.Command
	Interval, Timeout time.Duration
	Rise, Fall        int
	InitFail          bool
}

// Process is a vrrp_track_process.
type Process struct {
	Pos                  Pos
	Name                 string
	Command              string
	Params               []string
	HasParams            bool // Params is given, be it empty
	Initial, Partial     bool // param_match
	FullCommand          bool
	Quorum, QuorumMax    int // QuorumMax 0: any number; below: none, and Quorum does not count
	ForkDelay, ExitDelay time.Duration
}

// File is a track_file, or vrrp_track_file.
type File struct {
	Pos             Pos
	Name, Path      string
	Init, Overwrite bool // init_file
	Value           int
}

// Check is a check without a script, a block of ours: vrrp_check NAME { ping … }.
type Check struct {
	Pos       Pos
	Name      string
	Kind      string // "ping", "tcp", "http" or "route"
	Target    string // address; address:port; URL; prefix
	Interface string
	// Of http:
	Status   int
	Host     string
	Insecure bool
	// Of route:
	Covering bool
	Table    uint32
	// Of all but route:
	Interval, Timeout time.Duration
	Rise, Fall        int
	InitFail          bool
}

// Notify is what is told about an instance or group. nil: nobody.
type Notify struct {
	Master, Backup, Fault, Stop, Deleted, Any, LowerPriority *script.Command
	PriorityChanges                                          bool
	Mail                                                     bool
}
