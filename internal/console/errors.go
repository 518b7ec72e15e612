package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/ratelimit"
)

// refusal is an answer that has no error of the domain.
type refusal struct {
	status  int
	message string // what to do
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

// retryAfter is how many seconds whoever was told to come back should wait.
const retryAfter = "5"

// failure is what the error page says.
type failure struct {
	Status  int
	Heading string
	Message string
}

// conflicts are what the domain refuses, and what people are told; with "" the
// text of the error as a sentence.
var conflicts = []struct {
	is      error
	message string
}{
	{authority.ErrVersion, "Somebody else has changed it meanwhile. Open the page again, and look before you change it."},
	{authority.ErrConflict, "Somebody else has changed it meanwhile. Open the page again, and look before you change it."},
	{authority.ErrReplyOther, "This form was sent before, and what it made was changed since. Open the page again."},
	{authority.ErrExists, ""},
	{authority.ErrActiveKeyLimit, "The limit of active API keys is reached. Disable or delete one, or ask an operator of the platform to raise the limit."},
	{authority.ErrKeyLimit, "There are too many API keys, disabled ones included. Delete some, or ask an operator of the platform to raise the limit."},
	{authority.ErrSecretLimit, ""},
	{authority.ErrLastSecret, ""},
	{authority.ErrScopeInUse, "API keys hold the scope. Take it from them first."},
	{authority.ErrMerchantInUse, "The merchant still has API keys. Delete them first."},
	{authority.ErrActiveSigningKey, ""},
	{account.ErrEmailTaken, "There is a user with this e-mail address already. If it is yours, sign in first, and then open the link again."},
	{account.ErrLastOperator, "No operator would be left. Make another one first; the command line beside the database may do it all the same."},
	{account.ErrIdentityTaken, "Another user signs in with this identity already."},
	{account.ErrDisabled, "Your account is disabled. Ask whoever manages users for you."},
	{account.ErrLocked, "Your account is locked, for nobody has signed in with it for 90 days. Ask whoever manages users for you to enable it."},
	{account.ErrLink, "This link is of no use any more: it was used, it has expired, or it was withdrawn. Ask for a new one."},
	{account.ErrNoAccount, "Nobody has connected this identity with an account. Open the link of your invitation, and choose it there."},
}

// conflict returns what people are told of an error, and whether it is known.
func conflict(err error) (string, bool) {
	for _, c := range conflicts {
		if errors.Is(err, c.is) {
			if c.message == "" {
				return sentence(c.is.Error()), true
			}
			return c.message, true
		}
	}
	return "", false
}

// sentence is an error's text as one.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// fail answers an error: this is the one place where errors become pages.
func (v *visit) fail(err error) {
	if err == nil {
		return
	}
	switch {
	case errors.Is(err, account.ErrSession):
		err = v.askToSignIn("")
	case errors.Is(err, authority.ErrEnded): // since the request began
		v.dropCookie()
		v.token, v.visitor = "", nil
		err = v.askToSignIn("")
	case errors.Is(err, errPending):
		err = v.askForCode("")
	case errors.Is(err, account.ErrLink):
		v.note(slog.String("refused", "link"))
		err = v.render(http.StatusConflict, "link-gone", view{Title: "This link is of no use any more", Plain: true})
	default:
		f := v.failureOf(err)
		v.note(slog.String("refused", f.Heading))
		if v.visitor != nil && f.Status == http.StatusServiceUnavailable {
			v.visitor = nil // the frame of the page would ask the database again
		}
		err = v.render(f.Status, "error", view{Title: f.Heading, Data: f})
	}
	if err != nil {
		v.note(slog.String("error", err.Error()))
	}
}

// failureOf says what went wrong and what to do.
func (v *visit) failureOf(err error) failure {
	var refused *refusal
	var invalid *authority.InvalidError
	var forbidden *authority.ForbiddenError
	var unripe *authority.UnripeError
	var throttled *account.ThrottledError
	switch {
	case errors.As(err, &refused):
		return failure{refused.status, http.StatusText(refused.status), refused.message}
	case errors.As(err, &throttled):
		v.Header().Set("Retry-After", ratelimit.Seconds(throttled.Until.Sub(v.console.Authority.Now())))
		return failure{http.StatusTooManyRequests, "Too many tries", "Wait a while, then try again."}
	case errors.Is(err, account.ErrBusy):
		v.Header().Set("Retry-After", retryAfter)
		return failure{http.StatusServiceUnavailable, "Very many people sign in", "Try again in a moment."}
	case errors.Is(err, authority.ErrNotFound):
		return failure{http.StatusNotFound, "There is no such page", "It never was, was deleted, or is not for you to see."}
	case errors.As(err, &forbidden):
		return failure{http.StatusForbidden, "You may not do this", v.whyNot(forbidden)}
	case errors.Is(err, account.ErrConfirm):
		return failure{http.StatusForbidden, "Confirm that it is you", "For this it must be proven lately who you are. Sign out and in again."}
	case errors.As(err, &invalid):
		return failure{http.StatusBadRequest, "The form cannot be taken", sentence(invalid.Error())}
	case errors.Is(err, authority.ErrCursor): // C-195
		return failure{http.StatusBadRequest, "This page of the list is not to be had", "Its address is not one that this console has made for the list. Begin at the first page."}
	case errors.As(err, &unripe):
		return failure{http.StatusConflict, "Not yet", sentence(unripe.Error())}
	}
	if message, ok := conflict(err); ok {
		return failure{http.StatusConflict, "That did not work", message}
	}
	// Whatever else the domain returns means that the database could not answer.
	v.Header().Set("Retry-After", retryAfter)
	v.note(slog.String("error", err.Error()))
	return failure{http.StatusServiceUnavailable, "The database does not answer", "Nothing is known of what became of a change: look before you send it again. Tokens are issued all the while."}
}

// whyNot says what a role does not let do.
func (v *visit) whyNot(f *authority.ForbiddenError) string {
	if f.Scope == "" || v.visitor == nil {
		return f.Reason
	}
	return "Your role does not let you do this. Ask an administrator of the merchant, or an operator of the platform."
}
