package authority_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
)

func TestOpenRefusesAnEmptyDatabase(t *testing.T) {
	s, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "empty.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	_, err = authority.Open(t.Context(), authority.Config{Store: s})
	wantError(t, "an empty database", err, authority.ErrNotInitialized)
	for what, c := range map[string]struct {
		prefix string
		ids    authority.MerchantIDKind
		field  string
	}{
		"no prefix":         {"", authority.MerchantNumbers, "prefix"},
		"long prefix":       {"tokenwright", authority.MerchantNumbers, "prefix"},
		"prefix with _":     {"t_w", authority.MerchantNumbers, "prefix"},
		"unknown merchants": {"tw", "uuid", "merchant_ids"},
	} {
		wantInvalid(t, what, authority.Initialize(t.Context(), authority.Config{Store: s}, c.prefix, c.ids, actor), c.field)
	}
}

func TestInitializeWorksOnce(t *testing.T) {
	h := New(t)
	wantError(t, "a second time", authority.Initialize(h.ctx, h.config, "tw", authority.MerchantNumbers, actor), authority.ErrExists)
	want := authority.Installation{Prefix: "tw", MerchantIDs: authority.MerchantNumbers, Lineage: authority.Lineage{Number: 1}, CreatedAt: started}
	got := h.Installation()
	if len(got.Environments) != 3 || got.Prefix != want.Prefix || got.MerchantIDs != want.MerchantIDs || got.Lineage != want.Lineage || !got.CreatedAt.Equal(started) {
		t.Errorf("installation %+v", got)
	}
}

// DESIGN 4.1: a node configured otherwise refuses to start, and says what differs.
func TestOpenRefusesOtherEnvironments(t *testing.T) {
	h := New(t)
	for what, c := range map[string]struct {
		change func([]authority.Environment) []authority.Environment
		names  []string // what the text must name
	}{
		"one less": {func(e []authority.Environment) []authority.Environment { return e[1:] }, []string{"recorded are demo production platform", "configured are production platform"}},
		"one more": {func(e []authority.Environment) []authority.Environment {
			return append(e, authority.Environment{Name: "staging"})
		}, []string{"staging"}},
		"none":        {func([]authority.Environment) []authority.Environment { return []authority.Environment{} }, []string{"demo"}},
		"other order": {func(e []authority.Environment) []authority.Environment { slices.Reverse(e); return e }, []string{"platform production demo"}},
		"other issuer": {func(e []authority.Environment) []authority.Environment {
			e[0].Issuer = "https://demo.example.com"
			return e
		}, []string{"issuer of demo", base + "/demo", "https://demo.example.com"}},
		"other algorithm": {func(e []authority.Environment) []authority.Environment { e[1].Algorithm = jose.RS256; return e }, []string{"algorithm of production", "EdDSA", "RS256"}},
	} {
		cfg := h.config
		cfg.Environments = c.change(environments())
		_, err := authority.Open(h.ctx, cfg)
		wantError(t, what, err, authority.ErrEnvironments)
		for _, name := range c.names {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v does not name %q", what, err, name)
			}
		}
	}
	cfg := h.config
	cfg.Environments = environments()
	cfg.Environments[0].Audience, cfg.Environments[0].TokenLifetime = "urn:api", time.Minute // may change
	a := h.node(cfg)
	if _, claims := h.issue(a, h.ready().request2(h, a)); claims.Audience != "urn:api" || claims.Expiry-claims.IssuedAt != 60 {
		t.Errorf("claims %+v", claims)
	}
	cfg.Environments = nil // a management command knows none
	a, err := authority.Open(h.ctx, cfg)
	h.must(err)
	if len(a.Environments()) != 3 || a.Environments()[1].Name != "production" {
		t.Errorf("environments %+v", a.Environments())
	}
}

// request2 makes a read its directory anew before it is asked.
func (k *key) request2(h *harness, a *authority.Authority) *authority.TokenRequest {
	h.t.Helper()
	h.must(a.LoadDirectory(h.ctx))
	return k.request()
}

func TestEnvironmentsAreChecked(t *testing.T) {
	good := environments()[0]
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*authority.Environment){
		"reserved name":  func(e *authority.Environment) { e.Name = "docs" },
		"platform":       func(e *authority.Environment) { e.Name = authority.Platform },
		"upper case":     func(e *authority.Environment) { e.Name = "Demo" },
		"long name":      func(e *authority.Environment) { e.Name = "a1234567890123456" },
		"issuer":         func(e *authority.Environment) { e.Issuer = "http://example.com" },
		"no audience":    func(e *authority.Environment) { e.Audience = "" },
		"quoted aud":     func(e *authority.Environment) { e.Audience = `a"b` },
		"no lifetime":    func(e *authority.Environment) { e.TokenLifetime = 0 },
		"long lifetime":  func(e *authority.Environment) { e.TokenLifetime = 24*time.Hour + time.Second },
		"part of second": func(e *authority.Environment) { e.TokenLifetime = 1500 * time.Millisecond },
	} {
		e := good
		change(&e)
		if e.Validate() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestURLsAreChecked(t *testing.T) {
	for _, good := range []string{
		"https://example.com", "https://example.com:8443/a/b", "http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9:1/demo",
		"http://[::1]:8080", "http://demo.localhost",
	} {
		if err := authority.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "example.com", "/demo", "//example.com", "ftp://example.com", "http://example.com", "http://127.example.com", "http://127.0.0.1.example.com",
		"http://localhost.example.com", "http://[::2]", "https://", "https://:8080", "https:example.com", "https://a@example.com",
		"https://example.com/", "https://example.com?", "https://example.com?a=b", "https://example.com#", "https://example.com/#a",
		"https://example.com/a b", `https://example.com/"`, `https://example.com/\`, "https://example.com/ä", "https://example.com/\n",
		"https://example.com/" + strings.Repeat("a", 256), "https://exa mple.com", "https://<host>", "https://$HOST", "https://{host}:8443", "https://ex%61mple.com%5c", "https://*.example.com", "javascript:alert(1)",
	} {
		if authority.CheckURL(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}
