package forwardauth

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/tokenwright/tokenwright/verify"
)

// The headers of a 200, from which gateways take who the caller is.
const (
	merchantHeader = "X-Tokenwright-Merchant-Id"
	envHeader      = "X-Tokenwright-Env"
	clientHeader   = "X-Tokenwright-Client-Id"
	scopeHeader    = "X-Tokenwright-Scope"
)

// letPass always sets each header: one that was missing would leave the client's
// own in its place at some gateways.
func letPass(w http.ResponseWriter, c *verify.Claims) {
	h := w.Header()
	h.Set(merchantHeader, c.MerchantID.Text)
	h.Set(envHeader, c.Env)
	h.Set(clientHeader, c.ClientID)
	h.Set(scopeHeader, c.Scope)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// refuse answers as verify does, but with no other status than a gateway
// understands, and returns what the log calls it.
func refuse(w http.ResponseWriter, r *http.Request, f *verify.Refusal) reason {
	why := reasonOf(f)
	note(w, slog.String("refused", string(why)))
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
	case http.StatusBadRequest:
		f.Status = http.StatusUnauthorized
	default:
		f.Status = http.StatusForbidden
		f.Message = "Access tokens cannot be verified at the moment. Try again later."
	}
	f.ServeHTTP(w, r)
	return why
}

// misconfigured answers a gateway that asks wrongly. Its client can do nothing
// about it and learns no more; the log says what is wrong.
func misconfigured(w http.ResponseWriter, r *http.Request, err error) reason {
	f := &fault{problem: err.Error()}
	errors.As(err, &f)
	note(w, slog.String("policy", f.policy), slog.String("problem", f.problem))
	return refuse(w, r, &verify.Refusal{
		Status: http.StatusForbidden, Err: f.reason,
		Message: "The gateway in front of this API asks for a check that does not exist. Tell whoever runs it.",
	})
}

// reason is what the log calls a refusal.
type reason string

// Error implements error.
func (r reason) Error() string { return string(r) }

const (
	reasonQuery              reason = "query"
	reasonUnknownPolicy      reason = "unknown_policy"
	reasonUnknownEnvironment reason = "unknown_environment"
	reasonEnvironment        reason = "other_environment"
	reasonMerchant           reason = "other_merchant"
	reasonOperator           reason = "no_merchant"
	reasonScope              reason = "insufficient_scope"
	reasonNoToken            reason = "no_token"
	reasonRequest            reason = "invalid_request"
	reasonUnavailable        reason = "unavailable"
)

var tokenReasons = []struct {
	err    error
	reason reason
}{
	{verify.ErrExpired, "expired"},
	{verify.ErrNotYet, "not_yet_valid"},
	{verify.ErrRevoked, "revoked"},
	{verify.ErrIssuer, "other_issuer"},
	{verify.ErrAudience, "other_audience"},
	{verify.ErrEnvironment, reasonEnvironment},
	{verify.ErrType, "other_type"},
	{verify.ErrKey, "unknown_key"},
	{verify.ErrAlgorithm, "algorithm"},
	{verify.ErrSignature, "signature"},
	{verify.ErrInvalid, "malformed"},
}

func reasonOf(f *verify.Refusal) reason {
	var own reason
	switch {
	case errors.As(f.Err, &own):
		return own
	case f.Status == http.StatusBadRequest:
		return reasonRequest
	case f.Status == http.StatusForbidden:
		return reasonScope
	case f.Status == http.StatusUnauthorized && f.Err == nil:
		return reasonNoToken
	}
	for _, t := range tokenReasons {
		if errors.Is(f.Err, t.err) {
			return t.reason
		}
	}
	return reasonUnavailable
}

// noteClient is a verify.Rule that lets everything pass: it comes first, so that
// the log says whose token the other rules refuse.
func noteClient(w http.ResponseWriter) verify.Rule {
	return func(_ *http.Request, c *verify.Claims) *verify.Refusal {
		note(w, slog.String("client_id", c.ClientID))
		return nil
	}
}

// note adds facts to the one log record of the request, where the server around
// us keeps one. Empty facts are left out.
func note(w http.ResponseWriter, attrs ...slog.Attr) {
	record, ok := w.(interface{ LogAttr(slog.Attr) })
	if !ok {
		return
	}
	for _, a := range attrs {
		if a.Value.String() != "" {
			record.LogAttr(a)
		}
	}
}
