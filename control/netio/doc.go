// Package netio is the engine's hands: it builds and sends the frames of a virtual router, joins the groups and arms
// the NIC filters that it needs, puts virtual addresses on interfaces, and virtual routes and rules into the routing
// tables, and takes them off, exchanges unicast adverts, and reports what happens to links, addresses and routes and which
// hosts ask for a router.
//
// Every object belongs to the network namespace of the thread that opened it and stays there, whichever thread uses it
// later. All of it needs CAP_NET_ADMIN and CAP_NET_RAW. Calls are synchronous.
package netio
