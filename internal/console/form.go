package console

import (
	"errors"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// fieldErrors is what is wrong with the fields of a form, by name; false where
// the error is of something else.
func fieldErrors(err error) (map[string]string, bool) {
	var invalid *authority.InvalidError
	if !errors.As(err, &invalid) {
		return nil, false
	}
	return map[string]string{invalid.Field: "This " + invalid.Reason + "."}, true
}
