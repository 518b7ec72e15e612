package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// follow runs a test in a bubble, where time moves by itself, with an issuer and
// a verifier that follows it.
func follow(t *testing.T, adjust func(*verify.Config), test func(*testing.T, *tokenwrighttest.Issuer, *verify.Verifier)) {
	t.Helper()
	followLifetime(t, time.Hour, adjust, test)
}

func followLifetime(t *testing.T, lifetime time.Duration, adjust func(*verify.Config), test func(*testing.T, *tokenwrighttest.Issuer, *verify.Verifier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess(), tokenwrighttest.WithLifetime(lifetime))
		c := configOf(iss)
		if adjust != nil {
			adjust(&c)
		}
		v, err := verify.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		synctest.Wait()
		test(t, iss, v)
	})
}

func configOf(iss *tokenwrighttest.Issuer) verify.Config {
	return verify.Config{Issuer: iss.URL, Audience: iss.Audience, HTTPClient: iss.Client(), Logger: slog.New(slog.DiscardHandler)}
}

// is checks what comes of a token: nil is that it is accepted.
func is(t *testing.T, v *verify.Verifier, name, token string, want error) {
	t.Helper()
	c, err := v.Verify(t.Context(), token)
	if !errors.Is(err, want) || (c == nil) != (want != nil) {
		t.Errorf("%s: got %v, %v, want %v", name, c, err, want)
	}
}

func TestAFollowedIssuerIsVerifiedWithoutANetwork(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		before := iss.Requests()
		for i := range 100 {
			is(t, v, "good", iss.Token(tokenwrighttest.ClientID(fmt.Sprintf("twc_demo_%022d", i))), nil)
		}
		for name, token := range iss.BadTokens() {
			is(t, v, name, token, verify.ErrInvalid)
		}
		if after := iss.Requests(); after != before {
			t.Errorf("%d requests were made to verify tokens", after-before)
		}
	})
}

// docs/revocation: what ends a token is heard of within a second here.
func TestRevocationsAreHeardOf(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		const other = "twc_demo_0000000000000000000001"
		for _, tc := range []struct {
			name string
			end  func(token string)
			all  bool // tokens, of other API keys as well
			want error
		}{
			// The revoked key is not published any more, so it may also be unknown.
			{"signing key", func(string) { iss.RevokeSigningKey() }, true, verify.ErrInvalid},
			{"token", iss.RevokeToken, false, verify.ErrRevoked},
			{"API key", func(string) { iss.RevokeClient(iss.ClientID) }, false, verify.ErrRevoked},
			{"restore", func(string) { iss.Restore() }, true, verify.ErrRevoked},
			{"token of the new lineage", iss.RevokeToken, false, verify.ErrRevoked},
		} {
			dead, bystander := iss.Token(), iss.Token(tokenwrighttest.ClientID(other))
			is(t, v, tc.name+": before", dead, nil)
			is(t, v, tc.name+": bystander before", bystander, nil)
			tc.end(dead)
			time.Sleep(time.Second)
			is(t, v, tc.name, dead, tc.want)
			if !tc.all {
				is(t, v, tc.name+": bystander", bystander, nil)
			}
			is(t, v, tc.name+": a new token", iss.Token(), nil)
			time.Sleep(50 * time.Minute)
			is(t, v, tc.name+": for good", dead, tc.want)
		}
	})
}

// C-118, R-35, and the limit of what is known of revocations.
func TestWhileTheIssuerIsAwayVerificationGoesOn(t *testing.T) {
	for _, tc := range []struct {
		name     string
		lifetime time.Duration
		adjust   func(*verify.Config)
		limit    time.Duration
	}{
		{"for as long as a token lives", time.Hour, nil, time.Hour},
		{"for as long as a long token lives", 6 * time.Hour, nil, 6 * time.Hour},
		{"for as long as a feed is good", time.Minute, nil, 10 * time.Minute},
		{"as configured", time.Hour, func(c *verify.Config) { c.MaxStale = 20 * time.Minute }, 20 * time.Minute},
		{"and closed soon", time.Hour, func(c *verify.Config) { c.FailClosedAfter = 2 * time.Minute }, 2 * time.Minute},
		{"the shorter counts", time.Hour, func(c *verify.Config) { c.MaxStale, c.FailClosedAfter = time.Minute, time.Hour }, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			followLifetime(t, tc.lifetime, tc.adjust, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
				token := iss.Token(tokenwrighttest.ExpiresIn(24 * time.Hour))
				time.Sleep(10 * time.Minute)
				is(t, v, "before", token, nil)
				iss.Down()
				synctest.Wait()
				known := v.RevocationsAge()
				time.Sleep(tc.limit - known - time.Second)
				is(t, v, "within the limit", token, nil)
				time.Sleep(2 * time.Second)
				is(t, v, "behind it", token, verify.ErrUnavailable)
				if err := v.Ready(); !errors.Is(err, verify.ErrUnavailable) {
					t.Errorf("behind the limit: ready: %v", err)
				}
				is(t, v, "and one that is bad anyhow", "junk", verify.ErrInvalid)
				if age := v.RevocationsAge(); age < tc.limit || age > tc.limit+2*time.Second {
					t.Errorf("the revocations are said to be %v old", age)
				}
				iss.Up()
				time.Sleep(10 * time.Second)
				is(t, v, "again", token, nil)
				if age := v.RevocationsAge(); age > 30*time.Second {
					t.Errorf("the revocations are said to be %v old", age)
				}
			})
		})
	}
}

// docs/revocation: no connection may be needed more often than the limit allows.
func TestAQuietIssuerIsAskedOftenEnough(t *testing.T) {
	follow(t, func(c *verify.Config) { c.FailClosedAfter = 5 * time.Second }, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		token := iss.Token()
		for range 600 {
			time.Sleep(time.Second)
			is(t, v, "with nothing new", token, nil)
		}
		if n := iss.Requests(tokenwrighttest.Revocations); n > 660 {
			t.Errorf("%d requests in 10 minutes", n)
		}
	})
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, _ *verify.Verifier) {
		time.Sleep(10 * time.Minute)
		if n := iss.Requests(tokenwrighttest.Revocations); n > 22 {
			t.Errorf("%d requests in 10 minutes", n)
		}
	})
}

// R-34, C-109: a new key is found by the first token that it has signed, and the
// old one is good for as long as it is published.
func TestSigningKeysAreFollowed(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		old := iss.Token()
		time.Sleep(2 * time.Minute)
		rotateTwice(iss)
		before := iss.Requests(tokenwrighttest.JWKS)
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { is(t, v, "by the new key", iss.Token(), nil) })
		}
		wg.Wait()
		if n := iss.Requests(tokenwrighttest.JWKS) - before; n != 1 {
			t.Errorf("%d requests found the new key", n)
		}
		is(t, v, "by the old key", old, nil)
		iss.DropSigningKeys()
		time.Sleep(6 * time.Minute)
		is(t, v, "by the old key, dropped", old, verify.ErrKey)
		is(t, v, "by the new key", iss.Token(), nil)
	})
}

// rotateTwice has a key sign that was not published before: the next one is.
func rotateTwice(iss *tokenwrighttest.Issuer) {
	iss.RotateSigningKey()
	iss.RotateSigningKey()
}

//
func TestMadeUpKeyIDsCauseOneRequestAMinute(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		good := iss.Token()
		before := iss.Requests(tokenwrighttest.JWKS)
		for i := range 6000 { // 10 a second, for 10 minutes
			time.Sleep(100 * time.Millisecond)
			is(t, v, "made up", iss.Token(tokenwrighttest.SetHeader("kid", fmt.Sprint(i))), verify.ErrKey)
		}
		is(t, v, "good", good, nil)
		if n := iss.Requests(tokenwrighttest.JWKS) - before; n > 10 {
			t.Errorf("%d requests in 10 minutes", n)
		}
		// While the set cannot be read, an unknown key may be a good one.
		iss.Down(tokenwrighttest.JWKS)
		time.Sleep(time.Minute)
		is(t, v, "made up, and nobody to ask", iss.Token(tokenwrighttest.SetHeader("kid", "x")), verify.ErrUnavailable)
		is(t, v, "good", good, nil)
	})
}

// C-118, C-334: keys that cannot be read again are believed for a day; then nothing is
// accepted, and Ready says so.
func TestSigningKeysAreKeptForADay(t *testing.T) {
	for name, fail := range map[string]func(*tokenwrighttest.Issuer){
		"away":    func(iss *tokenwrighttest.Issuer) { iss.Fail(http.StatusInternalServerError, tokenwrighttest.JWKS) },
		"no keys": func(iss *tokenwrighttest.Issuer) { iss.Answer(text(`{"keys":[]}`), tokenwrighttest.JWKS) },
	} {
		follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
			fail(iss)
			for _, tc := range []struct {
				when string
				do   func()
				want error
			}{
				{"within a day", func() { time.Sleep(23 * time.Hour) }, nil},
				{"after a day", func() { time.Sleep(61 * time.Minute) }, verify.ErrUnavailable},
				{"again", func() { iss.Up(); time.Sleep(90 * time.Second) }, nil},
			} {
				tc.do()
				is(t, v, name+": "+tc.when, iss.Token(), tc.want)
				if err := v.Ready(); !errors.Is(err, tc.want) {
					t.Errorf("%s: %s: ready: %v", name, tc.when, err)
				}
			}
		})
	}
}

// C-260: who gives up waiting for a key does not keep others from it.
func TestAKeyIsReadForAllWhoWait(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		time.Sleep(2 * time.Minute)
		rotateTwice(iss)
		iss.Delay(5*time.Second, tokenwrighttest.JWKS)
		token := iss.Token()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			if _, err := v.Verify(ctx, token); !errors.Is(err, verify.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who gave up got %v", err)
			}
		}()
		synctest.Wait()
		is(t, v, "who waits", token, nil)
	})
}

// C-117, C-118.
func TestNewFailsWhereTheIssuerCannotBeBelieved(t *testing.T) {
	for name, spoil := range map[string]func(*tokenwrighttest.Issuer, *verify.Config){
		"away":             func(iss *tokenwrighttest.Issuer, _ *verify.Config) { iss.Down() },
		"slow":             func(iss *tokenwrighttest.Issuer, _ *verify.Config) { iss.Delay(time.Minute) },
		"no keys":          func(iss *tokenwrighttest.Issuer, _ *verify.Config) { iss.Fail(503, tokenwrighttest.JWKS) },
		"no revocations":   func(iss *tokenwrighttest.Issuer, _ *verify.Config) { iss.Fail(404, tokenwrighttest.Revocations) },
		"old revocations":  func(iss *tokenwrighttest.Issuer, _ *verify.Config) { iss.StaleFeed(12 * time.Minute) },
		"metadata no JSON": func(iss *tokenwrighttest.Issuer, _ *verify.Config) { iss.Answer(text("{}}"), tokenwrighttest.Metadata) },
		"metadata of another": func(iss *tokenwrighttest.Issuer, _ *verify.Config) {
			iss.Answer(text(`{"issuer":"`+iss.URL+`/","jwks_uri":"`+iss.URL+`/oauth/jwks","revocations_uri":"`+iss.URL+`/oauth/revocations"}`), tokenwrighttest.Metadata)
		},
		"keys in clear": func(iss *tokenwrighttest.Issuer, _ *verify.Config) {
			iss.Answer(text(`{"issuer":"`+iss.URL+`","jwks_uri":"http://evil.example/jwks","revocations_uri":"`+iss.URL+`/oauth/revocations"}`), tokenwrighttest.Metadata)
		},
		"no feed": func(iss *tokenwrighttest.Issuer, _ *verify.Config) {
			iss.Answer(text(`{"issuer":"`+iss.URL+`","jwks_uri":"`+iss.URL+`/oauth/jwks"}`), tokenwrighttest.Metadata)
		},
		"keys elsewhere": func(iss *tokenwrighttest.Issuer, _ *verify.Config) {
			iss.Answer(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, iss.URL+"/.well-known/openid-configuration", http.StatusFound)
			}, tokenwrighttest.JWKS)
		},
		"too many keys": func(iss *tokenwrighttest.Issuer, _ *verify.Config) {
			iss.Answer(text(`{"keys":[]`+strings.Repeat(" ", 64<<10)+`}`), tokenwrighttest.JWKS)
		},
		"no key that is known": func(iss *tokenwrighttest.Issuer, _ *verify.Config) {
			iss.Answer(text(`{"keys":[]}`), tokenwrighttest.JWKS)
		},
		"the issuer in clear": func(_ *tokenwrighttest.Issuer, c *verify.Config) { c.Issuer = "http://auth.example.com/demo" },
		"no URL":              func(_ *tokenwrighttest.Issuer, c *verify.Config) { c.Issuer = "demo" },
		"a password in it":    func(_ *tokenwrighttest.Issuer, c *verify.Config) { c.Issuer = "https://a:b@auth.example.com/demo" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
				c := configOf(iss)
				spoil(iss, &c)
				began := time.Now()
				v, err := verify.New(t.Context(), c)
				if v != nil || err == nil || errors.Is(err, verify.ErrInvalid) {
					t.Errorf("got %v, %v", v, err)
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

func TestAVerifierMayStartBeforeItsIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
		token := iss.Token(tokenwrighttest.ExpiresIn(24 * time.Hour))
		var log bytes.Buffer
		c := configOf(iss)
		c.StartUnready, c.Logger = true, slog.New(slog.NewTextHandler(&log, nil))
		iss.Down()
		v, err := verify.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		for range 30 {
			time.Sleep(time.Second)
			is(t, v, "before", token, verify.ErrUnavailable)
		}
		if err := v.Ready(); !errors.Is(err, verify.ErrUnavailable) {
			t.Errorf("before: ready: %v", err)
		}
		iss.Up(tokenwrighttest.Metadata, tokenwrighttest.JWKS)
		time.Sleep(11 * time.Second)
		is(t, v, "without revocations", token, verify.ErrUnavailable)
		if err := v.Ready(); !errors.Is(err, verify.ErrUnavailable) {
			t.Errorf("without revocations: ready: %v", err)
		}
		iss.Up()
		time.Sleep(11 * time.Second)
		is(t, v, "after", token, nil)
		if err := v.Ready(); err != nil {
			t.Errorf("after: ready: %v", err)
		}
		iss.RevokeToken(token)
		time.Sleep(time.Second)
		is(t, v, "revoked", token, verify.ErrRevoked)
		if n := strings.Count(log.String(), "\n"); n != 2 { // one when it begins, one when it ends
			t.Errorf("the log has %d lines:\n%s", n, &log)
		}
	})
}

// C-118: nobody waits for a start behind New, so a slow issuer has for each document
// the time that it has later.
func TestAVerifierStartsBesideASlowIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
		iss.Delay(9*time.Second, tokenwrighttest.Metadata, tokenwrighttest.JWKS)
		iss.Delay(29*time.Second, tokenwrighttest.Revocations)
		c := configOf(iss)
		c.StartUnready = true
		v, err := verify.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		time.Sleep(48 * time.Second)
		is(t, v, "once all is read", iss.Token(), nil)
	})
}

// What is known goes on to be believed by those who have closed, and nothing
// asks the issuer any more.
func TestCloseEndsAllRequests(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		token := iss.Token()
		v.Close()
		v.Close()
		before := iss.Requests()
		time.Sleep(30 * time.Minute)
		is(t, v, "after Close", token, nil)
		is(t, v, "by an unknown key, after Close", iss.Token(tokenwrighttest.SetHeader("kid", "x")), verify.ErrUnavailable)
		if n := iss.Requests(); n != before {
			t.Errorf("%d requests after Close", n-before)
		}
		time.Sleep(31 * time.Minute)
		is(t, v, "long after Close", iss.Token(), verify.ErrUnavailable)
	})
}
