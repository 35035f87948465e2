package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// takeTarget takes what a vrrp_check looks at, one of `ping`, `tcp`, `http`, `route`.
func takeTarget(f func(*definition, *node)) func(*node) {
	return of(func(d *definition, n *node) {
		if d.check.Kind != "" {
			n.fail("%s: this check is a %s already: make another vrrp_check", n.Keyword(), d.check.Kind)
			return
		}
		d.check.Kind = n.Keyword()
		f(d, n)
	})
}

// noTarget makes a check one that cannot run.
func (d *definition) noTarget(n *node, format string, args ...any) {
	d.dropped = true
	n.fail(format, args...)
}

func (d *definition) takePing(n *node) {
	a, err := netip.ParseAddr(n.arg(0))
	if err != nil || a.IsUnspecified() || a.IsMulticast() {
		d.noTarget(n, "ping: %s is not the IPv4 or IPv6 address of a host", n.arg(0))
		return
	}
	d.check.Target = a.String()
}

func (d *definition) takeTCP(n *node) {
	target := n.arg(0)
	if n.arg(1) != "" {
		target = net.JoinHostPort(target, n.arg(1))
	}
	a, err := netip.ParseAddrPort(target)
	if err != nil || a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Port() == 0 {
		d.noTarget(n, "tcp: %s is not ADDRESS:PORT, such as 192.0.2.1:80 or [2001:db8::1]:80", target)
		return
	}
	d.check.Target = a.String()
}

func (d *definition) takeHTTP(n *node) {
	u, err := url.Parse(n.arg(0))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		d.noTarget(n, "http: %s is not a URL that begins with http:// or https://", n.arg(0))
		return
	}
	d.check.Target = n.arg(0)
}

// takeRoute takes `PREFIX [covering] [table N]`.
func (d *definition) takeRoute(n *node) {
	p, err := netip.ParsePrefix(n.arg(0))
	if n.arg(0) == "default" {
		p, err = netip.PrefixFrom(netip.IPv4Unspecified(), 0), nil
	}
	if err != nil || p.Masked() != p {
		d.noTarget(n, "route: %s is not a prefix, such as 0.0.0.0/0 or 2001:db8::/32", n.arg(0))
		return
	}
	d.check.Target = p.String()
	for i := 1; i < len(n.Args()); i++ {
		switch {
		case n.arg(i) == "covering":
			d.check.Covering = true
		case n.arg(i) == "table" && n.arg(i+1) != "":
			i++
			d.takeTable(n, n.arg(i))
		default:
			d.noTarget(n, "route: %s is none of covering, table N", n.arg(i))
			return
		}
	}
}

func (d *definition) takeTable(n *node, name string) {
	if v, err := strconv.ParseUint(name, 0, 32); err == nil && v > 0 {
		d.check.Table = uint32(v)
		return
	}
	v, ok := n.d.options.System.Table(name)
	if !ok {
		d.noTarget(n, "route: there is no routing table %s", name)
		return
	}
	d.check.Table = v
}

// onlyFor remembers a keyword that has a meaning for some kinds of checks only.
func onlyFor(kinds string, take func(*node)) func(*node) {
	return of(func(d *definition, n *node) {
		d.limited = append(d.limited, limited{n, kinds})
		take(n)
	})
}

func (d *definition) finishCheck() {
	c := &d.check
	if c.Kind == "" {
		d.n.fail("vrrp_check %s: say what to look at: ping, tcp, http or route", d.key.name)
		d.dropped = true
		return
	}
	for _, l := range d.limited {
		if !l.has(c.Kind) {
			l.n.fail("%s has no meaning for a %s check, only for %s", l.n.Keyword(), c.Kind, l.kinds)
		}
	}
	c.Pos, c.Name, c.Interface, c.Host, c.Status = d.n.Pos, d.key.name, d.iface, d.host, first(0, d.status)
	c.InitFail = d.initFail
	if c.Kind != "route" {
		c.Interval, c.Timeout, c.Rise, c.Fall = d.common()
	}
	if c.Interface != "" {
		d.n.d.wantInterface(d.n, Error, c.Interface)
	}
}
