package authority_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

const base = "http://localhost:8080"

var (
	started = time.UnixMilli(1764000000123).UTC()
	actor   = authority.Actor{Permissions: authority.Everything(), ID: "cli:root@host", Address: "192.0.2.1", RequestID: "req-1"}
)

// clock is the time of a test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// environments are the platform and the two that every test has: one of each
// fast algorithm.
func environments() []authority.Environment {
	env := func(name string, alg jose.Algorithm, audience string) authority.Environment {
		return authority.Environment{
			Name: name, Issuer: base + "/" + name, Audience: audience, Algorithm: alg, TokenLifetime: time.Hour,
		}
	}
	return []authority.Environment{
		env("demo", jose.ES256, base+"/demo/api"), env("production", jose.EdDSA, base+"/production/api"),
		env(authority.Platform, jose.ES256, base+"/admin"),
	}
}

// harness is an installation with its authority.
type harness struct {
	*authority.Authority
	t      testing.TB
	ctx    context.Context
	clock  *clock
	path   string
	store  *store.Store
	config authority.Config
}

// New makes an installation, with the directory read.
func New(t testing.TB) *harness { return newWith(t, authority.MerchantNumbers, io.Discard) }

func newWith(t testing.TB, ids authority.MerchantIDKind, log io.Writer) *harness {
	t.Helper()
	master, _ := authority.NewMasterKey()
	h := &harness{t: t, ctx: t.Context(), clock: &clock{at: started}, path: filepath.Join(t.TempDir(), "tokenwright.db")}
	h.store = h.open()
	h.config = authority.Config{
		Store: h.store, MasterKeys: []authority.MasterKey{master}, Clock: h.clock.now, BaseURL: base,
		Environments: environments(), Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	h.must(authority.Initialize(h.ctx, h.config, "tw", ids, actor))
	h.Authority = h.node(h.config)
	return h
}

// open opens a further handle of the database.
func (h *harness) open() *store.Store {
	h.t.Helper()
	s, err := storetest.OpenSQLite(h.ctx, h.path)
	h.must(err)
	h.t.Cleanup(func() { _ = s.Close() })
	return s
}

// node opens an authority and reads its directory.
func (h *harness) node(cfg authority.Config) *authority.Authority {
	h.t.Helper()
	a, err := authority.Open(h.ctx, cfg)
	h.must(err)
	h.must(a.LoadDirectory(h.ctx))
	return a
}

// nodeOn opens a node on another store.
func (h *harness) nodeOn(s authority.Store) *authority.Authority {
	h.t.Helper()
	cfg := h.config
	cfg.Store = s
	return h.node(cfg)
}

// second opens a second node on a handle of its own.
func (h *harness) second() *authority.Authority {
	h.t.Helper()
	return h.nodeOn(h.open())
}

// raw changes the database behind the store's back.
func (h *harness) raw(query string, args ...any) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=busy_timeout(5000)")
	h.must(err)
	_, err = db.ExecContext(h.ctx, query, args...)
	h.must(err)
	h.must(db.Close())
}

// scan reads one value behind the store's back.
func (h *harness) scan(query string, to any, args ...any) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=busy_timeout(5000)")
	h.must(err)
	h.must(db.QueryRowContext(h.ctx, query, args...).Scan(to))
	h.must(db.Close())
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) merchant(ids ...authority.MerchantID) {
	h.t.Helper()
	for _, id := range ids {
		_, err := h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: id, Name: "Merchant " + string(id)})
		h.must(err)
	}
}

func (h *harness) scope(names ...string) {
	h.t.Helper()
	for _, name := range names {
		name, resource, _ := strings.Cut(name, " ")
		_, err := h.CreateScope(h.ctx, actor, authority.Scope{Name: name, Resource: resource})
		h.must(err)
	}
}

// key is an API key with its secret.
type key struct {
	authority.APIKey
	secret credential.Secret
}

func (k *key) request() *authority.TokenRequest {
	return &authority.TokenRequest{ClientID: string(k.ID), ClientSecret: k.secret.Reveal()}
}

func (h *harness) key(n authority.NewAPIKey) *key {
	h.t.Helper()
	if n.Name == "" {
		n.Name = "Orders sync"
	}
	k, secret, err := h.CreateAPIKey(h.ctx, actor, n)
	h.must(err)
	return &key{*k, secret}
}

// ready is the usual case: merchant 4259 with an API key for two scopes.
func (h *harness) ready() *key {
	h.t.Helper()
	h.merchant("4259")
	h.scope("customers:read", "customers:write")
	return h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:write", "customers:read"}})
}

// issue exchanges r for a token that must verify, and returns its claims.
func (h *harness) issue(a *authority.Authority, r *authority.TokenRequest) (authority.Token, *accesstoken.Claims) {
	h.t.Helper()
	token, err := a.IssueToken(r)
	h.must(err)
	return token, h.verify(a, token)
}

// verify checks a token as a resource server does: with the published keys of
// its environment.
func (h *harness) verify(a *authority.Authority, token authority.Token) *accesstoken.Claims {
	h.t.Helper()
	m, err := jose.Parse(string(token.AccessToken))
	h.must(err)
	if err := verifyWith(a, token.Env, m); err != nil {
		h.t.Fatalf("the token does not verify: %v", err)
	}
	claims, err := accesstoken.Parse(string(m.Payload))
	h.must(err)
	return claims
}

// verifyWith verifies with the JWKS of env alone.
func verifyWith(a *authority.Authority, env string, m *jose.Message) error {
	issuer, err := a.Issuer(env)
	if err != nil {
		return err
	}
	keys, err := jose.ParseJWKS(issuer.JWKS)
	if err != nil {
		return err
	}
	err = errors.New("no key with this kid")
	for _, k := range keys {
		if k.KeyID() == m.KeyID {
			err = m.Verify(k)
		}
	}
	return err
}

// refused holds that r is refused for the reason.
func (h *harness) refused(a *authority.Authority, r *authority.TokenRequest, want authority.Reason) {
	h.t.Helper()
	token, err := a.IssueToken(r)
	var refusal *authority.Refusal
	if token.AccessToken != nil || !errors.As(err, &refusal) {
		h.t.Errorf("got %v, %v, want a refusal: %s", token, err, want)
		return
	}
	if refusal.Reason != want {
		h.t.Errorf("refused for %s, want %s", refusal.Reason, want)
	}
}

// generation reads the generation that is stored.
func (h *harness) generation(k *key) int64 {
	h.t.Helper()
	stored, err := h.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	return stored.Generation
}

// eventually waits until done holds, and fails after ten seconds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// wantInvalid holds that err names the field.
func wantInvalid(t testing.TB, what string, err error, field string) {
	t.Helper()
	var invalid *authority.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != field {
		t.Errorf("%s: got error %v, want one of the field %s", what, err, field)
	}
}
