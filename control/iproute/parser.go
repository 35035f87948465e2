package iproute

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// parser walks over the words of a line. It goes on after a mistake, so that all mistakes of a line are told at once.
type parser struct {
	words    []string
	seen     []string
	warnings []string
	errs     []error
}

// words says what each word of a language does to a T.
type words[T any] map[string]func(p *parser, t *T, word string)

func (p *parser) next() (word string, ok bool) {
	if len(p.words) == 0 {
		return "", false
	}
	word, p.words = p.words[0], p.words[1:]
	return word, true
}

// skip passes over a word that may stand here.
func (p *parser) skip(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

// value is the word after word.
func (p *parser) value(word string) (value string, ok bool) {
	if value, ok = p.next(); !ok {
		p.fail("%s lacks its value", word)
	}
	return value, ok
}

func (p *parser) fail(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

func (p *parser) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

func (p *parser) err() error {
	return errors.Join(p.errs...)
}

// once warns when something is said again, by this word or another.
func (p *parser) once(what, word string) {
	if slices.Contains(p.seen, what) {
		p.warn("%s is given more than once: the last one counts", word)
	}
	p.seen = append(p.seen, what)
}

// number reads the value of word, decimal or with 0x.
func (p *parser) number(word string, least, most uint64) (uint64, bool) {
	text, ok := p.value(word)
	if !ok {
		return 0, false
	}
	return p.inRange(word, text, least, most)
}

func (p *parser) inRange(word, text string, least, most uint64) (uint64, bool) {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil || strings.Contains(text, "_") || n < least || n > most {
		p.fail("%s %q is not a number in %d..%d", word, text, least, most)
		return 0, false
	}
	return n, true
}

// named reads the value of word, a number or one of the names for one.
func (p *parser) named(word string, names map[string]uint8) (uint8, bool) {
	text, ok := p.value(word)
	if !ok {
		return 0, false
	}
	if n, known := names[text]; known {
		return n, true
	}
	if n, err := strconv.ParseUint(text, 0, 8); err == nil {
		return uint8(n), true
	}
	p.fail("%s %q is neither a number in 0..255 nor one of %s", word, text, strings.Join(sortedKeys(names), ", "))
	return 0, false
}

// trafficClass reads the value of tos. The kernel refuses one with the bits that belong to ECN (RFC 3168 §5).
func (p *parser) trafficClass(word string) uint8 {
	n, ok := p.number(word, 0, 255)
	if ok && n&3 != 0 {
		p.fail("%s %#x has bits of ECN: its two lowest must be 0", word, n)
	}
	return uint8(n)
}

// table reads the value of word, the number or the name of a routing table.
func (p *parser) table(word string, names Names) uint32 {
	text, ok := p.value(word)
	if !ok {
		return 0
	}
	if n, err := strconv.ParseUint(text, 0, 32); err == nil && n > 0 {
		return uint32(n)
	}
	if n, known := builtInTables[text]; known {
		return n
	}
	if names != nil {
		if n, known := names.Table(text); known && n > 0 {
			return n
		}
	}
	p.fail("%s %q is neither a number in 1..4294967295 nor a name in /etc/iproute2/rt_tables", word, text)
	return 0
}

// address reads the value of word.
func (p *parser) address(word string) (netip.Addr, bool) {
	text, ok := p.value(word)
	if !ok {
		return netip.Addr{}, false
	}
	address, err := parseAddr(text)
	if err != nil {
		p.fail("%s %q: %w", word, text, err)
	}
	return address, err == nil
}

// unknown says which word is wrong and what may have been meant, or that we know the word and cannot do it.
func (p *parser) unknown(word, of string, known []string, unsupported []string) {
	if slices.Contains(unsupported, word) {
		p.fail("%s is not supported in %s: take it out if nothing depends on it", word, of)
		return
	}
	if near := nearest(word, slices.Concat(known, unsupported)); near != "" {
		p.fail("unknown word %q in %s: did you mean %q?", word, of, near)
		return
	}
	p.fail("unknown word %q in %s", word, of)
}

var (
	errNoAddress = errors.New("not an IPv4 or IPv6 address")
	errZone      = errors.New("say dev INTERFACE instead of %INTERFACE")
)

func parseAddr(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	switch {
	case err != nil || address.Is4In6():
		return netip.Addr{}, errNoAddress
	case address.Zone() != "":
		return netip.Addr{}, errZone
	}
	return address, nil
}

// parsePrefix reads an address with or without a prefix length. With one that cannot be, the error comes with the
// address alone.
func parsePrefix(text string) (netip.Prefix, error) {
	plain, length, slash := strings.Cut(text, "/")
	address, err := parseAddr(plain)
	if err != nil {
		return netip.Prefix{}, err
	}
	most := address.BitLen()
	if !slash {
		return netip.PrefixFrom(address, most), nil
	}
	bits, err := strconv.ParseUint(length, 10, 8)
	if err != nil || int(bits) > most {
		return netip.PrefixFrom(address, most), fmt.Errorf("the prefix length %q is not a number in 0..%d", length, most)
	}
	return netip.PrefixFrom(address, int(bits)), nil
}

func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return 4
	}
	return 6
}
