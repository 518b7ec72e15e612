package admin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// losing stands between client and server, and loses answers of the server, which
// has done what was asked for.
type losing struct {
	client *admin.Client
	lose   atomic.Int64 // so many more
	passed atomic.Int64 // requests
}

func newLosing(t *testing.T, s *harness.Server, c *admin.Client) *losing {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := &losing{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: s.Client.Transport,
		ModifyResponse: func(resp *http.Response) error {
			l.passed.Add(1)
			if l.lose.Add(-1) >= 0 {
				return errors.New("lost")
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(proxy.Close)
	l.client = &admin.Client{URL: proxy.URL, HTTPClient: c.HTTPClient}
	return l
}

// losing is the client, of whose next answers so many are lost.
func (l *losing) losing(n int64) *admin.Client {
	l.passed.Store(0)
	l.lose.Store(n)
	return l.client
}

// C-400: an answer that is lost after the server has committed changes nothing:
// what was asked for was done once.
func TestWhatIsAskedForAgainIsDoneOnce(t *testing.T) {
	t.Parallel()
	s, _, c := start(t)
	l := newLosing(t, s, c)
	ctx := t.Context()

	created, err := l.losing(2).CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "demo", Name: "Once", Scopes: []string{"customers:read"}})
	k := noted(t, created, err)
	if list := ok[[]admin.APIKey](t)(admin.Collect(c.APIKeys(ctx, admin.APIKeyFilter{MerchantID: admin.NumberID("4259")}))); len(list) != 1 || list[0].ID != k.ID || l.passed.Load() != 3 {
		t.Errorf("%d API keys after %d requests", len(list), l.passed.Load())
	}
	if !s.Works(t, harness.APIKey{ClientID: k.ClientID, ClientSecret: k.ClientSecret}) {
		t.Error("the secret in the answer that came is not the one that was stored")
	}
	rotated, err := l.losing(1).RotateAPIKey(ctx, k.ID, admin.Rotation{})
	if r := noted(t, rotated, err); r.SecretID != 2 || len(r.Secrets) != 2 {
		t.Errorf("got %+v", r.APIKey)
	}
	if m, err := l.losing(1).SuspendMerchant(ctx, admin.NumberID("4259"), 1); err != nil || m.Version != 2 {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := l.losing(1).ResumeMerchant(ctx, admin.NumberID("4259"), 0); err != nil {
		t.Error(err)
	}
	if err := l.losing(1).DeleteAPIKey(ctx, k.ID, 0); err != nil || l.passed.Load() != 2 {
		t.Errorf("after %d requests: %v", l.passed.Load(), err)
	}
	if _, err := l.losing(1).Merchant(ctx, admin.NumberID("4259")); err != nil {
		t.Error(err)
	}
	kinds := map[string]int{}
	for e, err := range c.Events(ctx, admin.EventFilter{After: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind]++
	}
	for _, kind := range []string{"api_key.rotated", "api_key.deleted", "merchant.suspended", "merchant.resumed"} {
		if kinds[kind] != 1 {
			t.Errorf("%d events %s: %v", kinds[kind], kind, kinds)
		}
	}
}

// C-400: with the version that was read, an update can be sent again by hand.
func TestAnUpdateWithoutAnAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	s, _, c := start(t)
	l := newLosing(t, s, c)
	name := "Acme Ltd"
	u := admin.MerchantUpdate{Name: &name, IfVersion: 1}
	if _, err := l.losing(1).UpdateMerchant(t.Context(), admin.NumberID("4259"), u); err == nil || l.passed.Load() != 1 {
		t.Fatalf("after %d requests: %v", l.passed.Load(), err)
	}
	_, err := c.UpdateMerchant(t.Context(), admin.NumberID("4259"), u)
	refused(t, err, http.StatusPreconditionFailed, "version")
	if m := ok[*admin.Merchant](t)(c.Merchant(t.Context(), admin.NumberID("4259"))); m.Name != name || m.Version != 2 {
		t.Errorf("got %+v", m)
	}
}

// C-401: the tokens stay with the server, whoever redirects.
func TestATokenIsNotTakenElsewhere(t *testing.T) {
	t.Parallel()
	_, _, c := start(t)
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(elsewhere.Close)
	front := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(front.Close)
	_, err := (&admin.Client{URL: front.URL, HTTPClient: c.HTTPClient}).CreateScope(t.Context(), admin.Scope{Name: "a:read"})
	if e, isOne := errors.AsType[*admin.Error](err); !isOne || e.Status != http.StatusTemporaryRedirect || reached.Load() != 0 {
		t.Errorf("%d requests, %v", reached.Load(), err)
	}
}
