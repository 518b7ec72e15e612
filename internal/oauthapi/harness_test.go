package oauthapi

import (
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

const (
	base     = "https://auth.example.com"
	reports  = "https://reports.example.com" // the resource server of one scope
	merchant = "4259"
)

// The addresses of token endpoints: the common one, and demo's own.
var (
	commonEndpoints = []string{"/oauth/token", "/api/oauth/token"}
	demoEndpoints   = []string{"/demo/oauth/token", "/demo/api/oauth/token"}
)

var actor = authority.Actor{Permissions: authority.Everything(), ID: "test"}

// installation is the surface over a real authority and a real database, with
// a clock that stands still.
type installation struct {
	testing.TB
	*authority.Authority
	path     string // of the database
	store    *store.Store
	config   authority.Config
	now      atomic.Int64 // Unix milliseconds
	registry *prometheus.Registry
	limits   Config // only what it says of limits counts; none by default
	api      *API
	handler  http.Handler
	secrets  []string // all that were made; none may be logged
}

// install makes an installation with merchant 4259 and a catalogue. change, if
// any, adjusts demo, production and platform before.
func install(t testing.TB, change func(demo, production *authority.Environment)) *installation {
	t.Helper()
	in := &installation{TB: t, path: filepath.Join(t.TempDir(), "tokenwright.db")}
	in.now.Store(1764000000123)
	environments := []authority.Environment{environment("demo"), environment("production"), environment(authority.Platform)}
	if change != nil {
		change(&environments[0], &environments[1])
	}
	var err error
	in.store, err = storetest.OpenSQLite(t.Context(), in.path)
	in.must(err)
	t.Cleanup(func() { _ = in.store.Close() }) // some tests have closed it before
	master, _ := authority.NewMasterKey()
	in.config = authority.Config{
		Store: in.store, MasterKeys: []authority.MasterKey{master}, Clock: in.time, BaseURL: base, Environments: environments,
	}
	in.must(authority.Initialize(t.Context(), in.config, "tw", authority.MerchantNumbers, actor))
	in.Authority, err = authority.Open(t.Context(), in.config)
	in.must(err)
	in.must(in.LoadDirectory(t.Context()))
	in.merchant(merchant)
	for _, name := range []string{"customers:read", "customers:write", "coupons:read", "payments:read"} {
		in.scope(name, "")
	}
	in.scope("reports:read", reports)
	in.serve()
	return in
}

func environment(name string) authority.Environment {
	return authority.Environment{
		Name: name, Issuer: base + "/" + name, Audience: base + "/" + name + "/api", Algorithm: jose.ES256, TokenLifetime: time.Hour,
	}
}

// serve wires the surface as the server does.
func (in *installation) serve() {
	in.registry = prometheus.NewRegistry()
	c := in.limits
	c.Authority, c.BaseURL, c.Registry = in.Authority, base, in.registry
	in.api = New(c)
	mux := http.NewServeMux()
	mux.HandleFunc("/", http.NotFound)
	in.api.Register(mux.Handle)
	in.handler = in.api.OwnHosts(mux, http.NotFound)
}

func (in *installation) time() time.Time { return time.UnixMilli(in.now.Load()) }

func (in *installation) advance(d time.Duration) { in.now.Add(d.Milliseconds()) }

func (in *installation) must(err error) {
	in.Helper()
	if err != nil {
		in.Fatal(err)
	}
}

func (in *installation) merchant(id authority.MerchantID) {
	in.Helper()
	_, err := in.CreateMerchant(in.Context(), actor, authority.NewMerchant{ID: id, Name: "Merchant " + string(id)})
	in.must(err)
	limit := 1000
	_, err = in.UpdateMerchant(in.Context(), actor, id, authority.MerchantUpdate{KeyLimit: &limit})
	in.must(err)
}

func (in *installation) scope(name, resource string) {
	in.Helper()
	_, err := in.CreateScope(in.Context(), actor, authority.Scope{Name: name, Resource: resource})
	in.must(err)
}

// sql changes the database behind the authority's back.
func (in *installation) sql(query string, args ...any) {
	in.Helper()
	db, err := sql.Open("sqlite", in.path)
	in.must(err)
	defer db.Close()
	_, err = db.ExecContext(in.Context(), query, args...)
	in.must(err)
}

// apiKey is an API key as its owner has it.
type apiKey struct{ id, secret string }

func (in *installation) key(env string, scopes ...string) apiKey {
	in.Helper()
	return in.create(authority.NewAPIKey{MerchantID: merchant, Env: env, Scopes: scopes})
}

func (in *installation) operatorKey(scopes ...string) apiKey {
	in.Helper()
	return in.create(authority.NewAPIKey{Env: authority.Platform, Scopes: scopes})
}

func (in *installation) create(n authority.NewAPIKey) apiKey {
	in.Helper()
	n.Name = "Key"
	k, secret, err := in.CreateAPIKey(in.Context(), actor, n)
	in.must(err)
	in.secrets = append(in.secrets, secret.Reveal())
	return apiKey{string(k.ID), secret.Reveal()}
}

// request returns the parameters of a token request of k, and extra ones.
func (k apiKey) request(extra ...string) []string {
	return append([]string{"grant_type", "client_credentials", "client_id", k.id, "client_secret", k.secret}, extra...)
}

// grant is a token request without credentials.
func grant(extra ...string) []string {
	return append([]string{"grant_type", "client_credentials"}, extra...)
}

// encoding is one of the two ways to write a token request.
type encoding struct {
	name, contentType string
	encode            func(pairs ...string) string
}

var (
	asJSON    = encoding{"JSON", "application/json", jsonBody}
	asForm    = encoding{"form", "application/x-www-form-urlencoded", formBody}
	encodings = []encoding{asJSON, asForm}
)

// recorder is the server's writer: handlers add facts to the log through it.
type recorder struct {
	*httptest.ResponseRecorder
	logged []slog.Attr
}

func (r *recorder) LogAttr(a slog.Attr) { r.logged = append(r.logged, a) }

// do has the request answered, and sees to it that no secret and no token
// reached the log (C-225).
func (in *installation) do(r *http.Request) *answer {
	in.Helper()
	w := &recorder{ResponseRecorder: httptest.NewRecorder()}
	in.handler.ServeHTTP(w, r)
	logged := slog.GroupValue(w.logged...).String()
	for _, secret := range in.secrets {
		if strings.Contains(logged, secret[len(secret)-40:len(secret)-6]) {
			in.Errorf("the log has a secret: %s", logged)
		}
	}
	if strings.Contains(logged, "eyJhbGciOi") {
		in.Errorf("the log has a token: %s", logged)
	}
	return &answer{in, w.Code, w.Result().Header, w.Body.String()}
}

// newRequest has name and value of headers behind the body.
func newRequest(method, path string, body io.Reader, header ...string) *http.Request {
	r := httptest.NewRequest(method, path, body)
	r.Host = "auth.example.com"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func (in *installation) get(path string, header ...string) *answer {
	in.Helper()
	return in.do(newRequest("GET", path, nil, header...))
}

// post sends body as contentType, "" for none.
func (in *installation) post(path, contentType, body string, header ...string) *answer {
	in.Helper()
	if contentType != "" {
		header = append(header, "Content-Type", contentType)
	}
	return in.do(newRequest("POST", path, strings.NewReader(body), header...))
}

// ask sends a token request to the common endpoint.
func (in *installation) ask(e encoding, pairs []string, header ...string) *answer {
	in.Helper()
	return in.post("/oauth/token", e.contentType, e.encode(pairs...), header...)
}
