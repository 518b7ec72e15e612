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

// hide is equal for what an index is not to be taken for. Neither database looks
// for an index behind IS TRUE; PostgreSQL sees how many rows there will be.
func (w *where) hide(column, value string) {
	if value != "" {
		w.terms = append(w.terms, `(`+column+` = `+w.argument(value)+`) IS TRUE`)
	}
}

// add adds a term: a column and an operator, before an argument.
func (w *where) add(term string, value any) {
	w.terms = append(w.terms, term+" "+w.argument(value))
}

// or is the term that one of two conditions holds.
func (w *where) or(other *where) string {
	return "(" + strings.Join(w.terms, " AND ") + " OR " + strings.Join(other.terms, " AND ") + ")"
}

// begins adds that the text of a column begins with another. Text is compared by
// bytes, and what follows is U+10FFFF at most, which is no character.
func (w *where) begins(column, text string) {
	w.add(column+" >=", text)
	w.add(column+" <", text+"\U0010ffff")
}

// beginning is a column, or an expression of one, whose text is to begin with
// another.
type beginning struct{ column, text string }

// search is table, as k, with the rows alone of which one of columns begins as
// searched, among those that within selects. Each column is looked for by itself,
// in the index that it has: a condition that joins them with OR is left to no
// index by one database, and a join to another order by the other one.
func (w *where) search(table string, within func(*where), columns ...beginning) (from string) {
	var parts []string
	for _, c := range columns {
		part := where{args: w.args}
		within(&part)
		part.begins(c.column, c.text)
		parts, w.args = append(parts, `SELECT * FROM `+table+part.text()), part.args
	}
	return `(` + strings.Join(parts, ` UNION `) + `) k`
}

// undeleted is a term that partial indexes have: it must stand in a query as it
// stands there.
const undeleted = `status <> 'deleted'`

// undeleted adds the term.
func (w *where) undeleted() { w.terms = append(w.terms, undeleted) }

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
