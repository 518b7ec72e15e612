package adminapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// refusals are what the domain refuses, and how that is answered.
var refusals = []struct {
	is     error
	status int
	reason string
}{
	{authority.ErrNotFound, http.StatusNotFound, "not_found"},
	{authority.ErrCursor, http.StatusBadRequest, "cursor"},
	{authority.ErrVersion, http.StatusPreconditionFailed, "version"},
	{authority.ErrConflict, http.StatusConflict, "conflict"},
	{authority.ErrExists, http.StatusConflict, "exists"},
	{authority.ErrActiveKeyLimit, http.StatusConflict, "active_key_limit"},
	{authority.ErrKeyLimit, http.StatusConflict, "key_limit"},
	{authority.ErrSecretLimit, http.StatusConflict, "secret_limit"},
	{authority.ErrLastSecret, http.StatusConflict, "last_secret"},
	{authority.ErrScopeInUse, http.StatusConflict, "scope_in_use"},
	{authority.ErrMerchantInUse, http.StatusConflict, "merchant_in_use"},
	{authority.ErrActiveSigningKey, http.StatusConflict, "active_signing_key"},
	{account.ErrEmailTaken, http.StatusConflict, "exists"},
	{account.ErrLastOperator, http.StatusConflict, "last_operator"},
	{authority.ErrReplyOther, http.StatusConflict, "idempotency_conflict"},
}

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
	if status == http.StatusForbidden {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`) // RFC 6750 3.1
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
		return unread.status, newError(unread.status, unread.reason, unread.message)
	case errors.As(err, &input):
		body := newError(http.StatusBadRequest, "invalid", "The request cannot be taken: "+input.Error()+".")
		body.Errors = input
		return http.StatusBadRequest, body
	case errors.As(err, &invalid):
		body := newError(http.StatusBadRequest, "invalid", "The request cannot be taken: "+invalid.Error()+".")
		body.Errors = []admin.FieldError{{Field: invalid.Field, Reason: invalid.Reason}}
		return http.StatusBadRequest, body
	case errors.As(err, &forbidden):
		return http.StatusForbidden, newError(http.StatusForbidden, "forbidden", forbidden.Reason)
	case errors.As(err, &unripe):
		return http.StatusConflict, newError(http.StatusConflict, "unripe", sentence(unripe.Error()))
	}
	for _, r := range refusals {
		if errors.Is(err, r.is) {
			message := sentence(r.is.Error())
			if r.is == authority.ErrNotFound {
				message = notFound
			}
			return r.status, newError(r.status, r.reason, message)
		}
	}
	// Whatever else the domain returns means that the database could not answer.
	return http.StatusServiceUnavailable, newError(http.StatusServiceUnavailable, "unavailable", unavailable)
}

// sentence is an error's text as one.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// errorBody is an admin.Error as it is sent.
type errorBody admin.Error

func newError(status int, reason, message string) *errorBody {
	return &errorBody{Code: strconv.Itoa(status), Reason: reason, Message: message}
}

func (e *errorBody) write(w http.ResponseWriter, status int) {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // texts
	}
	writeBody(w, status, text)
}

func writeError(w http.ResponseWriter, status int, reason, message string) {
	newError(status, reason, message).write(w, status)
}

// failed answers the error of a handler. Where the same request was done by
// another one meanwhile, that is why it could not be done again, whatever the
// error says: it is answered as the other one was.
func (a *API) failed(w http.ResponseWriter, r *request, err error) {
	if r.actor.Once != nil && a.replay(w, r) {
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
