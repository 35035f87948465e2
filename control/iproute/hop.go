package iproute

import "golang.org/x/sys/unix"

func readVia(p *parser, r *routeLine, word string) {
	p.once("via", word)
	r.plain = true
	r.gateway(p, &r.single, word)
}

func readDevice(p *parser, r *routeLine, word string) {
	p.once("dev", word)
	r.plain = true
	r.single.Interface, _ = p.value(word)
}

func (r *routeLine) gateway(p *parser, hop *Hop, word string) {
	p.skip("inet6") // the address says it as well
	var ok bool
	if hop.Gateway, ok = p.address(word); ok {
		r.settle(p, hop.Gateway, word+" "+hop.Gateway.String())
	}
}

// readOr is the older way to name a second gateway: it has the interface of the first.
func readOr(p *parser, r *routeLine, word string) {
	p.warn("or is deprecated, and the kernel refuses what keepalived makes of it: use nexthop")
	hop := Hop{Weight: 1}
	r.gateway(p, &hop, word)
	r.alternatives = append(r.alternatives, hop)
}

func readNextHop(p *parser, r *routeLine, word string) {
	hop := Hop{Weight: 1}
	given := 0
	for len(p.words) > 0 {
		read, known := hopWords[p.words[0]]
		if !known {
			break
		}
		given++
		key, _ := p.next()
		read(p, &hopLine{r, &hop}, key)
	}
	if given == 0 {
		p.fail("%s lacks via or dev", word)
	}
	r.Hops = append(r.Hops, hop)
}

type hopLine struct {
	route *routeLine
	*Hop
}

var hopWords = words[hopLine]{
	"via": func(p *parser, h *hopLine, word string) { h.route.gateway(p, h.Hop, word) },
	"gw":  func(p *parser, h *hopLine, word string) { h.route.gateway(p, h.Hop, word) },
	"dev": func(p *parser, h *hopLine, word string) { h.Interface, _ = p.value(word) },
	"oif": func(p *parser, h *hopLine, word string) { h.Interface, _ = p.value(word) },
	"weight": func(p *parser, h *hopLine, word string) {
		n, _ := p.number(word, 1, 256)
		h.Weight = uint16(n)
	},
	"onlink": func(_ *parser, h *hopLine, _ string) { h.OnLink = true },
}

// plainHops are those of via, dev and or.
func (r *routeLine) plainHops() []Hop {
	if len(r.alternatives) == 0 {
		return []Hop{r.single}
	}
	r.single.Weight = 1
	hops := append([]Hop{r.single}, r.alternatives...)
	for i := range hops {
		hops[i].Interface, hops[i].OnLink = r.single.Interface, r.single.OnLink
	}
	return hops
}

// leads says whether routes of the type have a next hop.
func leads(routeType uint8) bool { return routeType == unix.RTN_UNICAST }

// finishHops makes one list of what via, dev, or and nexthop said, and holds it against the type of the route.
func (r *routeLine) finishHops(p *parser) {
	if len(r.alternatives) > 0 && !r.single.Gateway.IsValid() {
		p.fail("or needs via before it")
	}
	if r.plain && len(r.Hops) > 0 {
		p.fail("via, dev or onlink beside nexthop: put them behind it")
	} else if r.plain {
		r.Hops = r.plainHops()
	}
	switch {
	case !leads(r.Type) && len(r.Hops) > 0:
		p.fail("a route of type %s leads nowhere: it has no via, dev or nexthop", nameOf(r.Type, routeTypes))
	case leads(r.Type) && len(r.Hops) == 0:
		p.fail("the route leads nowhere: it lacks via, dev or nexthop")
	}
	for _, hop := range r.Hops {
		if hop.OnLink && (!hop.Gateway.IsValid() || hop.Interface == "") {
			p.fail("onlink needs both via and dev")
		}
	}
}
