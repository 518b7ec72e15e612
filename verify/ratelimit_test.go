package verify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// limited sends a request with the token through the limit, behind v.
func limited(v *Verifier, limit func(http.Handler) http.Handler, token string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/customers", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	passed := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	v.Middleware(Require("customers:read"))(limit(passed)).ServeHTTP(w, r)
	return w
}

func TestTheRequestOverTheLimitIsAnswered429(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	limit := RateLimit{Limit: 300, Group: "customers"}.Middleware()
	for i := range 300 {
		w := limited(v, limit, signed(t, s))
		if w.Code != http.StatusNoContent || w.Header().Get("X-RateLimit-Remaining") != strconv.Itoa(299-i) {
			t.Fatalf("request %d: got %d, %v", i+1, w.Code, w.Header())
		}
	}
	w := limited(v, limit, signed(t, s))
	const body = `{"code":"429","message":"Too many requests: 300 in 5 minutes are allowed. Try again after the time in Retry-After."}`
	if w.Code != http.StatusTooManyRequests || w.Body.String() != body || w.Header().Get("Retry-After") == "" ||
		w.Header().Get("X-RateLimit-Limit") != "300" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("request 301: got %d, %v, %s", w.Code, w.Header(), w.Body)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+signed(t, s))
	v.Middleware()(limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("request 302 is let pass") }))).ServeHTTP(httptest.NewRecorder(), r)
}

func TestMerchantsAndAPIKeysAreCountedByThemselves(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	with := func(merchant, client string) string {
		c := sample
		c.MerchantID.Text, c.ClientID = merchant, client
		return signToken(t, s, string(c.AppendJSON(nil)))
	}
	for name, tc := range map[string]struct {
		by    func(*Claims) string
		token string
		want  int
	}{
		"another key of the merchant":              {nil, with("4259", "b"), http.StatusTooManyRequests},
		"another merchant":                         {nil, with("4260", "a"), http.StatusNoContent},
		"another key, counted by key":              {ByAPIKey, with("4259", "b"), http.StatusNoContent},
		"the same key, counted by key":             {ByAPIKey, with("4260", "a"), http.StatusTooManyRequests},
		"everybody together":                       {func(*Claims) string { return "" }, with("4260", "b"), http.StatusTooManyRequests},
		"another key of the merchant, by merchant": {ByMerchant, with("4259", "b"), http.StatusTooManyRequests},
	} {
		limit := RateLimit{Limit: 1, By: tc.by}.Middleware()
		if w := limited(v, limit, with("4259", "a")); w.Code != http.StatusNoContent {
			t.Fatalf("%s: the first request: got %d", name, w.Code)
		}
		if w := limited(v, limit, tc.token); w.Code != tc.want {
			t.Errorf("%s: got %d, want %d", name, w.Code, tc.want)
		}
	}
	operator := Claims{ClientID: "twc_platform_a", Env: "platform"}
	if ByMerchant(&operator) != ByAPIKey(&operator) {
		t.Error("operator keys, which have no merchant, are counted together")
	}
}

type brokenStore struct{}

func (brokenStore) Count(context.Context, string, time.Duration) (used int, left time.Duration, err error) {
	return 0, 0, errors.New("away")
}

func TestWhereNobodyCanBeCountedNobodyPasses(t *testing.T) {
	s := testSigner(t, jose.ES256)
	w := limited(newVerifier(t, testConfig(s)), RateLimit{Limit: 1, Store: brokenStore{}}.Middleware(), signed(t, s))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the store fails: got %d, %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	RateLimit{Limit: 1}.Middleware()(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("not behind the check of tokens: got %d", w.Code)
	}
}

func TestLimitsThatCannotBeKeptPanic(t *testing.T) {
	for name, l := range map[string]RateLimit{
		"none": {}, "negative": {Limit: -1}, "window below a second": {Limit: 1, Window: time.Millisecond},
		"fraction of a second": {Limit: 1, Window: 1500 * time.Millisecond}, "group for no header": {Limit: 1, Group: `a"b`},
		"below a": {Limit: 1, Group: "`"}, "above z": {Limit: 1, Group: "{"}, "below A": {Limit: 1, Group: "@"}, "above Z": {Limit: 1, Group: "["},
		"below 0": {Limit: 1, Group: "/"}, "above 9": {Limit: 1, Group: ":"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			l.Middleware()
		}()
	}
}

func TestTheLeastLimitAndEveryNameCanBeKept(t *testing.T) {
	RateLimit{Limit: 1, Window: time.Second, Group: "azAZ09-_"}.Middleware() // panics where it cannot
}

func TestWindowsInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Minute: "5 minutes", time.Minute: "a minute", time.Hour: "an hour", 90 * time.Second: "90 seconds", 48 * time.Hour: "48 hours", time.Second: "a second",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v: got %q", d, got)
		}
	}
}
