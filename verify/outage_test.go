package verify_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// The log says once that the issuer is away, and once that it is back, each
// time; it is asked less often meanwhile, and does not have requests wait.
func TestAnIssuerThatGoesAwayIsToldOfOnce(t *testing.T) {
	var log bytes.Buffer
	follow(t, func(c *verify.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		for range 2 {
			time.Sleep(time.Minute)
			if log.Len() > 0 {
				t.Errorf("while all is well the log says\n%s", &log)
			}
			iss.Fail(http.StatusInternalServerError)
			time.Sleep(10 * time.Minute)
			saysOnce(t, &log, "the revocations of the issuer cannot be read", "the signing keys of the issuer cannot be read")
			before := iss.Requests(tokenwrighttest.Revocations)
			time.Sleep(10 * time.Minute)
			if n := iss.Requests(tokenwrighttest.Revocations) - before; n < 50 || n > 130 {
				t.Errorf("%d requests in 10 minutes in which all fail", n)
			}
			var mu sync.Mutex
			var asked []string
			iss.Answer(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, r.URL.RawQuery)
				w.WriteHeader(http.StatusServiceUnavailable)
			}, tokenwrighttest.Revocations)
			time.Sleep(time.Minute)
			mu.Lock()
			if q := strings.Join(asked, " "); len(asked) == 0 || strings.Contains(q, "wait") {
				t.Errorf("after failures the queries are %s", q)
			}
			mu.Unlock()
			iss.Up()
			time.Sleep(10 * time.Minute)
			saysOnce(t, &log, "the revocations of the issuer are read again", "the signing keys of the issuer are read again")
			before = iss.Requests(tokenwrighttest.Revocations)
			time.Sleep(10 * time.Minute)
			if n := iss.Requests(tokenwrighttest.Revocations) - before; n > 22 {
				t.Errorf("afterwards there are %d requests in 10 minutes", n)
			}
		}
		v.Close()
		if log.Len() > 0 {
			t.Errorf("when it is closed the log says\n%s", &log)
		}
	})
}

// saysOnce takes from a log a line of each text, and nothing else.
func saysOnce(t *testing.T, log *bytes.Buffer, texts ...string) {
	t.Helper()
	synctest.Wait()
	said := log.String()
	log.Reset()
	for _, text := range texts {
		if n := strings.Count(said, text); n != 1 {
			t.Errorf("%q is said %d times", text, n)
		}
	}
	if n := strings.Count(said, "\n"); n != len(texts) {
		t.Errorf("the log has %d lines:\n%s", n, said)
	}
}

// C-159: what was revoked stays so, whatever is revoked after it.
func TestEarlierRevocationsOutliveLaterOnes(t *testing.T) {
	follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
		clients := []string{"twc_demo_0000000000000000000001", "twc_demo_0000000000000000000002", "twc_demo_0000000000000000000003"}
		var dead []string
		for _, id := range clients {
			ofClient, token := iss.Token(tokenwrighttest.ClientID(id)), iss.Token()
			iss.RevokeToken(token)
			time.Sleep(time.Second)
			iss.RevokeClient(id)
			time.Sleep(time.Second)
			dead = append(dead, ofClient, token)
			for _, token := range dead {
				is(t, v, "revoked", token, verify.ErrRevoked)
			}
		}
		is(t, v, "another", iss.Token(), nil)
	})
}

// C-118: a feed has the leeway that a token has, and not a second more.
func TestTimesOfAFeedAreJudgedWithALeeway(t *testing.T) {
	everythingIsDead := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for _, tc := range []struct {
		name     string
		iat, exp time.Duration
		believed bool
	}{
		{"expired within the leeway", -time.Hour, -59 * time.Second, true}, {"expired by the leeway", -time.Hour, -time.Minute, false},
		{"of the future, within the leeway", time.Minute, time.Hour, true}, {"of the future", 61 * time.Second, time.Hour, false},
	} {
		follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
			token := iss.Token()
			iss.Answer(func(w http.ResponseWriter, r *http.Request) {
				signedFeed(iss, iss.KeyID(), feedOf(iss, map[string]string{
					"iat": after(tc.iat), "exp": after(tc.exp), "min_gen": unix(everythingIsDead),
				}))(w, r)
			}, tokenwrighttest.Revocations)
			time.Sleep(time.Second)
			if tc.believed {
				is(t, v, tc.name, token, verify.ErrRevoked)
			} else {
				is(t, v, tc.name, token, nil)
			}
		})
	}
}

// RFC 9111 5.2.2.1: keys are read again before they may be kept no longer; where
// that is not said, it is 5 minutes.
func TestKeysAreKeptAsLongAsTheAnswerSays(t *testing.T) {
	for _, tc := range []struct {
		cacheControl string
		least, most  int // requests in an hour: after 0.7 to 0.8 of the time
	}{
		{"", 15, 18}, {"no-transform", 15, 18}, {"max-age=600", 7, 9}, {"max-age=86400", 1, 2},
	} {
		follow(t, nil, func(t *testing.T, iss *tokenwrighttest.Issuer, _ *verify.Verifier) {
			resp, err := iss.Client().Get(iss.URL + "/oauth/jwks")
			if err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			_, err = body.ReadFrom(resp.Body)
			if err != nil || resp.Body.Close() != nil {
				t.Fatal(err)
			}
			iss.Answer(func(w http.ResponseWriter, r *http.Request) {
				if tc.cacheControl != "" {
					w.Header().Set("Cache-Control", tc.cacheControl)
				}
				text(body.String())(w, r)
			}, tokenwrighttest.JWKS)
			time.Sleep(5 * time.Minute) // the answer before it is forgotten
			before := iss.Requests(tokenwrighttest.JWKS)
			time.Sleep(time.Hour)
			if n := iss.Requests(tokenwrighttest.JWKS) - before; n < tc.least || n > tc.most {
				t.Errorf("%q: %d requests in an hour", tc.cacheControl, n)
			}
		})
	}
}

func after(d time.Duration) string { return unix(time.Now().Add(d).Unix()) }

func unix(seconds int64) string { return strconv.FormatInt(seconds, 10) }
