package adminapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	notFound    = "Not found: it never was, was deleted, or is not yours."
	unavailable = "The database does not answer. Nothing is known of what became of a change: send it again with the same Idempotency-Key after the time in Retry-After."
	retryAfter  = "5" // seconds
)

// fail answers an error.
func (a *API) fail(w http.ResponseWriter, err error) {
	if local, ok := w.(interface{ Fail(error) }); ok { // the caller wants to see it as it is
		local.Fail(err)
	}
	status, body := errorOf(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
		note(w, slog.String("error", err.Error()))
	}
	switch status { // RFC 6750 3.1
	case http.StatusForbidden:
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	note(w, slog.String("refused", body.Reason))
	body.write(w, status)
}

// errorOf turns an error into an answer: this is the one place where they meet.
func errorOf(err error) (int, *errorBody) {
	var invalid *authority.InvalidError
	var unripe *authority.UnripeError
	var forbidden *authority.ForbiddenError
	var unread *malformed
	var input invalidInput
	switch {
	case errors.As(err, &unread):
		return newError(unread.reason, unread.message)
	case errors.As(err, &input):
		status, body := newError(reasonInvalid, "The request cannot be taken: "+input.Error()+".")
		body.Errors = input
		return status, body
	case errors.As(err, &invalid):
		status, body := newError(reasonInvalid, "The request cannot be taken: "+invalid.Error()+".")
		body.Errors = []admin.FieldError{{Field: invalid.Field, Reason: invalid.Reason}}
		return status, body
	case errors.As(err, &forbidden):
		return newError(reasonForbidden, forbidden.Reason)
	case errors.Is(err, authority.ErrEnded): // the token was good when the request began
		return http.StatusUnauthorized, &errorBody{Code: "401", Message: "Revoked token."}
	case errors.As(err, &unripe):
		return newError(reasonUnripe, sentence(unripe.Error()))
	}
	if r, is := refused(err); r != nil {
		message := sentence(is.Error())
		if r.Name == reasonNotFound {
			message = notFound
		}
		return newError(r.Name, message)
	}
	// Whatever else the domain returns means that the database could not answer.
	return newError(reasonUnavailable, unavailable)
}

// sentence is an error's text as one.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// errorBody is an admin.Error as it is sent.
type errorBody admin.Error

// newError is an answer with a reason of the table.
func newError(reason, message string) (status int, body *errorBody) {
	status = reasonNamed(reason).Status
	return status, &errorBody{Code: strconv.Itoa(status), Reason: reason, Message: message}
}

func (e *errorBody) write(w http.ResponseWriter, status int) {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts
	}
	writeBody(w, status, text)
}

func writeError(w http.ResponseWriter, reason, message string) {
	status, body := newError(reason, message)
	body.write(w, status)
}

// failed answers the error of a handler. Where the same request was done by
// another one meanwhile, that is why it could not be done again, whatever the
// error says: it is answered as the other one was.
func (a *API) failed(w http.ResponseWriter, r *request, err error) {
	if r.actor.Once != nil && !errors.Is(err, authority.ErrEnded) && a.replay(w, r) {
		return
	}
	a.fail(w, err)
}

// replay answers a request that was answered before; false where it was not.
func (a *API) replay(w http.ResponseWriter, r *request) bool {
	kept, err := a.authority.Reply(r.Context(), r.actor)
	if errors.Is(err, authority.ErrNotFound) {
		return false
	}
	var again answer
	if err == nil {
		err = json.Unmarshal(kept, &again)
	}
	if err != nil {
		a.fail(w, err)
		return true
	}
	w.Header().Set("Idempotency-Replayed", "true")
	again.write(w)
	return true
}
