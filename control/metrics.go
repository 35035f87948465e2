package control

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout bounds how long a scrape waits for the loop.
const scrapeTimeout = 2 * time.Second

// Collector gives a Reporter's reports to Prometheus. Nothing is kept between
// scrapes: what the fast path counts is read when it is asked for.
type Collector struct {
	Reporter Reporter
	// Log is told when a scrape cannot be answered.
	Log interface{ Error(msg string, args ...any) }
}

var (
	ofInstance  = []string{"instance", "interface", "vrid", "family"}
	ofInterface = []string{"interface"}

	descState       = describe("instance_state", "1 for the state that the instance is in, 0 for the others.", ofInstance, "state")
	descPriority    = describe("instance_priority", "Priority that the instance advertises.", ofInstance)
	descLease       = describe("lease_remaining_seconds", "Time until this host stops owning the virtual addresses unless it sends another advert; 0 if it does not own them.", ofInstance)
	descHeld        = describe("instance_held", "1 if a switchover or maintenance keeps the instance out of MASTER.", ofInstance)
	descTransitions = describe("transitions_total", "Transitions, by the state that was entered.", ofInstance, "to")
	descLateness    = describe("loop_lateness_seconds", "How late the daemon's loop ran when something was due.", nil)
	descLeasesLost  = describe("leases_lost_total", "Leases that ran out before an advert had left.", ofInstance)
	descAvoided     = describe("false_promotions_avoided_total", "Times that the timer of a backup ran late and the fast path's stamp showed that the master was there.", ofInstance)
	descSent        = describe("adverts_sent_total", "Adverts sent.", ofInstance)
	descReceived    = describe("adverts_received_total", "Valid adverts received for the virtual router.", ofInstance)
	descDropped     = describe("adverts_dropped_total", "Adverts refused, by reason.", ofInstance, "reason")
	descLost        = describe("events_lost_total", "Events that the fast path could not report because the ring buffer was full.", ofInstance)
	descARP         = describe("arp_requests_total", "ARP requests for the virtual addresses, by what was done.", ofInstance, "verdict")
	descConflicts   = describe("arp_conflicts_total", "ARP packets by which another station claimed a virtual address.", ofInstance)
	descConflictNow = describe("conflicts", "Conflicts that go on, by kind.", ofInstance, "kind")
	descConflictAll = describe("conflicts_total", "Conflicts that have begun, by kind.", ofInstance, "kind")
	descND          = describe("nd_solicitations_total", "Neighbor Solicitations for the virtual addresses, by what was done.", ofInstance, "verdict")
	descNDConflicts = describe("nd_conflicts_total", "ND packets by which another station claimed a virtual address.", ofInstance)
	descOdd         = describe("adverts_odd_total", "Adverts that differ from the configuration and were accepted all the same, by what differs.", ofInstance, "what")
	descChecksum    = describe("adverts_checksum_total", "Valid version 3 adverts over IPv4, by what their checksum covers.", ofInstance, "form")
	descVMAC        = describe("virtual_mac_frames_total", "Frames to the virtual MAC, by what was done.", ofInstance, "verdict")
	descSpoofed     = describe("virtual_mac_spoofed_total", "Frames from the virtual MAC, other than adverts, while this host was its owner: the first announcements of a successor that was waited for, and otherwise a loop or somebody else.", ofInstance)
	descGuarded     = describe("claims_guarded_total", "ARP and ND packets of this host that named a virtual address as sender, by what was done.", ofInstance, "verdict")
	descArrivals    = describe("advert_interarrival_seconds", "Time between two adverts of the master that is followed.", ofInstance)
	descTrack       = describe("track_up", "1 if what the instance tracks is up, 0 if it is down or not known.", ofInstance, "track")
	descAuthKey     = describe("auth_key", "Id of the key that adverts are signed with, where they are.", ofInstance, "mode")
	descAuthClock   = describe("auth_clock_behind_seconds", "How far the time of day of a router was behind this host's when it signed its last advert.", ofInstance, "sender")
	descMode        = describe("attach_mode", "1 for the way the fast path is attached to the interface.", ofInterface, "mode")
	descForeign     = describe("interface_adverts_total", "Adverts of no virtual router of ours: vrid for valid ones, else the fault.", ofInterface, "reason")
	descBuild       = describe("build_info", "1, with the version.", nil, "version")
)

func describe(name, help string, labels []string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("vrrp_xdp_"+name, help, append(append([]string(nil), labels...), more...), nil)
}

// Describe implements prometheus.Collector.
func (c Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descState, descPriority, descLease, descHeld, descTransitions, descLateness, descLeasesLost, descAvoided, descConflictNow, descConflictAll, descSent, descReceived,
		descDropped, descLost, descARP, descConflicts, descND, descNDConflicts, descOdd, descChecksum, descVMAC, descSpoofed, descGuarded, descArrivals, descTrack, descAuthKey, descAuthClock, descMode, descForeign, descBuild} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	report, err := c.Reporter.Report(ctx)
	if err != nil {
		c.Log.Error("a scrape could not be answered", "error", err)
		ch <- prometheus.NewInvalidMetric(descBuild, err)
		return
	}
	gauge(ch, descBuild, 1, report.Version)
	collectLateness(ch, report.Loop)
	for _, i := range report.Interfaces {
		for _, mode := range []string{"native", "tc", "generic"} {
			gauge(ch, descMode, indicator(mode == i.Mode), i.Name, mode)
		}
		counters(ch, descForeign, i.AdvertsDropped, []string{i.Name})
	}
	for _, s := range report.Instances {
		collectInstance(ch, s)
	}
}

func collectInstance(ch chan<- prometheus.Metric, s InstanceStatus) {
	of := []string{s.Name, s.Interface, strconv.Itoa(int(s.VRID)), s.Family}
	transitions := make(map[string]uint64)
	for _, state := range []string{"INIT", "BACKUP", "MASTER", "FAULT"} {
		gauge(ch, descState, indicator(state == s.State), append(of, strings.ToLower(state))...)
		transitions[strings.ToLower(state)] = s.Counters.Transitions[state]
	}
	gauge(ch, descPriority, float64(s.EffectivePriority), of...)
	gauge(ch, descLease, s.LeaseRemainingMS/1000, of...)
	gauge(ch, descHeld, indicator(s.Held != nil), of...)
	counters(ch, descTransitions, transitions, of)
	counter(ch, descLeasesLost, s.Counters.LeasesLost, of...)
	counter(ch, descAvoided, s.Counters.PromotionsAvoided, of...)
	counter(ch, descSent, s.Counters.AdvertsSent, of...)
	counter(ch, descReceived, s.Counters.AdvertsReceived, of...)
	counters(ch, descDropped, s.Counters.AdvertsDropped, of)
	counter(ch, descLost, s.Counters.EventsLost, of...)
	counters(ch, descARP, s.Counters.ARPRequests, of)
	counter(ch, descConflicts, s.Counters.ARPConflicts, of...)
	now := make(map[string]uint64)
	for _, c := range s.Conflicts {
		now[c.Kind]++
	}
	for _, kind := range conflictKinds {
		gauge(ch, descConflictNow, float64(now[kind]), append(of[:len(of):len(of)], kind)...)
	}
	counters(ch, descConflictAll, s.Counters.Conflicts, of)
	counters(ch, descND, s.Counters.NDSolicitations, of)
	counter(ch, descNDConflicts, s.Counters.NDConflicts, of...)
	counters(ch, descOdd, s.Counters.AdvertsOdd, of)
	counters(ch, descChecksum, s.Counters.AdvertsByChecksum, of)
	counters(ch, descVMAC, s.Counters.VirtualMACFrames, of)
	counter(ch, descSpoofed, s.Counters.VirtualMACSpoofed, of...)
	counters(ch, descGuarded, s.Counters.ClaimsGuarded, of)
	collectArrivals(ch, s.Counters.arrivals, of)
	collectAuth(ch, s.Auth, of)
	for _, t := range s.Tracks {
		gauge(ch, descTrack, indicator(t.State == "up"), append(of[:len(of):len(of)], t.Name)...)
	}
}

func collectAuth(ch chan<- prometheus.Metric, a *AuthStatus, of []string) {
	if a == nil {
		return
	}
	with := func(label string) []string { return append(of[:len(of):len(of)], label) }
	gauge(ch, descAuthKey, float64(a.ActiveKey), with(a.Mode)...)
	for _, sender := range a.Senders {
		if sender.Signed {
			gauge(ch, descAuthClock, sender.ClockBehindMS/1000, with(sender.Address)...)
		}
	}
}

func collectArrivals(ch chan<- prometheus.Metric, a Arrivals, of []string) {
	buckets := make(map[float64]uint64, len(a.Below))
	for bound, n := range a.Below {
		buckets[bound.Seconds()] = n
	}
	ch <- prometheus.MustNewConstHistogram(descArrivals, a.All, a.Sum.Seconds(), buckets, of...)
}

func collectLateness(ch chan<- prometheus.Metric, l LoopStatus) {
	buckets := make(map[float64]uint64, len(l.Lateness))
	for _, step := range l.Lateness {
		buckets[step.MaxMS/1000] = step.Rounds
	}
	ch <- prometheus.MustNewConstHistogram(descLateness, l.Rounds, l.LatenessSumMS/1000, buckets)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, value uint64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

// counters emits one metric for each entry, its key the last label.
func counters(ch chan<- prometheus.Metric, d *prometheus.Desc, values map[string]uint64, labels []string) {
	for key, value := range values {
		counter(ch, d, value, append(labels[:len(labels):len(labels)], key)...)
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
