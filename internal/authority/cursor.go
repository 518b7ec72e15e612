package authority

import (
	"encoding/base64"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// Cursor is a place in a list, sealed: only this installation makes one, and it
// says nothing and is of no use but to go on with the same list (C-195). list
// names it: what is listed, for whom, and every filter.
func (a *Authority) Cursor(list, place string) string {
	return base64.RawURLEncoding.EncodeToString(seal(a.root.cursor, []byte(place), list))
}

// ParseCursor returns the place; ErrCursor where the cursor is not of this list.
func (a *Authority) ParseCursor(list, cursor string) (place string, err error) {
	raw, err := jose.DecodeBase64(cursor) // each has one spelling
	if err != nil {
		return "", ErrCursor
	}
	plain, err := unseal(a.root.cursor, raw, list)
	if err != nil {
		return "", ErrCursor
	}
	return string(plain), nil
}
