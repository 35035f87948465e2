package netio

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// metric6 is IP6_RT_PRIO_USER, which the kernel takes for an IPv6 route without a metric. To remove one it must be said.
const metric6 = 1024

// routeRequests are the messages that name a route, to add or to remove it. An IPv6 route with several next hops is in
// the kernel several routes: each is named by itself, so that one that is missing can be added again.
func routeRequests(route iproute.Route, resolve Resolve) ([][]nl.NetlinkRequestData, error) {
	if !route.Destination.IsValid() || route.Destination.Addr().Is4() != (route.Family == 4) {
		return nil, errors.New("it has no destination of its family")
	}
	hops, err := resolveHops(route.Hops, resolve)
	if err != nil {
		return nil, err
	}
	if route.Family == 4 || len(hops) < 2 {
		return [][]nl.NetlinkRequestData{routeRequest(route, hops)}, nil
	}
	var requests [][]nl.NetlinkRequestData
	for _, hop := range hops {
		requests = append(requests, routeRequest(route, []indexedHop{hop}))
	}
	return requests, nil
}

type indexedHop struct {
	iproute.Hop
	ifindex int // 0: the kernel finds it
}

func resolveHops(hops []iproute.Hop, resolve Resolve) ([]indexedHop, error) {
	var indexed []indexedHop
	for _, hop := range hops {
		ifindex := 0
		if hop.Interface != "" {
			var err error
			if ifindex, err = resolve(hop.Interface); err != nil {
				return nil, fmt.Errorf("next hop on %s: %w", hop.Interface, err)
			}
		}
		indexed = append(indexed, indexedHop{hop, ifindex})
	}
	return indexed, nil
}

func routeRequest(route iproute.Route, hops []indexedHop) []nl.NetlinkRequestData {
	header := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family:   familyNumber(route.Family),
		Dst_len:  uint8(route.Destination.Bits()),
		Tos:      route.TOS,
		Table:    unix.RT_TABLE_UNSPEC,
		Protocol: protocolOf(route.Protocol),
		Scope:    scopeOf(route),
		Type:     route.Type,
	}}
	request := []nl.NetlinkRequestData{
		header,
		attribute32(unix.RTA_TABLE, tableOf(route.Table)),
		nl.NewRtAttr(unix.RTA_DST, route.Destination.Masked().Addr().AsSlice()),
	}
	if route.Source.IsValid() {
		request = append(request, nl.NewRtAttr(unix.RTA_PREFSRC, route.Source.AsSlice()))
	}
	if metric := metricOf(route); metric != 0 {
		request = append(request, attribute32(unix.RTA_PRIORITY, metric))
	}
	if metrics := routeMetrics(route); metrics != nil {
		request = append(request, metrics)
	}
	if len(hops) == 1 && hops[0].Weight < 2 {
		return append(request, hops[0].write(header)...)
	}
	if len(hops) > 0 {
		request = append(request, multipath(hops))
	}
	return request
}

func protocolOf(protocol uint8) uint8 {
	if protocol == 0 {
		return iproute.ProtocolKeepalived
	}
	return protocol
}

func tableOf(table uint32) uint32 {
	if table == 0 {
		return unix.RT_TABLE_MAIN
	}
	return table
}

func metricOf(route iproute.Route) uint32 {
	if route.Metric == 0 && route.Family == 6 {
		return metric6
	}
	return route.Metric
}

// scopeOf deviates from keepalived, which says global for every route: other routes could not have a gateway in the
// destination of one without a gateway then. ip(8) says link as well.
func scopeOf(route iproute.Route) uint8 {
	if route.HasScope || route.Family == 6 || route.Type != unix.RTN_UNICAST {
		return route.Scope
	}
	for _, hop := range route.Hops {
		if hop.Gateway.IsValid() {
			return unix.RT_SCOPE_UNIVERSE
		}
	}
	return unix.RT_SCOPE_LINK
}

func routeMetrics(route iproute.Route) *nl.RtAttr {
	metrics := nl.NewRtAttr(unix.RTA_METRICS, nil)
	empty := metrics.Len()
	if route.LockMTU {
		metrics.AddRtAttr(unix.RTAX_LOCK, nl.Uint32Attr(1<<unix.RTAX_MTU))
	}
	if route.MTU != 0 {
		metrics.AddRtAttr(unix.RTAX_MTU, nl.Uint32Attr(route.MTU))
	}
	if route.AdvMSS != 0 {
		metrics.AddRtAttr(unix.RTAX_ADVMSS, nl.Uint32Attr(route.AdvMSS))
	}
	if metrics.Len() == empty {
		return nil
	}
	return metrics
}

func (h indexedHop) flags() uint32 {
	if h.OnLink {
		return unix.RTNH_F_ONLINK
	}
	return 0
}

func (h indexedHop) write(header *nl.RtMsg) []nl.NetlinkRequestData {
	header.Flags |= h.flags()
	var attributes []nl.NetlinkRequestData
	if h.Gateway.IsValid() {
		attributes = append(attributes, nl.NewRtAttr(unix.RTA_GATEWAY, h.Gateway.AsSlice()))
	}
	if h.ifindex != 0 {
		attributes = append(attributes, attribute32(unix.RTA_OIF, uint32(h.ifindex)))
	}
	return attributes
}

func multipath(hops []indexedHop) *nl.RtAttr {
	var serialized []byte
	for _, hop := range hops {
		next := &nl.RtNexthop{RtNexthop: unix.RtNexthop{
			Flags:   uint8(hop.flags()),
			Hops:    uint8(max(hop.Weight, 1) - 1),
			Ifindex: int32(hop.ifindex),
		}}
		if hop.Gateway.IsValid() {
			next.Children = append(next.Children, nl.NewRtAttr(unix.RTA_GATEWAY, hop.Gateway.AsSlice()))
		}
		serialized = append(serialized, next.Serialize()...)
	}
	return nl.NewRtAttr(unix.RTA_MULTIPATH, serialized)
}
