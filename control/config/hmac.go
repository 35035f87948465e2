package config

import (
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// hmac is an auth_hmac while it is read. Whatever is wrong with one is fatal:
// an unauthenticated router, or one that accepts more than it was told to, is
// what it is there to prevent.
type hmac struct {
	vrrp.Auth
	n          *node
	seen       map[uint8]*node // what said so of each key
	active     *uint8
	activeNode *node
	window     *int
	windowNode *node
}

func hmacKeywords() []keyword {
	return []keyword{
		{name: "key", mark: rare, args: "ID hex:DIGITS|TEXT|file:PATH", def: "must be there", means: "a key of 32 to 64 bytes, the same on all routers by the same id, 1..255; a file holds `hex:DIGITS`, or a text", why: "the file is for its owner only: `chmod 600`", repeats: true, take: of((*hmac).takeKey)},
		{name: "active_key", mark: rare, args: "ID", def: "must be there", means: "the key to sign with; each that is listed is accepted", take: of((*hmac).takeActive)},
		{name: "anti_replay", mark: rare, args: "time|monotonic", def: "time", means: "what makes an advert a new one: the clock, which routers have in common, or only that it is later than the last", take: of((*hmac).takeReplay)},
		{name: "time_window", mark: rare, args: "1..300", def: "3 × advert_int, at least 5", means: "seconds by which the clocks of sender and receiver may differ", take: of((*hmac).takeWindow)},
		{name: "mode", mark: rare, args: "enforce|permissive|receive-only", def: "enforce", means: "permissive accepts unsigned adverts, receive-only sends them, too: they are the way to enforce without a silence", take: of((*hmac).takeMode)},
	}
}

func (in *instance) takeHMAC(n *node) {
	in.hmac = &hmac{n: n, seen: make(map[uint8]*node)}
	in.hmac.Keys = make(map[uint8]vrrp.Key)
	n.inside(in.hmac)
}

// takeKey never shows what it was given: it may be the secret, at any place.
func (h *hmac) takeKey(n *node) {
	n.needed = true
	id, ok := n.keyID()
	if !ok {
		return
	}
	if before := h.seen[id]; before != nil {
		n.fatal("key: there are two with the id %d, the other %s: give each its own", id, n.seen(before))
		return
	}
	h.seen[id] = n
	if n.comment == touchingComment {
		n.fatal("key %d ends at the # or !, which begins a comment: put it between double quotes", id)
		return
	}
	secret := n.arg(1)
	path, isFile := strings.CutPrefix(secret, "file:")
	switch {
	case !isFile:
		n.checkSecret()
	case !filepath.IsAbs(path):
		n.fatal("key %d: say the whole path of the file, from /", id)
		return
	default:
		text, err := n.d.options.System.ReadSecret(path)
		if err != nil {
			n.fatal("key %d: %v", id, err)
			return
		}
		secret = strings.TrimRight(string(text), "\r\n")
	}
	bytes := []byte(secret)
	if digits, isHex := strings.CutPrefix(secret, "hex:"); isHex {
		var err error
		if bytes, err = hex.DecodeString(digits); err != nil {
			n.fatal("key %d: what follows hex: is not an even number of hexadecimal digits", id)
			return
		}
	}
	key, err := vrrp.NewKey(bytes)
	if err != nil {
		n.fatal("key %d: %v; `openssl rand -hex 32` makes the digits of a good one", id, err)
		return
	}
	h.Keys[id] = key
}

// keyID is the first argument, which is a number unless the id was forgotten.
func (n *node) keyID() (uint8, bool) {
	id, err := strconv.Atoi(n.arg(0))
	if err != nil || id < 1 || id > 255 {
		n.fatal("%s: an id, 1..255, is missing", n.Keyword())
		return 0, false
	}
	return uint8(id), true
}

func (h *hmac) takeActive(n *node) {
	if id, ok := n.keyID(); ok {
		h.active, h.activeNode = &id, n
	}
}

func (h *hmac) takeReplay(n *node) {
	switch n.arg(0) {
	case "time", "monotonic":
		h.Monotonic = n.arg(0) == "monotonic"
	default:
		n.fatal("anti_replay: %s is neither time nor monotonic", n.arg(0))
	}
}

func (h *hmac) takeWindow(n *node) {
	n.needed = true
	if v, ok := n.number(0, 1, 300); ok {
		h.window, h.windowNode = &v, n
	}
}

func (h *hmac) takeMode(n *node) {
	for _, mode := range []vrrp.AuthMode{vrrp.AuthEnforce, vrrp.AuthPermissive, vrrp.AuthReceiveOnly} {
		if n.arg(0) == mode.String() {
			h.Mode = mode
			return
		}
	}
	n.fatal("mode: %s is none of enforce, permissive, receive-only", n.arg(0))
}

// signs reports whether there will be a trailer behind the adverts.
func (in *instance) signs() bool { return in.hmac != nil && in.hmac.Signs() }

// finishHMAC makes the Auth of the router, or says why there is none.
func (in *instance) finishHMAC() {
	h := in.hmac
	if h == nil || h.n.faulty {
		return
	}
	switch {
	case len(h.Keys) == 0:
		h.n.fatal("auth_hmac has no key: say key ID, and a secret or file:PATH")
		return
	case h.active == nil:
		h.n.fatal("auth_hmac has no active_key: say with which key to sign")
		return
	}
	h.Active = *h.active
	if _, there := h.Keys[h.Active]; !there {
		h.activeNode.fatal("active_key: there is no key %d", h.Active)
		return
	}
	if in.isStrict() && h.Mode != vrrp.AuthEnforce {
		h.n.fatal("auth_hmac: strict mode has mode enforce only")
		return
	}
	h.finishWindow(in.Router.Interval)
	in.Router.Auth = &h.Auth
}

// usualWindow is the least that there is without a time_window, in seconds.
const usualWindow = 5

func (h *hmac) finishWindow(interval time.Duration) {
	seconds := int((3*interval + time.Second - 1) / time.Second)
	seconds = first(min(max(seconds, usualWindow), 300), h.window)
	if h.Monotonic {
		if h.windowNode != nil {
			h.windowNode.warn("time_window has no effect with anti_replay monotonic")
		}
		return
	}
	h.Window = time.Duration(seconds) * time.Second
}
