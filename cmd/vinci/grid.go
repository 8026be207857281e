package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// grid is text in columns, for people. Cells may be painted; their width is that of
// the text.
type grid struct {
	s    *screen
	rows [][]cell
}

type cell struct{ color, text string }

// row adds a row. The cells are made plain: they come from events and errors, and
// must not move the cursor or begin a line.
func (g *grid) row(texts ...string) {
	cells := make([]cell, len(texts))
	for i, t := range texts {
		cells[i].text = strings.TrimRight(plain(t), " ")
	}
	g.rows = append(g.rows, cells)
}

// paint colours one cell of the last row.
func (g *grid) paint(column int, color string) {
	g.rows[len(g.rows)-1][column].color = color
}

// lines are the columns, two blanks apart, each line indented, with nothing behind
// the last cell that has text.
func (g *grid) lines(indent string) string {
	var widths []int
	for _, r := range g.rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	var b strings.Builder
	for _, r := range g.rows {
		if len(r) == 0 {
			continue
		}
		last := len(r) - 1
		for last > 0 && r[last].text == "" {
			last--
		}
		b.WriteString(indent)
		for i, c := range r[:last+1] {
			text := c.text
			if c.color != "" {
				text = g.s.paint(c.color, text)
			}
			b.WriteString(text)
			if i < last {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// plain is a text on one line without control characters.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
}

// shorten cuts a text that is longer than most characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
