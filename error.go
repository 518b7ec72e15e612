package tokenwright

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrUnavailable is wrapped by errors that may pass by themselves: the server
// cannot be reached, or answers 429, 500, 502, 503 or 504. All tries have been
// made; try again later.
var ErrUnavailable = errors.New("no access token can be had now")

// Error is an answer of the token endpoint that is no token (RFC 6749 section
// 5.2). Its texts are the server's, cut to the characters allowed there and to
// 500 of them, without the secret.
type Error struct {
	// Code is what is wrong, such as "invalid_client" or "invalid_scope"; ""
	// where the answer does not come from a token endpoint, but from what stands
	// before it.
	Code string
	// Description says it in words, for developers; may be "".
	Description string
	// URI is of a page that says more; may be "".
	URI string
	// Status is that of HTTP.
	Status int
	// RetryAfter is how long the server wants to be left alone; 0 where it does
	// not say.
	RetryAfter time.Duration
	// RequestID finds the request in the server's log; may be "".
	RequestID string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the token endpoint answered %d", e.Status)
	if e.Status/100 == 3 {
		b.WriteString(", a redirect, which is not followed with a secret")
	}
	for _, part := range []struct{ before, text string }{
		{": ", e.Code}, {": ", e.Description}, {" See ", e.URI}, {" Request ", e.RequestID},
	} {
		if part.text != "" {
			b.WriteString(part.before + part.text)
		}
	}
	return b.String()
}

// Temporary tells whether the same request may succeed later. Errors of Token
// that hold such an Error wrap ErrUnavailable.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// unavailable marks an error as one that may pass.
func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }

// printable cuts a text of the server's to what RFC 6749 5.2 allows, for people
// read it in terminals and logs.
func printable(text string) string {
	const most = 500
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}
