package store

import (
	"strconv"
	"strings"
)

// where is the condition of a query, and its arguments: only what is asked for
// stands in it, so that the database takes the index for that.
type where struct {
	terms []string
	args  []any
}

// equal adds a term where there is something to compare with.
func (w *where) equal(column, value string) {
	if value != "" {
		w.add(column+" =", value)
	}
}

// add adds a term: a column and an operator, before an argument.
func (w *where) add(term string, value any) {
	w.terms = append(w.terms, term+" "+w.argument(value))
}

// within adds a term that compares with what a query says, which ends before an
// argument.
func (w *where) within(term, query string, value any) {
	w.terms = append(w.terms, term+" ("+query+" "+w.argument(value)+")")
}

// argument adds an argument, and returns its placeholder.
func (w *where) argument(value any) string {
	w.args = append(w.args, value)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) text() string {
	if len(w.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.terms, " AND ")
}
