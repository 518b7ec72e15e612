package tokenwrighttest_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

func newVerifier(t *testing.T, iss *tokenwrighttest.Issuer, change func(*verify.Config)) *verify.Verifier {
	t.Helper()
	c := verify.Config{Issuer: iss.URL, Audience: iss.Audience, HTTPClient: iss.Client(), Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	v, err := verify.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// followed runs a test of an issuer and a verifier that follows it, where time
// moves by itself.
func followed(t *testing.T, change func(*verify.Config), test func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
		test(t, iss, newVerifier(t, iss, change))
	})
}

func wants(t *testing.T, v *verify.Verifier, token string, want error) {
	t.Helper()
	if _, err := v.Verify(context.Background(), token); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// C-306, C-307: over a real connection as well.
func TestVerifierTakesTokensAndRefusesBadOnes(t *testing.T) {
	iss := tokenwrighttest.New(t)
	v := newVerifier(t, iss, nil)
	c, err := v.Verify(t.Context(), iss.Token(tokenwrighttest.Scopes("customers:read", "customers:write"), tokenwrighttest.Merchant(7)))
	if err != nil || !c.HasScope("customers:write") || c.MerchantID.Text != "7" || c.Env != "demo" {
		t.Errorf("got %+v, %v", c, err)
	}
	for name, token := range iss.BadTokens() {
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, verify.ErrInvalid) {
			t.Errorf("a token %s: %v", name, err)
		}
	}
	strict := newVerifier(t, iss, func(c *verify.Config) { c.Environment = "demo" })
	wants(t, strict, iss.Token(tokenwrighttest.Env("production")), verify.ErrEnvironment)
}

// C-309: verified requests cost the issuer nothing.
func TestVerifiedRequestsAskTheIssuerNothing(t *testing.T) {
	followed(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		api := v.Middleware(verify.Require("customers:read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		synctest.Wait() // the verifier waits for revocations
		before := iss.Requests()
		for range 100 {
			w := httptest.NewRecorder()
			api.ServeHTTP(w, iss.Authorize(httptest.NewRequest(http.MethodGet, "/customers", nil)))
			if w.Code != http.StatusOK {
				t.Fatalf("got %d", w.Code)
			}
		}
		if n := iss.Requests() - before; n != 0 {
			t.Errorf("100 requests to the API made %d to the issuer", n)
		}
	})
}

// C-308: whatever ends a token does so within a second, and only for those meant.
func TestVerifierHearsWhatEndsTokens(t *testing.T) {
	other := tokenwrighttest.ClientID("twc_demo_other")
	for name, end := range map[string]struct {
		how         func(iss *tokenwrighttest.Issuer, token string)
		othersToo   bool
		want, later error
	}{
		"RevokeToken":      {how: func(iss *tokenwrighttest.Issuer, token string) { iss.RevokeToken(token) }},
		"RevokeClient":     {how: func(iss *tokenwrighttest.Issuer, _ string) { iss.RevokeClient(iss.ClientID) }},
		"RemoveKey":        {how: func(iss *tokenwrighttest.Issuer, _ string) { iss.RemoveKey(iss.ClientID) }},
		"RevokeSigningKey": {how: func(iss *tokenwrighttest.Issuer, _ string) { iss.RevokeSigningKey() }, othersToo: true},
		"Restore":          {how: func(iss *tokenwrighttest.Issuer, _ string) { iss.Restore() }, othersToo: true},
	} {
		t.Run(name, func(t *testing.T) {
			followed(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
				token, others := iss.Token(), iss.Token(other)
				wants(t, v, token, nil)
				wants(t, v, others, nil)
				time.Sleep(700 * time.Millisecond) // between two requests of the verifier, or while one waits
				end.how(iss, token)
				time.Sleep(time.Second)
				wants(t, v, token, verify.ErrRevoked)
				if end.othersToo {
					wants(t, v, others, verify.ErrRevoked)
				} else {
					wants(t, v, others, nil)
				}
				wants(t, v, iss.Token(), nil)
			})
		})
	}
}

// C-309: while the issuer is away a verifier goes on, for as long as it may.
func TestVerifierGoesOnWhileTheIssuerIsAway(t *testing.T) {
	for name, away := range map[string]func(*tokenwrighttest.Issuer){
		"Down":   func(iss *tokenwrighttest.Issuer) { iss.Down() },
		"Fail":   func(iss *tokenwrighttest.Issuer) { iss.Fail(http.StatusServiceUnavailable) },
		"Delay":  func(iss *tokenwrighttest.Issuer) { iss.Delay(5 * time.Minute) },
		"a page": func(iss *tokenwrighttest.Issuer) { iss.Answer(http.NotFound) },
	} {
		t.Run(name, func(t *testing.T) {
			limit := func(c *verify.Config) { c.MaxStale = 10 * time.Minute }
			followed(t, limit, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
				token, revoked := iss.Token(), iss.Token()
				synctest.Wait() // the verifier waits for revocations
				away(iss)
				iss.RevokeToken(revoked)
				time.Sleep(9 * time.Minute)
				wants(t, v, token, nil)
				wants(t, v, revoked, nil) // nobody could tell
				time.Sleep(2 * time.Minute)
				wants(t, v, token, verify.ErrUnavailable)
				iss.Up()
				time.Sleep(time.Minute)
				wants(t, v, token, nil)
				wants(t, v, revoked, verify.ErrRevoked)
			})
		})
	}
}

// C-308: feeds of the past do not make what is known newer.
func TestVerifierTrustsAStaleFeedForItsTimeOnly(t *testing.T) {
	limit := func(c *verify.Config) { c.MaxStale = 10 * time.Minute }
	followed(t, limit, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		token := iss.Token()
		iss.StaleFeed(9 * time.Minute) // good for another minute, and a minute of leeway
		time.Sleep(8 * time.Minute)
		wants(t, v, token, nil)
		iss.StaleFeed(20 * time.Minute) // over
		time.Sleep(3 * time.Minute)
		wants(t, v, token, verify.ErrUnavailable)
		iss.StaleFeed(0)
		time.Sleep(time.Minute)
		wants(t, v, token, nil)
	})
}

// C-308: a rotation goes unnoticed; with a key that is news to the verifier it
// takes the pause between two looks.
func TestVerifierFollowsRotations(t *testing.T) {
	followed(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		first := iss.Token()
		iss.RotateSigningKey()
		wants(t, v, first, nil)
		wants(t, v, iss.Token(), nil)
		iss.RotateSigningKey()
		wants(t, v, iss.Token(), verify.ErrKey)
		time.Sleep(time.Minute)
		wants(t, v, iss.Token(), nil)
		wants(t, v, first, nil)
		iss.DropSigningKeys()
		time.Sleep(6 * time.Minute)
		wants(t, v, first, verify.ErrKey)
	})
}
