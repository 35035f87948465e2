// Package lab builds hosts, switches and links from network namespaces, runs daemons in them, breaks them, and measures
// what a client notices. System tests, the demo and the benchmarks share it; it needs root and iproute2, not package testing.
//
//	l, err := lab.New(lab.Options{Name: "failover"})
//	defer l.Close()
//	lan := l.Switch("lan")
//	r1, client := l.Host("r1"), l.Host("client")
//	uplink := r1.Connect(lan, "eth0", "192.168.1.2/24")
//	client.Connect(lan, "eth0", "192.168.1.9/24")
//	daemon, err := r1.Start(lab.Command{Name: "vrrp-xdp", Path: "./vrrp-xdp", Args: []string{"attach", "eth0"}})
//	probe, err := client.Probe(lab.ProbeOptions{Target: netip.MustParseAddr("192.168.1.1")})
//	uplink.Cut()
//	report := probe.Stop()
//
// Other people's routers run in it, too: StartKeepalived, FRR. What passes a switch port is sniffed, written to pcap files,
// and dissected by tshark: Sniff, WritePcap, Dissect. WatchARP and WatchND tell who answers for a virtual address.
//
// # Failures
//
// Steps that build or change the topology return no error, so that a topology reads like a drawing: they hand an error to
// Options.Fail. Everything that depends on the program under test (starting it, its log, its exit) returns its error.
//
// # Names and leftovers
//
// Host r1 of process 4711 is the namespace vxlab-4711-r1, visible to `ip netns`; a further lab of the same process is
// vxlab-4711.1-r1. New removes the namespaces of runs whose process is gone, with whatever still runs inside them.
//
// # Clocks
//
// Every time.Time that the package reports carries a monotonic reading; kernel timestamps are converted when read.
package lab
