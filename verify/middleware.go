package verify

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Middleware lets requests pass that carry an access token which is good and
// obeys every rule; behind it FromContext has the claims. All others are
// answered as Refusal says.
func (v *Verifier) Middleware(rules ...Rule) func(http.Handler) http.Handler {
	return middleware(v.Authenticate, rules)
}

func middleware(authenticate func(*http.Request, ...Rule) (*Claims, *Refusal), rules []Rule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, refusal := authenticate(r, rules...)
			if refusal != nil {
				refusal.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, claims)))
		})
	}
}

type contextKey struct{}

// FromContext returns the claims of the access token that Middleware has let
// pass; false where there was none.
func FromContext(ctx context.Context) (*Claims, bool) {
	claims, ok := ctx.Value(contextKey{}).(*Claims)
	return claims, ok
}

// Authenticate is what Middleware does before it passes a request on, for those
// who answer in their own way: one of the two results is nil.
func (v *Verifier) Authenticate(r *http.Request, rules ...Rule) (*Claims, *Refusal) {
	return authenticate(r, v.Verify, v.config.Audience, rules)
}

func authenticate(r *http.Request, verify func(context.Context, string) (*Claims, error), realm string, rules []Rule) (*Claims, *Refusal) {
	token, refusal := bearer(r)
	if refusal == nil {
		claims, err := verify(r.Context(), token)
		if err != nil {
			refusal = refusalOf(err)
		}
		for i := 0; refusal == nil && i < len(rules); i++ {
			refusal = rules[i](r, claims)
		}
		if refusal == nil {
			return claims, nil
		}
	}
	own := *refusal // a Rule may return the same one for all requests
	own.realm = realm
	return nil, &own
}

// Rule says whether a request may pass with the claims of its access token,
// which is good: nil if so, else what Forbid returns.
type Rule func(r *http.Request, c *Claims) *Refusal

// Require wants each of the scopes, letter by letter. Without any it lets
// nothing pass.
func Require(scopes ...string) Rule {
	needed := strings.Join(scopes, " ")
	missing := &Refusal{
		Status: http.StatusForbidden, Code: codeScope, Scope: needed, Message: "The access token lacks a scope that is needed here: " + needed + ".",
	}
	return func(_ *http.Request, c *Claims) *Refusal {
		lacks := func(scope string) bool { return !c.HasScope(scope) }
		if len(scopes) == 0 || slices.ContainsFunc(scopes, lacks) {
			refusal := *missing
			return &refusal
		}
		return nil
	}
}

// RequireMerchant wants the token's merchant to be the one that the path names:
// for patterns such as /merchants/{merchantId}/orders, with pathValue
// "merchantId". It belongs behind the ServeMux that has matched the pattern.
func RequireMerchant(pathValue string) Rule {
	return func(r *http.Request, c *Claims) *Refusal {
		if id := c.MerchantID.Text; id == "" || id != r.PathValue(pathValue) {
			return Forbid("The access token is not for this merchant.")
		}
		return nil
	}
}

// bearer returns the one token of a request (RFC 6750 2.1). A token in the query
// does not count (C-115).
func bearer(r *http.Request) (string, *Refusal) {
	headers := r.Header["Authorization"]
	if len(headers) > 1 {
		return "", badRequest("There is more than one Authorization header.")
	}
	if len(headers) == 0 {
		return "", noToken()
	}
	scheme, token, _ := strings.Cut(headers[0], " ") // RFC 9110 11.4: one or more spaces
	if !strings.EqualFold(scheme, "Bearer") {
		return "", noToken()
	}
	if holdsToken(r.URL.RawQuery) {
		return "", badRequest("There is a token in the Authorization header and one in the query.")
	}
	return strings.TrimLeft(token, " "), nil
}

// holdsToken tells whether a query has the parameter of RFC 6750 2.3, however it
// is written. Others may have names or values that look like it.
func holdsToken(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		raw, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(raw); err == nil && name == "access_token" {
			return true
		}
	}
	return false
}
