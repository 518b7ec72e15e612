package verify

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Refusal is why a request is not let pass, and how that is answered: with a
// challenge (RFC 6750 3), and the body {"code":"401","message":"Expired token."}.
type Refusal struct {
	Status  int    // 400, 401, 403, 429, 500 or 503
	Code    string // of RFC 6750 3.1: invalid_request, invalid_token, insufficient_scope; "" where there is none
	Message string // for the developer of the client; it never quotes the token
	Scope   string // what is needed, space separated; "" unless scopes are lacking
	Err     error  // what Verify returned; nil where the token was not at fault

	realm string
}

// The codes of RFC 6750 3.1.
const (
	codeRequest = "invalid_request"
	codeToken   = "invalid_token"
	codeScope   = "insufficient_scope"
)

// Error implements error.
func (f *Refusal) Error() string { return f.Message }

// Unwrap returns Err.
func (f *Refusal) Unwrap() error { return f.Err }

// Forbid is what a Rule returns to answer with status 403. The message goes into
// the answer.
func Forbid(message string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Code: codeScope, Message: message}
}

func badRequest(message string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: codeRequest, Message: message}
}

// noToken carries no code: the request had nothing wrong in it (RFC 6750 3.1).
func noToken() *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Message: "Access token missing. Send it in the Authorization header, as Bearer."}
}

// refusalOf answers what Verify returned. Only what is the token's fault is 401:
// a client drops its token then.
func refusalOf(err error) *Refusal {
	if !errors.Is(err, ErrInvalid) {
		return &Refusal{
			Status: http.StatusServiceUnavailable, Err: err,
			Message: "Access tokens cannot be verified at the moment. Try again after the time in Retry-After.",
		}
	}
	message := ""
	for _, m := range messages {
		if errors.Is(err, m.is) {
			message = m.text
		}
	}
	return &Refusal{Status: http.StatusUnauthorized, Code: codeToken, Message: message, Err: err}
}

var messages = []struct {
	is   error
	text string
}{
	{ErrInvalid, "Malformed token."}, // which every one below is as well
	{ErrExpired, "Expired token."},
	{ErrRevoked, "Revoked token."},
	{ErrNotYet, "Token not valid yet. Its times lie ahead of this server's clock."},
	{ErrIssuer, "Token of another issuer."},
	{ErrAudience, "Token for another API: its aud is not this one."},
	{ErrEnvironment, "Token of another environment."},
	{ErrType, "Not an access token."},
	{ErrKey, "Token not signed by a key of the issuer."},
	{ErrAlgorithm, "Token not signed by a key of the issuer."},
	{ErrSignature, "Token not signed by a key of the issuer."},
}

// retryAfter is how long to wait where tokens cannot be verified, in seconds.
const retryAfter = "5"

// ServeHTTP writes the answer; it implements http.Handler.
func (f *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	if f.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	if f.Status < http.StatusTooManyRequests {
		h.Set("WWW-Authenticate", f.challenge())
	}
	f.writeBody(w)
}

func (f *Refusal) writeBody(w http.ResponseWriter) {
	body, err := json.Marshal(struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{strconv.Itoa(f.Status), f.Message})
	if err != nil {
		panic(err) // two strings
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body) // the client may be gone: nothing to do about it
}

// challenge is RFC 6750 3.
func (f *Refusal) challenge() string {
	var parameters []string
	if f.realm != "" {
		parameters = append(parameters, `realm=`+quoted(f.realm))
	}
	if f.Code != "" {
		parameters = append(parameters, `error="`+f.Code+`"`, `error_description=`+quoted(f.Message))
	}
	if f.Scope != "" {
		parameters = append(parameters, `scope=`+quoted(f.Scope))
	}
	return strings.TrimSpace("Bearer " + strings.Join(parameters, ", "))
}

// quoted is a quoted-string (RFC 9110 5.6.4) of what may stand in an
// error_description (RFC 6750 3): printable ASCII without " and \.
func quoted(text string) string {
	return `"` + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text) + `"`
}
