package config

import (
	"errors"
	"strconv"
	"strings"
)

// isCommandKeyword reports whether a keyword takes a command, whose quoting is
// that of a shell.
func isCommandKeyword(word string) bool {
	return word == "script" || word == "process" || word == "startup_script" || word == "shutdown_script" ||
		word == "notify" || strings.HasPrefix(word, "notify_") || strings.HasSuffix(word, "notify_fifo_script")
}

// unescape reads what follows a backslash, which is not empty: \a \b \E \f \n \r
// \t \v, \nnn octal, \xXX, \cC for control, and anything else for itself.
func unescape(text string) (c byte, rest string) {
	c, rest = text[0], text[1:]
	if at := strings.IndexByte("abEfnrtv", c); at >= 0 {
		return "\a\b\033\f\n\r\t\v"[at], rest
	}
	switch {
	case c >= '0' && c <= '7':
		return digits(text, 3, 8, "01234567")
	case c == 'x' && rest != "" && strings.IndexByte(hexadecimal, rest[0]) >= 0:
		return digits(rest, 2, 16, hexadecimal)
	case c == 'c' && rest != "":
		return rest[0] & 0x1f, rest[1:]
	}
	return c, rest
}

const hexadecimal = "0123456789abcdefABCDEF"

func digits(text string, most, base int, allowed string) (c byte, rest string) {
	n := 0
	for n < most && n < len(text) && strings.IndexByte(allowed, text[n]) >= 0 {
		n++
	}
	v, _ := strconv.ParseUint(text[:n], base, 16) // n digits are a number
	return byte(v), text[n:]
}

var errQuote = errors.New("a quote that is not closed")

// splitCommand makes a program and its arguments of a command line.
func splitCommand(line string) (args []string, err error) {
	var word strings.Builder
	inWord := false
	var quote byte
	for line != "" {
		c := line[0]
		line = line[1:]
		switch {
		case c == '\\' && line != "":
			c, line = unescape(line)
			word.WriteByte(c)
			inWord = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote == 0 && strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			if inWord {
				args = append(args, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errQuote
	}
	if inWord {
		args = append(args, word.String())
	}
	return args, nil
}
