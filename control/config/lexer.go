package config

import (
	"strings"
)

// longestLine is keepalived's: what is longer it ignores, and we refuse.
const longestLine = 1024

// tokenKind says what a token is.
type tokenKind uint8

const (
	wordToken tokenKind = iota
	openToken
	closeToken
	endToken // of a line
)

type token struct {
	kind tokenKind
	word Word
}

// splitLine takes a physical line apart. `#` and `!` begin a comment, but not
// within double quotes; a backslash before them takes that away. Braces split a
// line wherever they stand outside of quotes.
func splitLine(line string) (tokens []token, fault string) {
	s := lineScanner{rest: strings.TrimSuffix(line, "\r")}
	for fault == "" && s.rest != "" {
		fault = s.next()
	}
	s.endWord()
	return append(s.tokens, token{kind: endToken}), fault
}

// lineScanner takes one line apart.
type lineScanner struct {
	rest   string
	word   strings.Builder
	inWord bool
	tokens []token
}

func (s *lineScanner) endWord() {
	if s.inWord {
		s.tokens = append(s.tokens, token{wordToken, Word{Text: s.word.String()}})
	}
	s.word.Reset()
	s.inWord = false
}

func (s *lineScanner) next() (fault string) {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case '#', '!':
		s.rest = ""
	case ' ', '\t', '\v', '\f':
		s.endWord()
	case '{':
		s.endWord()
		s.tokens = append(s.tokens, token{kind: openToken})
	case '}':
		s.endWord()
		s.tokens = append(s.tokens, token{kind: closeToken})
	case '"':
		return s.quoted()
	case '\\':
		if s.rest != "" && (s.rest[0] == '#' || s.rest[0] == '!') {
			c, s.rest = s.rest[0], s.rest[1:]
		}
		s.add(c)
	case 0:
		return "a NUL byte: this is not a text file"
	default:
		s.add(c)
	}
	return ""
}

func (s *lineScanner) add(c byte) {
	s.word.WriteByte(c)
	s.inWord = true
}

// quoted takes all up to the closing quote as one word.
func (s *lineScanner) quoted() (fault string) {
	s.endWord()
	text, rest, closed := strings.Cut(s.rest, `"`)
	if !closed {
		s.rest = ""
		return `a quote (") that is not closed on its line`
	}
	s.tokens = append(s.tokens, token{wordToken, Word{Text: text, Quoted: true}})
	s.rest = rest
	return ""
}
