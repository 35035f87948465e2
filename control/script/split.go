package script

import (
	"errors"
	"fmt"
	"strings"
)

// Split divides a line into words, as a shell does: at blanks outside '…' and
// "…". A backslash, also between quotes, takes the next character as it is, but
// for \a \b \E \f \n \r \t \v, \nnn (octal), \xXX (hexadecimal) and \cC (control).
// A quote that does not end, or a backslash before nothing, is an error.
//
// These are the rules of keepalived.conf(5), "Quoted strings".
func Split(line string) ([]string, error) {
	s := splitter{rest: line}
	for s.rest != "" {
		if err := s.step(); err != nil {
			return nil, fmt.Errorf("split %q into words: %w", line, err)
		}
	}
	if s.quote != 0 {
		return nil, fmt.Errorf("split %q into words: the quote %c does not end", line, s.quote)
	}
	s.endWord()
	return s.words, nil
}

type splitter struct {
	rest   string
	words  []string
	word   []byte
	inWord bool
	quote  byte // within '…' or "…"; 0: outside
}

// step takes one character, or one escape, from the rest.
func (s *splitter) step() error {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch {
	case c == '\\':
		return s.escape()
	case s.quote != 0 && c == s.quote:
		s.quote = 0
	case s.quote == 0 && (c == '\'' || c == '"'):
		s.quote, s.inWord = c, true
	case s.quote == 0 && isBlank(c):
		s.endWord()
	default:
		s.add(c)
	}
	return nil
}

func (s *splitter) add(c byte) {
	s.word, s.inWord = append(s.word, c), true
}

func (s *splitter) endWord() {
	if s.inWord {
		s.words = append(s.words, string(s.word))
	}
	s.word, s.inWord = nil, false
}

func (s *splitter) escape() error {
	if s.rest == "" {
		return errors.New("a backslash at its end escapes nothing")
	}
	c := s.rest[0]
	switch {
	case c >= '0' && c <= '7':
		s.number(8, 3)
		return nil
	case c == 'x' && len(s.rest) > 1 && digit(s.rest[1]) < 16:
		s.rest = s.rest[1:]
		s.number(16, len(s.rest))
		return nil
	case c == 'c' && len(s.rest) > 1:
		s.add(s.rest[1] & 0x1f)
		s.rest = s.rest[2:]
		return nil
	}
	s.rest = s.rest[1:]
	if i := strings.IndexByte("abEfnrtv", c); i >= 0 {
		c = "\a\b\x1b\f\n\r\t\v"[i]
	}
	s.add(c)
	return nil
}

// number takes up to most digits and adds the byte that they name. Of more bits
// than a byte has, the last ones count.
func (s *splitter) number(base byte, most int) {
	var value byte
	i := 0
	for ; i < most && i < len(s.rest) && digit(s.rest[i]) < base; i++ {
		value = value*base + digit(s.rest[i])
	}
	s.rest = s.rest[i:]
	s.add(value)
}

// digit is the value of a hexadecimal digit; more than 15: it is none.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// join is what Split makes the words of again.
func join(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

func quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(word) + "'"
}

func special(r rune) bool {
	return r == '\'' || r == '"' || r == '\\' || r < 0x80 && isBlank(byte(r))
}
