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

// search selects from table, as k, the rows of which one of columns begins as
// searched. Each is looked for by itself, in the index that it has, among what
// within selects (nil: all); so a condition that joins them with OR, which has none, is not
// needed. The caller has the same terms for k.
func (w *where) search(table string, within func(*where), columns ...beginning) (from string) {
	var parts []string
	for _, c := range columns {
		part := where{terms: []string{undeleted}, args: w.args}
		if within != nil {
			within(&part)
		}
		part.begins(c.column, c.text)
		parts, w.args = append(parts, `SELECT id AS found_id FROM `+table+part.text()), part.args
	}
	return `(` + strings.Join(parts, ` UNION `) + `) found JOIN ` + table + ` k ON k.id = found_id`
}

// undeleted is a term that partial indexes have: it must stand in a query as it
// stands there.
const undeleted = `status <> 'deleted'`

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
