// Package plain keeps text that somebody has chosen nothing but text, where it
// is shown in cells: in a table on a terminal, in a spreadsheet. HTML is not its
// business, html/template sees to that.
package plain

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"
)

// Printable keeps a cell in its place: no tab, line break or terminal sequence,
// whatever somebody wrote into the database. It is for strings.Map.
func Printable(r rune) rune {
	if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
		return ' '
	}
	return r
}

// Cell keeps a spreadsheet from taking text that somebody has chosen for a
// formula (C-198). Tabs and line breaks, which can begin one too, become blanks;
// blanks before it do not count, nor does the width of the sign.
func Cell(text string) string {
	text = strings.Map(Printable, text)
	if begin := strings.TrimLeftFunc(text, unicode.IsSpace); strings.IndexAny(begin, "=+-@＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

// CSV writes lines of cells (RFC 4180), each as Cell has it. It keeps no more
// than a few KiB: an export can be as long as it likes.
type CSV struct{ w *csv.Writer }

// NewCSV begins a table on w.
func NewCSV(w io.Writer) *CSV {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return &CSV{out}
}

// Line writes a line. It does not change cells. The error is that of w; whoever
// ignores it hears of it from Close.
func (c *CSV) Line(cells ...string) error {
	safe := make([]string, len(cells))
	for i := range cells {
		safe[i] = Cell(cells[i])
	}
	return c.w.Write(safe)
}

// Close writes what is left, and returns the first error there was.
func (c *CSV) Close() error {
	c.w.Flush()
	return c.w.Error()
}
