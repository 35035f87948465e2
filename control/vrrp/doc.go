// Package vrrp is the protocol: the VRRP packet (version 2 and 3, IPv4 and
// IPv6), its timers, and the state machine of RFC 9568 §6.4 with its errata.
//
// The package is pure. It opens no socket, reads no clock, starts no goroutine
// and writes no log. A [Router] is told what happened and when, by
// [Router.Step], and answers with the [Action] values that its caller has to
// perform in the order given. [Router.Deadline] says when it wants to be
// stepped next. A Router belongs to one goroutine.
//
// A router may act for its virtual addresses while now < lease; every lease is
// granted here. It is granted on promotion, and renewed only by an advert that
// has been handed to the network, counted from before that advert was sent.
// A backup waits longer than that since the last advert it heard, so a master
// that hangs, dies or cannot send has lost its lease before anyone follows.
//
// Priorities move with what is tracked, and a configuration changes by a reload.
// Both reach a router as events, [PriorityChanged] and [Reconfigured], and neither
// is a reason for a transition by itself. Several routers that are master together
// or not at all are a [Group].
//
// "Master" is what RFC 9568 calls "Active".
package vrrp
