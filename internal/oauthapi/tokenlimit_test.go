package oauthapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// limited is an installation with limits.
func limited(t testing.TB, limits Config) *installation {
	t.Helper()
	in := install(t, nil)
	in.limits = limits
	in.serve()
	return in
}

// wantQuota fails unless the answer tells of the token limit, or with "" does
// not.
func (a *answer) wantQuota(limit, remaining, reset string) {
	a.Helper()
	a.wantHeader("X-RateLimit-Limit", limit)
	a.wantHeader("X-RateLimit-Remaining", remaining)
	a.wantHeader("X-RateLimit-Reset", reset)
	if limit == "" {
		a.wantHeader("RateLimit", "")
		a.wantHeader("RateLimit-Policy", "")
		return
	}
	a.wantHeader("RateLimit", `"token";r=`+remaining+`;t=`+reset)
	a.wantHeader("RateLimit-Policy", `"token";q=`+limit+`;w=300`)
}

// P1, C-340: a client that asks all the time is told by the three headers that
// cost little, until it comes near the limit.
func TestWhoAsksAllTheTimeGetsTheDraftsFieldsNearTheLimit(t *testing.T) {
	in := limited(t, Config{TokenLimit: 40})
	k := in.key("demo", "customers:read")
	for used := 1; used <= 41; used++ {
		a := in.ask(asJSON, k.request())
		a.wantHeader("X-RateLimit-Remaining", strconv.Itoa(max(0, 40-used)))
		if got, want := a.header.Get("RateLimit") != "", used <= 10 || used >= 20; got != want {
			t.Errorf("request %d: RateLimit is there: %v, want %v", used, got, want)
		}
		if got, want := a.header.Get("RateLimit-Policy") != "", a.header.Get("RateLimit") != ""; got != want {
			t.Errorf("request %d: RateLimit-Policy is there: %v, want %v", used, got, want)
		}
	}
}

// C-021, C-340: the answers of an API key tell how many requests are left, and
// over the limit are 429 with Retry-After, until the window ends.
func TestTokenRequestsOverTheLimitAreRefused(t *testing.T) {
	in := limited(t, Config{TokenLimit: 4})
	k, other := in.key("demo", "customers:read"), in.key("demo", "customers:read")
	for i, reset := range []string{"300", "300", "299", "298"} {
		a := in.ask(asJSON, k.request())
		a.issued("demo")
		a.wantQuota("4", strconv.Itoa(3-i), reset)
		in.advance(700 * time.Millisecond)
	}
	a := in.ask(asForm, grant(), basic(k.id, k.secret)...)
	a.refused(string(authority.RateLimited))
	a.wantQuota("4", "0", "298")
	a.wantHeader("Retry-After", "298")
	in.ask(asJSON, other.request()).issued("demo")
	in.advance(5*time.Minute - 2801*time.Millisecond)
	a = in.ask(asJSON, k.request())
	a.refused(string(authority.RateLimited))
	a.wantHeader("Retry-After", "1")
	in.advance(time.Millisecond)
	a = in.post("/demo/api/oauth/token", asForm.contentType, formBody(k.request()...))
	a.issued("demo")
	a.wantQuota("4", "3", "300")
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "token", "outcome": "passed"}, 6)
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "token", "outcome": "refused"}, 2)
}

// C-341: what counts is a token request that proved the secret of an API key
// that works: one with a wrong scope too, but nothing that outsiders send, and
// nothing of other endpoints.
func TestOnlyAuthenticatedTokenRequestsCount(t *testing.T) {
	in := limited(t, Config{TokenLimit: 100})
	k, other, disabled := in.key("demo", "customers:read"), in.key("demo"), in.key("demo")
	_, err := in.DisableAPIKey(t.Context(), actor, authority.ClientID(disabled.id), 0)
	in.must(err)
	first := in.ask(asJSON, k.request())
	first.wantQuota("100", "99", "300")
	for reason, a := range map[authority.Reason]*answer{
		authority.WrongSecret: in.ask(asJSON, apiKey{k.id, other.secret}.request()),
		authority.UnknownID:   in.ask(asJSON, apiKey{"twc_demo_0000000000000000000000", k.secret}.request()),
		authority.SecretForm:  in.ask(asJSON, apiKey{k.id, "x"}.request()),
		authority.KeyDisabled: in.ask(asJSON, disabled.request()),
	} {
		a.refused(string(reason))
		a.wantQuota("", "", "")
	}
	for _, endpoint := range []string{"introspect", "revoke"} {
		a := in.about(endpoint, k, first.issued("demo").token)
		if a.status != http.StatusOK {
			t.Errorf("%s: got %d %s", endpoint, a.status, a.body)
		}
		a.wantQuota("", "", "")
	}
	a := in.ask(asJSON, k.request("scope", "payments:read"))
	a.refused(string(authority.ScopeNotHeld))
	a.wantQuota("100", "98", "300")
}

// C-342: a dry run says nothing to clients, and tells operators.
func TestADryRunOnlyCounts(t *testing.T) {
	in := limited(t, Config{TokenLimit: 1, TokenLimitDryRun: true})
	k := in.key("demo", "customers:read")
	for i := range 3 {
		w := &recorder{ResponseRecorder: httptest.NewRecorder()}
		in.handler.ServeHTTP(w, newRequest("POST", "/oauth/token", strings.NewReader(asJSON.encode(k.request()...)), "Content-Type", asJSON.contentType))
		(&answer{in, w.Code, w.Header(), w.Body.String()}).wantQuota("", "", "")
		would := false
		for _, fact := range w.logged {
			would = would || fact.Key == "would_limit" && fact.Value.Bool()
		}
		if w.Code != http.StatusOK || would != (i > 0) {
			t.Errorf("request %d: got status %d, and would_limit %v", i+1, w.Code, would)
		}
	}
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "token", "outcome": "passed"}, 1)
	in.wantCount("tokenwright_ratelimit_total", map[string]string{"limit": "token", "outcome": "would_refuse"}, 2)
}

// C-340: requests that come at the same time are each counted.
func TestConcurrentTokenRequestsKeepTheLimit(t *testing.T) {
	in := limited(t, Config{TokenLimit: 50})
	k := in.key("demo", "customers:read")
	body := asForm.encode(k.request()...)
	var got [600]atomic.Int64 // by status
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				w := &silent{header: http.Header{}}
				in.handler.ServeHTTP(w, newRequest("POST", "/oauth/token", strings.NewReader(body), "Content-Type", asForm.contentType))
				got[w.status].Add(1)
			}
		})
	}
	wg.Wait()
	if issued, refused := got[200].Load(), got[429].Load(); issued != 50 || refused != 110 {
		t.Errorf("%d requests are answered 200, and %d 429, want 50 and 110", issued, refused)
	}
}

// C-343: requests over the limit are in the usage of the API key, and the first
// in an hour is an event.
func TestAReachedLimitIsToldInUsageAndEvents(t *testing.T) {
	in := limited(t, Config{TokenLimit: 2})
	k := in.key("demo", "customers:read")
	ask := func(n int) {
		for range n {
			in.ask(asJSON, k.request())
		}
		in.must(in.FlushUsage(t.Context()))
	}
	ask(4)
	ask(3)
	in.advance(time.Hour)
	in.must(in.LoadDirectory(t.Context()))
	ask(3)
	usage, err := in.Usage(t.Context(), actor, authority.ClientID(k.id), in.time().Add(-3*time.Hour), in.time())
	in.must(err)
	var got []string
	for _, u := range usage {
		got = append(got, fmt.Sprint(u.SecretID, " ", u.Outcome, " ", u.Count))
	}
	if want := "1 issued 2|1 rate_limited 5|1 issued 2|1 rate_limited 1"; strings.Join(got, "|") != want {
		t.Errorf("got usage %q, want %q", strings.Join(got, "|"), want)
	}
	events, err := in.store.Events(t.Context(), 0, 1000)
	in.must(err)
	told := 0
	for _, e := range events {
		if e.Kind == authority.LimitReached {
			told++
			if e.Actor.ID != "system" || e.Subject != k.id || e.MerchantID != merchant || e.Env != "demo" || !strings.Contains(e.Details, `"secretId":1`) {
				t.Errorf("got event %+v", e)
			}
		}
	}
	if told != 2 {
		t.Errorf("there are %d events, want one for each of two hours", told)
	}
}
