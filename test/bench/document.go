package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// document is text for a terminal, or Markdown that is readable as text too.
type document struct {
	strings.Builder
	markdown bool
}

func (d *document) heading(level int, title string) {
	d.separate()
	if d.markdown {
		title = strings.Repeat("#", level) + " " + title
	}
	d.WriteString(title + "\n")
}

func (d *document) paragraph(text string) {
	d.separate()
	d.WriteString(text + "\n")
}

func (d *document) separate() {
	if d.Len() > 0 {
		d.WriteString("\n")
	}
}

// table writes rows of equal length, the first of them being the head.
// Numbers stand to the right.
func (d *document) table(rows [][]string) {
	d.separate()
	columns := make([]column, len(rows[0]))
	for i := range columns {
		columns[i] = columnOf(rows, i)
	}
	for n, row := range rows {
		d.row(row, columns)
		if n == 0 && d.markdown {
			d.rule(columns)
		}
	}
}

type column struct {
	width   int
	numbers bool
}

func columnOf(rows [][]string, i int) column {
	c := column{utf8.RuneCountInString(rows[0][i]), true}
	for _, row := range rows[1:] {
		c.width = max(c.width, utf8.RuneCountInString(row[i]))
		c.numbers = c.numbers && isNumber(row[i])
	}
	return c
}

func (d *document) row(cells []string, columns []column) {
	line := make([]string, len(cells))
	for i, c := range columns {
		width := -c.width
		if c.numbers {
			width = c.width
		}
		line[i] = fmt.Sprintf("%*s", width, cells[i])
	}
	if d.markdown {
		d.WriteString("| " + strings.Join(line, " | ") + " |\n")
		return
	}
	d.WriteString("  " + strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
}

func (d *document) rule(columns []column) {
	d.WriteString("|")
	for _, c := range columns {
		end := "-|"
		if c.numbers {
			end = ":|"
		}
		d.WriteString(strings.Repeat("-", c.width+1) + end)
	}
	d.WriteString("\n")
}

func isNumber(cell string) bool { return strings.Trim(cell, "0123456789.-") == "" }
