package adminapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/oauthapi"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/storetest"
	"github.com/tokenwright/tokenwright/internal/webhook"
	"github.com/tokenwright/tokenwright/verify"
)

// no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(withPostgres{m}) }

// withPostgres ends the database server of the tests behind them.
type withPostgres struct{ tests *testing.M }

func (w withPostgres) Run() int { return postgrestest.Main(w.tests) }

const (
	base = "https://auth.example.com"
	ours = authority.MerchantID("4259") // the merchant of most tests
)

var root = authority.Actor{Permissions: authority.Everything(), ID: "test"}

// installation is the surface over a real authority and a real database, with
// a clock that stands still.
type installation struct {
	testing.TB
	*authority.Authority
	store    *store.Store
	accounts *account.Accounts
	config   authority.Config
	now      *atomic.Int64 // Unix milliseconds
	handler  http.Handler
}

// template is the database that install begins with: it is made once, for the
// schema takes its time.
var template struct {
	sync.Once
	master authority.MasterKey
	file   []byte
}

// install makes an installation in SQLite with merchant 4259 and a catalogue.
func install(t testing.TB) *installation {
	t.Helper()
	return installAt(t, filepath.Join(t.TempDir(), "tokenwright.db"))
}

// installAt is install with the database at path.
func installAt(t testing.TB, path string) *installation {
	t.Helper()
	template.Do(func() {
		first := filepath.Join(t.TempDir(), "template.db")
		in := installIn(t, openSQLite(t, first))
		in.must(in.store.Close())
		var err error
		template.file, err = os.ReadFile(first)
		in.must(err)
		template.master = in.config.MasterKeys[0]
	})
	in := newInstallation(t, template.master)
	in.must(os.WriteFile(path, template.file, 0o600))
	return in.node(openSQLite(t, path))
}

func openSQLite(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := storetest.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests have closed it before
	return s
}

// installIn is install in the empty database of s, with keys of its own.
func installIn(t testing.TB, s *store.Store) *installation {
	t.Helper()
	master, _ := authority.NewMasterKey()
	in := newInstallation(t, master)
	in.config.Store = s
	in.must(authority.Initialize(t.Context(), in.config, "tw", authority.MerchantNumbers, root))
	in = in.node(s)
	in.merchant(ours)
	for _, name := range []string{"customers:read", "customers:write", "coupons:read"} {
		_, err := in.CreateScope(t.Context(), root, authority.Scope{Name: name})
		in.must(err)
	}
	return in
}

// newInstallation is one without a node.
func newInstallation(t testing.TB, master authority.MasterKey) *installation {
	in := &installation{TB: t, now: new(atomic.Int64)}
	in.now.Store(1764000000123)
	in.config = authority.Config{MasterKeys: []authority.MasterKey{master}, Clock: in.time, BaseURL: base}
	for _, name := range []string{"demo", "production", authority.Platform} {
		in.config.Environments = append(in.config.Environments, authority.Environment{
			Name: name, Issuer: base + "/" + name, Audience: base + "/" + name + "/api", Algorithm: jose.EdDSA, TokenLifetime: time.Hour,
		})
	}
	in.config.Environments[2].Audience = base + "/admin"
	return in
}

// node is a further node of the same installation, with a store of its own.
func (in *installation) node(s *store.Store) *installation {
	in.Helper()
	next := *in
	next.store, next.config.Store = s, s
	var err error
	next.Authority, err = authority.Open(in.Context(), next.config)
	in.must(err)
	in.must(next.LoadDirectory(in.Context()))
	next.serve(0)
	return &next
}

// serve wires the surface as the server does.
func (in *installation) serve(limit int) {
	in.Helper()
	in.accounts = account.New(in.Authority, in.store)
	var issuers verify.Issuers
	for i := range in.Environments() {
		issuers = append(issuers, oauthapi.Verifier(in.Authority, &in.Environments()[i], base+"/admin"))
	}
	mux := http.NewServeMux()
	adminapi.New(adminapi.Config{
		Authority: in.Authority, Accounts: in.accounts, Issuers: issuers, Limit: limit,
		Webhooks: webhook.New(webhook.Config{Store: in.store, Webhooks: []webhook.Webhook{{Name: "orders", URL: "https://orders.example.com"}}}),
	}).Register(mux.Handle)
	in.handler = mux
}

func (in *installation) time() time.Time { return time.UnixMilli(in.now.Load()) }

// advance moves the clock, and has the node look at the database as it does all
// the time.
func (in *installation) advance(d time.Duration) {
	in.Helper()
	in.now.Add(d.Milliseconds())
	in.must(in.LoadDirectory(in.Context()))
}

func (in *installation) must(err error) {
	in.Helper()
	if err != nil {
		in.Fatal(err)
	}
}

func (in *installation) merchant(id authority.MerchantID) {
	in.Helper()
	limit := 1000
	_, err := in.CreateMerchant(in.Context(), root, authority.NewMerchant{ID: id, Name: "Merchant " + string(id), KeyLimit: &limit})
	in.must(err)
}

// apiKey is an API key as its owner has it.
type apiKey struct {
	id     authority.ClientID
	secret string
}

// key makes an API key of merchant 4259.
func (in *installation) key(env string, scopes ...string) apiKey {
	in.Helper()
	return in.create(authority.NewAPIKey{MerchantID: ours, Env: env, Scopes: scopes})
}

func (in *installation) operator(scopes ...string) apiKey {
	in.Helper()
	return in.create(authority.NewAPIKey{Env: authority.Platform, Scopes: scopes})
}

func (in *installation) create(n authority.NewAPIKey) apiKey {
	in.Helper()
	n.Name = "Key"
	k, secret, err := in.CreateAPIKey(in.Context(), root, n)
	in.must(err)
	return apiKey{k.ID, secret.Reveal()}
}

// token asks for an access token for the admin API, with all the management
// scopes of the key where none is given.
func (in *installation) token(k apiKey, scopes ...string) string {
	in.Helper()
	if scopes == nil {
		stored, err := in.APIKey(in.Context(), root, k.id)
		in.must(err)
		scopes = slices.DeleteFunc(stored.Scopes, func(s string) bool { return !authority.ManagementScope(s) })
	}
	return in.issue(k, strings.Join(scopes, " "))
}

// issue asks for an access token with the scope, "" for the default.
func (in *installation) issue(k apiKey, scope string) string {
	in.Helper()
	token, err := in.IssueToken(&authority.TokenRequest{
		ClientID: string(k.id), ClientSecret: k.secret, Scope: scope, Address: netip.MustParseAddr("192.0.2.1"),
	})
	in.must(err)
	return string(token.AccessToken)
}

// answer is what came back.
type answer struct {
	*installation
	status int
	header http.Header
	body   string
	logged string
}

// recorder is the server's writer: handlers add facts to the log through it.
type recorder struct {
	*httptest.ResponseRecorder
	logged []slog.Attr
}

func (r *recorder) LogAttr(a slog.Attr) { r.logged = append(r.logged, a) }

// do has the request answered. Whatever is asked, no answer is stored, the log
// has neither secret nor token (C-225), and a secret, or a link, stands only in
// the answer to what has made it (C-190, C-478).
func (in *installation) do(r *http.Request) *answer {
	w := &recorder{ResponseRecorder: httptest.NewRecorder()}
	in.handler.ServeHTTP(w, r)
	a := &answer{in, w.Code, w.Result().Header, w.Body.String(), slog.GroupValue(w.logged...).String()}
	what := r.Method + " " + r.URL.Path
	if strings.Contains(a.logged, "tws_") || strings.Contains(a.logged, "eyJ") {
		in.Errorf("%s: the log has a secret or a token: %s", what, a.logged)
	}
	makes := r.Method == "POST" && a.status == 201 && (strings.HasSuffix(r.URL.Path, "/api-keys") || strings.HasSuffix(r.URL.Path, "/rotate"))
	if strings.Contains(a.body, "tws_") && !makes {
		in.Errorf("%s: the answer has a secret: %s", what, a.body)
	}
	links := r.Method == "POST" && a.status/100 == 2 && (strings.HasSuffix(r.URL.Path, "/reset") || strings.HasSuffix(r.URL.Path, "/portal-links"))
	if strings.Contains(a.body+a.logged+a.header.Get("Location"), account.LinkPath) != links || strings.Contains(a.logged, account.LinkPath) {
		in.Errorf("%s: a link stands where it should not, or not where it should: %s, logged %s", what, a.body, a.logged)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" && a.status/100 != 3 {
		in.Errorf("%s: Cache-Control: %q", what, got)
	}
	return a
}

// send sends a request with the token; a body is JSON. header has names and
// values.
func (in *installation) send(token, method, path, body string, header ...string) *answer {
	r := httptest.NewRequest(method, adminapi.Root+path, strings.NewReader(body))
	r = r.WithContext(context.WithoutCancel(in.Context()))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return in.do(r)
}

// want holds the status, and the reason where there is one.
func (a *answer) want(status int, reason string) *answer {
	a.Helper()
	if a.status != status || reason != "" && a.reason() != reason {
		a.Errorf("got %d %s, want %d %s", a.status, a.body, status, reason)
	}
	return a
}

func (a *answer) reason() string {
	var body struct{ Reason string }
	_ = json.Unmarshal([]byte(a.body), &body) // without one there is none
	return body.Reason
}

// into reads the body, which must have no other members than v.
func into[T any](a *answer) (v T) {
	a.Helper()
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		a.Fatalf("reading the answer: %v: %d %s", err, a.status, a.body)
	}
	return v
}

// head is the place of the last event: it is other after every change.
func (in *installation) head() int64 {
	in.Helper()
	head, err := in.store.EventHead(context.Background())
	in.must(err)
	return head.Seq
}

// unchanged holds that do changes nothing.
func (in *installation) unchanged(what string, do func()) {
	in.Helper()
	before := in.head()
	do()
	if after := in.head(); after != before {
		in.Errorf("%s: %d events were written", what, after-before)
	}
}

// page is a list as it is sent.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}
