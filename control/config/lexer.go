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
	kind    tokenKind
	word    Word
	comment comment // of endToken
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
	return append(s.tokens, token{kind: endToken, comment: s.comment}), fault
}

// lineScanner takes one line apart.
type lineScanner struct {
	rest   string
	word   strings.Builder
	inWord bool
	tokens []token
	// script: the words are those of a command, which are quoted as in a shell.
	script  bool
	comment comment
}

func (s *lineScanner) endWord() {
	if s.inWord {
		s.put(Word{Text: s.word.String()})
	}
	s.word.Reset()
	s.inWord = false
}

// put adds a word. The first of a statement tells how the others are quoted.
func (s *lineScanner) put(w Word) {
	if n := len(s.tokens); n == 0 || s.tokens[n-1].kind != wordToken {
		s.script = isCommandKeyword(w.Text)
	}
	s.tokens = append(s.tokens, token{kind: wordToken, word: w})
}

func (s *lineScanner) brace(kind tokenKind) {
	s.endWord()
	s.tokens = append(s.tokens, token{kind: kind})
}

func (s *lineScanner) next() (fault string) {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case '#', '!':
		s.rest, s.comment = "", apartComment
		if s.inWord {
			s.comment = touchingComment
		}
	case ' ', '\t', '\v', '\f':
		s.endWord()
	case '{':
		s.brace(openToken)
	case '}':
		s.brace(closeToken)
	case '"':
		return s.quoted()
	case '\'':
		if s.isScript() {
			return s.quotedAs(c)
		}
		s.add(c)
	case '\\':
		s.escaped()
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

// escaped takes what stands behind a backslash.
func (s *lineScanner) escaped() {
	switch {
	case s.rest != "" && (s.rest[0] == '#' || s.rest[0] == '!'):
		s.add(s.rest[0])
		s.rest = s.rest[1:]
	case s.rest != "" && s.isScript():
		var c byte
		c, s.rest = unescape(s.rest)
		s.add(c)
	default:
		s.add('\\')
	}
}

// isScript also looks at the word that is being read.
func (s *lineScanner) isScript() bool { return s.script && len(s.tokens) > 0 }

// quoted takes all up to the closing quote as one word.
func (s *lineScanner) quoted() (fault string) {
	s.endWord()
	if s.isScript() {
		return s.quotedAs('"')
	}
	text, rest, closed := strings.Cut(s.rest, `"`)
	if !closed {
		s.rest = ""
		return `a quote (") that is not closed on its line`
	}
	s.put(Word{Text: text, Quoted: true})
	s.rest = rest
	return ""
}

// quotedAs takes all up to the closing quote as one word of a command line, in
// which a backslash takes away the meaning of the next character.
func (s *lineScanner) quotedAs(quote byte) (fault string) {
	s.endWord()
	var text strings.Builder
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		if c == quote {
			s.put(Word{Text: text.String(), Quoted: true})
			return ""
		}
		if c == '\\' && s.rest != "" {
			c, s.rest = unescape(s.rest)
		}
		text.WriteByte(c)
	}
	return "a quote (" + string(quote) + ") that is not closed on its line"
}
