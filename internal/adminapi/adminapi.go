// Package adminapi is the admin API: management over HTTP, for programs. It is
// the first API that Tokenwright itself protects, with its own access tokens
// and its own package verify.
//
// It reads requests strictly, calls package authority, and writes answers. Who
// may do what is decided there; here is known only which scope an endpoint is
// for, so that others are refused before anything is read.
package adminapi

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/ratelimit"
	"github.com/tokenwright/tokenwright/internal/webhook"
	"github.com/tokenwright/tokenwright/verify"
)

// Root is below which every endpoint lies.
const Root = "/admin/v1"

// timeout is how long a request may take with what makes a change act on this
// node: whoever asks has an answer within 5 s.
const timeout = 4500 * time.Millisecond

// Config is what the surface needs.
type Config struct {
	Authority *authority.Authority
	Accounts  *account.Accounts
	// Issuers verify the access tokens: those of every environment, for the
	// audience <url>/admin.
	Issuers verify.Issuers
	// Limit is how many requests an API key may make in 5 minutes; 0: as many
	// as it likes.
	Limit int
	// Webhooks tell of themselves and of the delivery log; nil: there are none.
	Webhooks *webhook.Dispatcher
}

// API serves the admin API.
type API struct {
	authority *authority.Authority
	accounts  *account.Accounts
	issuers   verify.Issuers
	limit     *ratelimit.Policy // nil for none
	counts    ratelimit.Memory
	wire      wire
	webhooks  *webhook.Dispatcher
}

// New returns the surface of one installation.
func New(c Config) *API {
	a := &API{
		authority: c.Authority, accounts: c.Accounts, issuers: c.Issuers, webhooks: c.Webhooks,
		wire: wire{c.Authority.Installation().MerchantIDs, c.Authority.Now, c.Authority.BaseURL()},
	}
	if a.webhooks == nil {
		a.webhooks = webhook.New(webhook.Config{})
	}
	if c.Limit > 0 {
		a.limit = ratelimit.NewPolicy("admin", c.Limit, 5*time.Minute)
	}
	return a
}

// Register hands the endpoints to handle, the method of a mux, for whoever has
// an access token.
func (a *API) Register(handle func(pattern string, handler http.Handler)) {
	a.register(func(pattern string, handler http.Handler) { handle(pattern, limited(handler)) }, a.bearer)
}

// limited ends what takes longer than the timeout. Who is at the command line may
// wait: a merchant can have very many API keys.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// register adds the endpoints for those whom who lets pass.
func (a *API) register(handle func(string, http.Handler), who authenticator) {
	byPath := map[string][]*route{}
	for i := range routes {
		byPath[routes[i].Path] = append(byPath[routes[i].Path], &routes[i])
	}
	for path, list := range byPath {
		handle(Root+path, a.methods(list, who))
	}
	handle(Root+"/", http.HandlerFunc(a.unknown))
	handle(Root, http.HandlerFunc(a.unknown))
}

func (a *API) unknown(w http.ResponseWriter, _ *http.Request) {
	writeError(w, reasonNotFound, "There is no such endpoint. They are listed in the reference, /openapi.json.")
}

// methods is a path: one endpoint for each of its methods.
func (a *API) methods(list []*route, who authenticator) http.Handler {
	allowed := []string{}
	for _, e := range list {
		allowed = append(allowed, e.Method)
	}
	slices.Sort(allowed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, e := range list {
			if e.Method == r.Method {
				a.serve(w, r, e, who)
				return
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", ")) // RFC 9110 15.5.6
		writeError(w, reasonMethod, "This endpoint takes "+strings.Join(allowed, ", ")+" and no other method.")
	})
}

// authenticator says who sends a request to an endpoint, or answers it.
type authenticator func(w http.ResponseWriter, r *http.Request, e *route) (authority.Actor, bool)

// bearer is the authenticator of requests with an access token. Those of a good
// one are counted; then it needs the scope of the endpoint.
func (a *API) bearer(w http.ResponseWriter, r *http.Request, e *route) (authority.Actor, bool) {
	claims, refusal := a.issuers.Authenticate(r, named(w), a.counted(w), verify.Require(e.Scope))
	if refusal != nil {
		if refusal.Err != nil {
			note(w, slog.String("refused", refusal.Err.Error()))
		} else if refusal.Status >= http.StatusForbidden {
			note(w, slog.String("refused", cmp.Or(refusal.Code, "rate_limit")))
		}
		refusal.ServeHTTP(w, r)
		return authority.Actor{}, false
	}
	permissions, err := a.authority.PermissionsOf(claims)
	switch {
	case errors.Is(err, authority.ErrNotFound): // its API key went since the token was verified
		a.fail(w, authority.ErrEnded)
		return authority.Actor{}, false
	case err != nil:
		a.fail(w, err)
		return authority.Actor{}, false
	}
	return authority.Actor{
		ID: authority.ClientID(claims.ClientID).ActorID(), Address: addressOf(r), RequestID: w.Header().Get("X-Request-Id"), Permissions: permissions,
		Standing: authority.Standing{Generation: claims.Generation},
	}, true
}

// named notes whose token it is, whatever becomes of the request.
func named(w http.ResponseWriter) verify.Rule {
	return func(_ *http.Request, c *verify.Claims) *verify.Refusal {
		note(w, slog.String("client_id", c.ClientID), slog.String("env", c.Env), slog.String("jti", c.ID))
		return nil
	}
}

// counted counts the requests of each API key.
func (a *API) counted(w http.ResponseWriter) verify.Rule {
	return func(r *http.Request, c *verify.Claims) *verify.Refusal {
		if a.limit == nil {
			return nil
		}
		used, left, err := a.counts.Count(r.Context(), c.ClientID, a.limit.Window)
		if err != nil {
			return &verify.Refusal{Status: http.StatusServiceUnavailable, Err: err, Message: unavailable}
		}
		a.limit.WriteHeaders(w.Header(), used, left)
		if a.limit.Allows(used) {
			return nil
		}
		return &verify.Refusal{Status: http.StatusTooManyRequests, Message: "Too many requests of this API key. Try again after the time in Retry-After."}
	}
}

// serve answers one request.
func (a *API) serve(w http.ResponseWriter, r *http.Request, e *route, who authenticator) {
	actor, ok := who(w, r, e)
	if !ok {
		return
	}
	request, err := a.read(w, r, e, actor)
	if err != nil {
		a.fail(w, err)
		return
	}
	if once := request.actor.Once; once != nil {
		once.Answer = func(result any) ([]byte, error) { return a.rendered(e, result) }
		if done := a.replay(w, request); done {
			return
		}
	}
	result, err := e.handle(a, request)
	if err != nil {
		a.failed(w, request, err)
		return
	}
	answer, err := a.render(e, result)
	if err != nil {
		a.fail(w, err)
		return
	}
	answer.write(w)
}

// addressOf is where the request came from, as the server around us tells it;
// "" where it does not.
func addressOf(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return from.Addr().Unmap().String()
}

// note adds facts to the one log record of the request, where the server
// around us keeps one.
func note(w http.ResponseWriter, attrs ...slog.Attr) {
	record, ok := w.(interface{ LogAttr(slog.Attr) })
	for i := 0; ok && i < len(attrs); i++ {
		record.LogAttr(attrs[i])
	}
}
