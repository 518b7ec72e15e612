// Package forwardauth is the check that gateways ask before they let a request
// pass: nginx with auth_request, Caddy and Traefik with forward auth, Envoy with
// HTTP ext_authz. It answers for the token in the Authorization header, and tells
// who it is in headers of its own.
//
// It owns what a gateway may ask and how it is answered: 200, 401 or 403, for
// gateways make of everything else an error of their own. How tokens are judged
// it leaves to package verify; it knows no authority and no store.
package forwardauth

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/verify"
)

// Path is where the check is: at Path itself the query says what is needed, at
// Path/{policy} and whatever a gateway appends to it the named policy does.
const Path = "/forward-auth"

// The routes as metrics and logs name them.
const (
	queryRoute  = Path
	policyRoute = Path + "/{policy}/{rest...}"
)

// Config is what the check needs.
type Config struct {
	// Verifier returns what verifies the access tokens of an environment, or nil
	// where there is no such environment here.
	Verifier func(env string) *verify.Verifier
	// Policies by name, for gateways that append the path and query of their
	// client to the address. nil: none.
	Policies map[string]Policy
	// Registry receives the metric of this package. nil: nothing is counted.
	Registry prometheus.Registerer
}

// Handler answers at Path and below it, whatever the method and the rest of the
// path; it reads no body.
type Handler struct {
	verifier func(env string) *verify.Verifier
	policies map[string]*check
	outcomes outcomes
}

// New returns the check.
func New(c Config) *Handler {
	h := &Handler{verifier: c.Verifier, policies: map[string]*check{}, outcomes: newOutcomes(c.Registry)}
	for name, p := range c.Policies {
		h.policies[name] = newCheck(name, p)
	}
	return h
}

// Serves tells whether a path, decoded, is the check's.
func Serves(path string) bool { return path == Path || strings.HasPrefix(path, Path+"/") }

// Before answers what is the check's and leaves the rest to next. No ServeMux may
// come first: it would redirect the paths of clients that gateways append, and
// CONNECT.
func (h *Handler) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Serves(r.URL.Path) {
			h.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.outcomes.count(h.check(w, r))
}

// check answers, and returns why the request may not pass, or passed.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) reason {
	c, err := h.find(r)
	if err != nil {
		return misconfigured(w, r, err)
	}
	note(w, slog.String("policy", c.name), slog.String("env", c.policy.Env))
	verifier := h.verifier(c.policy.Env)
	if verifier == nil {
		return misconfigured(w, r, errEnvironment)
	}
	claims, refusal := verifier.Authenticate(withoutQuery(r), noteClient(w), c.judge)
	if refusal != nil {
		return refuse(w, r, refusal)
	}
	letPass(w, claims)
	return passed
}

// withoutQuery is the request as its token is judged. Its query is that of the
// check, which has been read, or of the gateway's client: whether that has a token
// in it is for the API to say, as it is behind gateways that send no query here.
func withoutQuery(r *http.Request) *http.Request {
	if r.URL.RawQuery == "" {
		return r
	}
	bare, address := *r, *r.URL
	address.RawQuery, bare.URL = "", &address
	return &bare
}

// find returns what the request is to be checked for. The path is taken as it was
// sent, and only up to the end of the policy's name: what follows is the gateway's
// client's, as is the query then, and neither has a say.
func (h *Handler) find(r *http.Request) (*check, error) {
	path := r.URL.EscapedPath()
	if path == Path {
		r.Pattern = queryRoute
		return checkOfQuery(r.URL.RawQuery)
	}
	r.Pattern = policyRoute
	rest, _ := strings.CutPrefix(path, Path+"/")
	name, _, _ := strings.Cut(rest, "/")
	if c := h.policies[name]; c != nil {
		return c, nil
	}
	return nil, unknownPolicy(name)
}

// Unavailable answers for a check that cannot be made yet.
func Unavailable(w http.ResponseWriter, r *http.Request) {
	r.Pattern = policyRoute
	if r.URL.Path == Path {
		r.Pattern = queryRoute
	}
	refuse(w, r, &verify.Refusal{Status: http.StatusServiceUnavailable})
}
