// Package oauthapi is the OAuth surface: token endpoint, introspection,
// revocation and its feed, JWKS and metadata of every environment. It reads
// requests strictly, asks package authority, and writes answers; it alone knows
// OAuth's error codes. It holds no rules about who may have a token, and no
// state but who waits for the feed.
package oauthapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/ratelimit"
)

// Config is what the surface needs.
type Config struct {
	Authority *authority.Authority
	BaseURL   string // origin, without a slash at the end
	Registry  prometheus.Registerer
	// TokenLimit is how many tokens an API key may ask for in 5 minutes, from its
	// first request on; 0 for as many as it likes. Requests over it are refused,
	// or with TokenLimitDryRun only counted.
	TokenLimit       int
	TokenLimitDryRun bool
	// FailureLimit is after how many failures of authentication in 5 minutes more
	// of them with the same client ID are answered 429; ten times as many for an
	// address. 0 for never.
	FailureLimit int
	// Overloaded tells whether a request that has just come has waited for too long, for
	// there is more to do than the machine can. It is asked for each that costs a
	// signature or its check. nil: never.
	Overloaded func() bool
	// Stopping is done when the server begins to stop: requests that wait for
	// revocations are then answered. nil: never.
	Stopping context.Context
}

// API serves the OAuth endpoints.
type API struct {
	authority *authority.Authority
	baseURL   string
	refusals  map[string]*refusal // by reason
	metrics   *metrics
	cacheable []string  // Cache-Control of public documents
	exchanges sync.Pool // of *exchange
	tokens    *tokenLimit
	failures  *failureLimit
	polls     polls
	stopping  context.Context

	overloaded func() bool
}

// New returns the surface of one installation.
func New(c Config) *API {
	refusals := newRefusals(c.Authority.Installation().Prefix, c.BaseURL)
	stopping := c.Stopping
	if stopping == nil {
		stopping = context.Background()
	}
	overloaded := c.Overloaded
	if overloaded == nil {
		overloaded = func() bool { return false }
	}
	metrics := newMetrics(c.Registry, c.Authority.Environments(), refusals)
	a := &API{
		authority: c.Authority, baseURL: c.BaseURL, refusals: refusals, metrics: metrics,
		tokens: newTokenLimit(&c, metrics.limits), failures: newFailureLimit(&c, metrics.limits),
		cacheable: []string{"public, max-age=" + strconv.Itoa(int(c.Authority.JWKSMaxAge().Seconds()))},
		exchanges: sync.Pool{New: newExchange},
		polls:     polls{byAddress: map[netip.Addr]int{}}, stopping: stopping, overloaded: overloaded,
	}
	c.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tokenwright_feed_readers", Help: "Requests that wait for the next revocation.",
	}, func() float64 { return float64(a.polls.waiting()) }))
	return a
}

// Register hands the endpoints below the base URL to handle, the method of a
// mux: the common token endpoint, and those of every environment whose issuer is
// there. Patterns are literal: wildcards would conflict with other surfaces.
func (a *API) Register(handle func(pattern string, handler http.Handler)) {
	for _, path := range []string{"/oauth/token", "/api/oauth/token"} {
		handle(path, a.handle(a.countRefusals("", a.inTime(a.token("")))))
	}
	for i := range a.authority.Environments() {
		if env := &a.authority.Environments()[i]; origin(env.Issuer) == a.baseURL {
			a.registerEnvironment(handle, env)
		}
	}
}

// OwnHosts sends requests for a host that is an environment's own to that
// environment's endpoints, and there to nothing else; all other requests go to
// base. Hosts are compared exactly: no header but Host has a say.
func (a *API) OwnHosts(base http.Handler, notFound http.HandlerFunc) http.Handler {
	hosts := map[string]*http.ServeMux{}
	for i := range a.authority.Environments() {
		env := &a.authority.Environments()[i]
		if origin(env.Issuer) == a.baseURL {
			continue
		}
		host := authority.HostOf(env.Issuer)
		if hosts[host] == nil {
			hosts[host] = http.NewServeMux()
			hosts[host].HandleFunc("/", notFound)
		}
		a.registerEnvironment(hosts[host].Handle, env)
	}
	if len(hosts) == 0 {
		return base
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if mux, ok := hosts[strings.ToLower(r.Host)]; ok {
			mux.ServeHTTP(w, r)
			return
		}
		base.ServeHTTP(w, r)
	})
}

func (a *API) registerEnvironment(handle func(string, http.Handler), env *authority.Environment) {
	path := strings.TrimPrefix(env.Issuer, origin(env.Issuer))
	handle(path+"/oauth/token", a.handle(a.countRefusals(env.Name, a.inTime(a.token(env.Name)))))
	handle(path+"/api/oauth/token", a.handle(a.countRefusals(env.Name, a.inTime(a.token(env.Name)))))
	handle(path+"/oauth/introspect", a.handle(a.inTime(a.aboutToken(env, a.introspect))))
	handle(path+"/oauth/revoke", a.handle(a.aboutToken(env, a.revoke)))
	handle(path+"/oauth/revocations", a.handle(a.revocations(env)))
	handle(path+"/oauth/jwks", a.handle(a.public(a.jwks(env.Name))))
	handle(path+"/oauth/jwks/{file}", a.handle(a.public(a.pem(env.Name))))
	// RFC 8414 3: the well-known part stands before the issuer's path; the
	// OpenID form, which several libraries ask for alone, behind it.
	handle("/.well-known/oauth-authorization-server"+path, a.handle(a.public(a.metadata(env))))
	handle(path+"/.well-known/openid-configuration", a.handle(a.public(a.metadata(env))))
}

func origin(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// handle writes what h returns as an error. Refusals are answers; anything
// else is our fault and tells no details.
func (a *API) handle(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		reason, claimed := reasonOf(w, err)
		if a.refusals[reason].failed {
			if limit, left := a.failures.count(claimed, addressOf(r), a.authority.Now()); limit != "" {
				note(w, slog.String("cause", reason))
				w.Header()["Retry-After"] = []string{ratelimit.Seconds(left)}
				reason = limit
			}
		}
		note(w, slog.String("refused", reason))
		a.metrics.refused(reason)
		a.refusals[reason].write(w)
	})
}

// inTime refuses what has waited for too long: to begin with it would let all others
// wait longer, until their clients have gone and all work is for nobody.
func (a *API) inTime(next func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if a.overloaded() {
			return refuse(reasonOverloaded)
		}
		return next(w, r)
	}
}

// reasonOf is why a request is refused, and the well-formed client ID that it
// has, if any.
func reasonOf(w http.ResponseWriter, err error) (reason string, claimed authority.ClientID) {
	var refused *authority.Refusal
	var own refuse
	switch {
	case errors.As(err, &refused):
		note(w, slog.String("client_id", string(refused.ClientID)), slog.String("env", refused.Env))
		return string(refused.Reason), refused.ClientID
	case errors.As(err, &own):
		return string(own), ""
	case errors.Is(err, authority.ErrStale):
		return reasonStale, ""
	}
	note(w, slog.String("error", err.Error()))
	return reasonInternal, ""
}

// note adds facts to the one log record of the request, where the server
// around us keeps one. Empty facts are left out.
func note(w http.ResponseWriter, attrs ...slog.Attr) {
	record, ok := w.(interface{ LogAttr(slog.Attr) })
	if !ok {
		return
	}
	for _, a := range attrs {
		if a.Value.Kind() != slog.KindString || a.Value.String() != "" {
			record.LogAttr(a)
		}
	}
}

// methods refuses every method but the given ones.
func methods(w http.ResponseWriter, r *http.Request, allowed ...string) error {
	if slices.Contains(allowed, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(allowed, ", ")) // RFC 9110 15.5.6
	return refuse(reasonMethod)
}

// Header values that answers share, to make none anew for each token. net/http
// reads them and no more.
var (
	jsonContent  = []string{jsonType}
	noStoreValue = []string{"no-store"}
	noCacheValue = []string{"no-cache"}
)

// selfCounted is the size in bytes below which net/http finds Content-Length by
// itself, and cheaper: what its buffer of an answer holds.
const selfCounted = 2048

// writeJSON writes a body that is JSON already.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	writeBody(w, status, jsonContent, body)
}

func writeBody(w http.ResponseWriter, status int, contentType []string, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	if len(body) >= selfCounted {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone: nothing to do about it
}
