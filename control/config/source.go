package config

import (
	"fmt"
	"strings"
)

// Pos is a place in a configuration file.
type Pos struct {
	File string
	Line int // from 1
}

// String returns "file:line", as compilers write it.
func (p Pos) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Statement is a line of words, with the block in braces that follows, if any.
type Statement struct {
	Pos
	Words   []Word
	Block   []Statement
	IsBlock bool // it has braces, with or without something between them
	comment comment
}

// comment says what the rest of a statement's line is.
type comment uint8

const (
	noComment       comment = iota
	apartComment            // one with a blank before it
	touchingComment         // one that begins in a word, which may be meant to be part of it
)

// Keyword is the first word.
func (s Statement) Keyword() string {
	if len(s.Words) == 0 {
		return ""
	}
	return s.Words[0].Text
}

// Args are the other words.
func (s Statement) Args() []Word {
	if len(s.Words) == 0 {
		return nil
	}
	return s.Words[1:]
}

// String returns the words as they would stand in a file.
func (s Statement) String() string {
	var words []string
	for _, w := range s.Words {
		words = append(words, w.String())
	}
	return strings.Join(words, " ")
}

// Word is what stands between blanks, or between double quotes.
type Word struct {
	Text   string
	Quoted bool
}

// String returns the word as it would stand in a file.
func (w Word) String() string {
	if w.Quoted {
		return `"` + w.Text + `"`
	}
	return w.Text
}
