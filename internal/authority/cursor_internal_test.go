package authority

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// C-195, R-50: a cursor is read where it was made for, and nothing else is: no cursor of
// another list, and no text that is none.
func FuzzParseCursor(f *testing.F) {
	a := &Authority{root: newRootKey()}
	for _, seed := range [][3]string{
		{"", "", ""}, {"keys", "42", "42"}, {"/api/admin/v1/events?limit=1", "2027-01-31T00:00:00Z", a.Cursor("events", "1")}, {"\xff", "\x00", "AAAA"}, {"a", "b", "===="}, {"", "0", "\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, list, place, text string) {
		defer fuzztest.Bound(t)()
		cursor := a.Cursor(list, place)
		if got, err := a.ParseCursor(list, cursor); err != nil || got != place {
			t.Errorf("%q of %q is read as %q, %v", place, list, got, err)
		}
		for _, other := range []struct{ list, cursor string }{
			{list, text}, {text, text}, {list + text + "x", cursor}, {list, cursor + text + "="}, {list, text + cursor},
		} {
			if other.list == list && other.cursor == cursor {
				continue
			}
			if got, err := a.ParseCursor(other.list, other.cursor); err != ErrCursor {
				t.Errorf("%q of %q is read as %q, %v", other.cursor, other.list, got, err)
			}
		}
	})
}
