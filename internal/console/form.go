package console

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"unicode"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// fieldErrors is what is wrong with the fields of a form, by name; false where
// the error is of something else.
func fieldErrors(err error) (map[string]string, bool) {
	var invalid *authority.InvalidError
	if !errors.As(err, &invalid) {
		return nil, false
	}
	return map[string]string{invalid.Field: cmp.Or(fieldNames[invalid.Field], "This") + " " + invalid.Reason + "."}, true
}

// fieldNames are what people call the fields of forms: an error stands beside its
// field, and on top of the page as well.
var fieldNames = map[string]string{
	"name": "The name", "description": "The description", "email": "The e-mail address", "password": "The password", "merchantId": "The merchant ID",
	"id": "The merchant ID", "keyLimit": "The limit", "resource": "The resource server", "role": "The role",
	"scopes": "The choice of scopes", "expiresAt": "The expiry", "allowedCidrs": "The list of networks", "overlap": "The overlap",
}

// version is that of what the form's page has shown, so that nobody overwrites
// what somebody else has changed since; it is never 0.
func (v *visit) version() int64 {
	n, err := strconv.ParseInt(v.form.Get("version"), 10, 64)
	if err != nil || n < 1 {
		return -1
	}
	return n
}

// typed is a word that people type before something happens that cannot be taken
// back.
type typed struct {
	ID    string // of the field
	Word  string
	Error string
}

// seen is text with the white space that a page shows of it.
func seen(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\ufeff", "")), " ")
}

// typeable is that without the characters that have no form of their own, only make that
// of others, and are on no keyboard: people type what they see. Script does the same
// (app.js).
func typeable(text string) string {
	return seen(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, text))
}

// check tells whether the form has the word.
func (t *typed) check(v *visit) bool {
	if typeable(v.form.Get("confirm")) == typeable(t.Word) {
		return true
	}
	t.Error = "This is not what was asked for. Nothing has happened."
	return false
}
