package leaks

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/oauthapi"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

const base = "https://auth.example.com"

var actor = authority.Actor{ID: "test", Permissions: authority.Everything()}

// installation is the surface over a real authority and a real database.
type installation struct {
	testing.TB
	*authority.Authority
	leaks   *Handler
	handler http.Handler
	store   *store.Store
	config  authority.Config
	log     bytes.Buffer
	ahead   atomic.Int64 // of the true time, in nanoseconds
}

func install(t testing.TB) *installation {
	t.Helper()
	in := &installation{TB: t}
	var err error
	in.store, err = storetest.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "tokenwright.db"))
	in.must(err)
	t.Cleanup(func() { _ = in.store.Close() }) // some tests have closed it before
	master, _ := authority.NewMasterKey()
	cfg := authority.Config{Store: in.store, MasterKeys: []authority.MasterKey{master}, BaseURL: base, Clock: in.time}
	for _, name := range []string{"demo", "production", authority.Platform} {
		cfg.Environments = append(cfg.Environments, authority.Environment{
			Name: name, Issuer: base + "/" + name, Audience: base + "/" + name + "/api", Algorithm: jose.ES256, TokenLifetime: time.Hour,
		})
	}
	in.must(authority.Initialize(t.Context(), cfg, "tw", authority.MerchantNumbers, actor))
	in.config, in.Authority = cfg, in.node(cfg)
	_, err = in.CreateMerchant(t.Context(), actor, authority.NewMerchant{ID: "4259", Name: "Acme"})
	in.must(err)
	_, err = in.CreateScope(t.Context(), actor, authority.Scope{Name: "customers:read"})
	in.must(err)
	c := Config{Authority: in.Authority, Logger: slog.New(slog.NewTextHandler(&in.log, nil))}
	for i := range in.Environments() {
		c.Verifiers = append(c.Verifiers, oauthapi.AnyVerifier(in.Authority, &in.Environments()[i]))
	}
	in.leaks = New(c)
	mux := http.NewServeMux()
	mux.HandleFunc("/", http.NotFound)
	in.leaks.Register(mux.Handle)
	in.handler = mux
	return in
}

// node is an authority with its directory, which nobody keeps current.
func (in *installation) node(cfg authority.Config) *authority.Authority {
	in.Helper()
	a, err := authority.Open(in.Context(), cfg)
	in.must(err)
	in.must(a.LoadDirectory(in.Context()))
	return a
}

func (in *installation) time() time.Time { return time.Now().Add(time.Duration(in.ahead.Load())) }

func (in *installation) must(err error) {
	in.Helper()
	if err != nil {
		in.Fatal(err)
	}
}

// key is an API key as its owner has it.
type key struct {
	id     authority.ClientID
	secret string
}

func (in *installation) key() key {
	in.Helper()
	return in.keyAt(in.Authority)
}

// keyAt makes an API key at a node.
func (in *installation) keyAt(a *authority.Authority) key {
	in.Helper()
	k, secret, err := a.CreateAPIKey(in.Context(), actor, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "a", Scopes: []string{"customers:read"}})
	in.must(err)
	return key{k.ID, secret.Reveal()}
}

func (in *installation) issue(k key) (string, error) {
	token, err := in.IssueToken(&authority.TokenRequest{ClientID: string(k.id), ClientSecret: k.secret})
	return string(token.AccessToken), err
}

func (in *installation) token(k key) string {
	in.Helper()
	token, err := in.issue(k)
	in.must(err)
	return token
}

func (in *installation) events(kind authority.EventKind) int {
	in.Helper()
	list, err := in.Events(in.Context(), actor, authority.EventFilter{Kind: kind}, 0, 1000)
	in.must(err)
	return len(list)
}

// post sends a request to /leaks; header is name and value by turns.
func (in *installation) post(body string, header ...string) *httptest.ResponseRecorder {
	in.Helper()
	r := httptest.NewRequest(http.MethodPost, reportPath, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return in.send(r)
}

func (in *installation) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	in.handler.ServeHTTP(w, r)
	return w
}

// report reports a credential, which must be taken.
func (in *installation) report(credential string) {
	in.Helper()
	if w := in.post(`{"credential":"`+credential+`"}`, asJSON...); w.Code != http.StatusAccepted {
		in.Fatalf("status %d, %s", w.Code, w.Body)
	}
}

var asJSON, asForm = []string{"Content-Type", jsonType}, []string{"Content-Type", formType}

// workOff does all that Run has to do at the end.
func (in *installation) workOff() {
	in.Helper()
	ctx, cancel := context.WithCancel(in.Context())
	cancel()
	in.leaks.Run(ctx)
}

// running runs Run until the test ends.
func (in *installation) running() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { in.leaks.Run(ctx) })
	in.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// eventually waits until done holds, and fails after ten seconds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}
