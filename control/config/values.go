package config

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// of makes a method of whatever owns the block a keyword's take.
func of[T any](f func(T, *node)) func(*node) {
	return func(n *node) { f(n.owner.(T), n) }
}

// number takes a whole number into a field, within bounds.
func number[T any](least, most int, field func(T) **int) func(*node) {
	return of(func(owner T, n *node) {
		if v, ok := n.number(0, least, most); ok {
			*field(owner) = &v
		}
	})
}

// seconds takes a time into a field.
func seconds[T any](least, most time.Duration, field func(T) **time.Duration) func(*node) {
	return of(func(owner T, n *node) {
		if v, ok := n.seconds(0, least, most); ok {
			*field(owner) = &v
		}
	})
}

// wholeSeconds takes a time that keepalived knows only in whole seconds.
func wholeSeconds[T any](most int, field func(T) **time.Duration) func(*node) {
	return of(func(owner T, n *node) {
		if v, ok := n.number(0, 0, most); ok {
			d := time.Duration(v) * time.Second
			*field(owner) = &d
		}
	})
}

// boolean takes `on`, `off` and so on; nothing means on.
func boolean[T any](field func(T) **bool) func(*node) {
	return of(func(owner T, n *node) {
		if v, ok := n.boolean(0); ok {
			*field(owner) = &v
		}
	})
}

// text takes a word.
func text[T any](field func(T) *string) func(*node) {
	return of(func(owner T, n *node) { *field(owner) = n.arg(0) })
}

// is sets a field, for a keyword without arguments.
func is[T any](field func(T) *bool) func(*node) {
	return of(func(owner T, n *node) { *field(owner) = true })
}

// number is the argument at i.
func (n *node) number(i, least, most int) (int, bool) {
	text := n.arg(i)
	v, err := strconv.Atoi(text)
	if err != nil {
		digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
		n.fail("%s: %s is not a whole number", n.Keyword(), text)
		if v, err = strconv.Atoi(digits); err != nil || n.exact() {
			return 0, false
		}
	}
	if v < least || v > most {
		n.fail("%s: %s is %s", n.Keyword(), text, bounds(least, most))
		return 0, false
	}
	return v, true
}

// exact reports whether keepalived leaves the line out for trailing junk; of
// other numbers it takes the beginning.
func (n *node) exact() bool {
	switch n.Keyword() {
	case "virtual_router_id", "priority", "unicast_ttl":
		return true
	}
	return false
}

// bounds says of what is not within them where it is.
func bounds(least, most int) string {
	if most == math.MaxInt32 {
		return "less than " + strconv.Itoa(least)
	}
	return "outside " + strconv.Itoa(least) + ".." + strconv.Itoa(most)
}

// longest is the longest time where there is no other bound.
const longest = 365 * 24 * time.Hour

// seconds is the argument at i: decimal seconds.
func (n *node) seconds(i int, least, most time.Duration) (time.Duration, bool) {
	d, ok := parseSeconds(n.arg(i))
	switch {
	case !ok:
		n.fail("%s: %s is not a time: seconds, such as 5 or 0.25, without a unit", n.Keyword(), n.arg(i))
	case d < least || d > most:
		n.fail("%s: %s is outside %v..%v seconds", n.Keyword(), n.arg(i), least.Seconds(), most.Seconds())
	default:
		return d, true
	}
	return 0, false
}

// parseSeconds reads digits with at most one point, exactly.
func parseSeconds(text string) (time.Duration, bool) {
	whole, part, _ := strings.Cut(text, ".")
	if whole+part == "" || strings.Trim(whole+part, "0123456789") != "" || len(whole) > 9 && (len(whole) > 10 || whole > "9000000000") {
		return 0, false
	}
	part = (part + "000000000")[:9]
	s, err := strconv.ParseInt("0"+whole, 10, 64)
	ns, err2 := strconv.ParseInt(part, 10, 64)
	return time.Duration(s)*time.Second + time.Duration(ns), err == nil && err2 == nil
}

// boolean is the argument at i. Without one it is true.
func (n *node) boolean(i int) (value, ok bool) {
	switch n.arg(i) {
	case "", "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	}
	n.fail("%s: %s is none of on, off, true, false, yes, no", n.Keyword(), n.arg(i))
	return false, false
}

// address is the argument at i: of one host.
func (n *node) address(i int) (netip.Addr, bool) {
	return n.parseAddress(n.arg(i))
}

func (n *node) parseAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.Is4In6() {
		n.fail("%s: not the IPv4 or IPv6 address of a host", text)
		return netip.Addr{}, false
	}
	return a, true
}

// first is the value of the first pointer that is not nil.
func first[T any](otherwise T, list ...*T) T {
	for _, p := range list {
		if p != nil {
			return *p
		}
	}
	return otherwise
}

// either joins words with commas, and the last with "or".
func either(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}
