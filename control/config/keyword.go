package config

import "strings"

// place is a block in which keywords stand.
type place string

const (
	atTop           place = "" // of a file
	inGlobal        place = "global_defs"
	inInstance      place = "vrrp_instance"
	inAuth          place = "authentication"
	inHMAC          place = "auth_hmac"
	inGroup         place = "vrrp_sync_group"
	inScript        place = "vrrp_script"
	inProcess       place = "vrrp_track_process"
	inFile          place = "track_file"
	inCheck         place = "vrrp_check"
	inAdvertisement place = "router_advertisement"
)

// String says where, in a sentence.
func (p place) String() string {
	if p == atTop {
		return "the top level of the file"
	}
	return string(p)
}

// mark says how usual a keyword is.
type mark byte

const (
	essential mark = 'E' // in a typical gateway's file
	common    mark = 'C'
	rare      mark = 'R'
	ours      mark = 'X' // keepalived does not know it
)

// treatment is what becomes of a keyword.
type treatment uint8

const (
	used treatment = iota
	notUsed
	refused     // as long as nobody is lenient
	refusedEver // without it this router and its peers would not agree
)

// keyword is one word of the language: what it takes, what it means, and what
// becomes of it. The parser, its suggestions and docs/configuration.md all come
// from this one description.
type keyword struct {
	name  string
	mark  mark
	args  string // their syntax: `[…]` need not be there, `…` repeats
	def   string // without it
	means string
	how   treatment
	why   string // it is not used, or refused, or what is different here
	// repeats: it may stand there more than once. Otherwise the last counts, or
	// with firstCounts the first.
	repeats, firstCounts bool
	block                place  // its braces hold keywords
	entries              string // its braces hold lines of this syntax
	pass                 int    // at the top: what is used by others is read first
	take                 func(*node)
}

// hasBlock reports whether braces belong to it.
func (k *keyword) hasBlock() bool { return k.block != "" || k.entries != "" }

// counts is how many arguments there must be at least, and at most.
func (k *keyword) counts() (least, most int) {
	const any = 1 << 10
	depth := 0
	for _, word := range strings.Fields(k.args) {
		opens := strings.Count(word, "[")
		depth += opens
		switch {
		case strings.HasPrefix(strings.Trim(word, "[]"), "…"):
			most = any
		case depth == 0:
			least++
			most++
		default:
			most++
		}
		depth -= strings.Count(word, "]")
	}
	return least, most
}

// section is what may stand in one block.
type section struct {
	place    place
	keywords []keyword
}

// language is all keywords, by where they stand.
type language map[place]map[string]*keyword

func newLanguage() language {
	l := make(language)
	for _, s := range sections() {
		l[s.place] = make(map[string]*keyword)
		for i := range s.keywords {
			l[s.place][s.keywords[i].name] = &s.keywords[i]
		}
	}
	return l
}

// sections are in the order of the reference.
func sections() []section {
	return []section{
		{atTop, topKeywords()},
		{inGlobal, globalKeywords()},
		{inScript, scriptKeywords()},
		{inProcess, processKeywords()},
		{inFile, fileKeywords()},
		{inCheck, checkKeywords()},
		{inInstance, instanceKeywords()},
		{inAuth, authKeywords()},
		{inHMAC, hmacKeywords()},
		{inAdvertisement, advertisementKeywords()},
		{inGroup, groupKeywords()},
	}
}

// elsewhere lists the blocks that a keyword belongs into.
func (l language) elsewhere(name string) []string {
	var list []string
	for _, s := range sections() {
		if l[s.place][name] != nil {
			list = append(list, s.place.String())
		}
	}
	return list
}
