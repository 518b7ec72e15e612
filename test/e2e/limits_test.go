package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// askAt sends a token request to a path as a trusted proxy passes it on.
func askAt(t *testing.T, s *harness.Server, path, forwarded, id, secret string, more ...string) *harness.Answer {
	t.Helper()
	r := harness.NewRequest(t, http.MethodPost, s.URL+path, harness.TokenRequest(t, id, secret, more...))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", forwarded)
	a := s.Do(t, r)
	a.Token(t) // noted for the search
	return a
}

// C-041, C-042: behind a proxy failures are counted for the address of who asks,
// however he writes it and whatever he claims before it, and right secrets are
// good from there too.
func TestFailuresAreCountedForTheAddressThatTheProxyTells(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo", "--failure-limit", "2", "--trusted-proxies", "127.0.0.1")
	for name, spellings := range map[string][]string{
		"IPv4": {"203.0.113.7", "::ffff:203.0.113.7", "198.51.100.N, 203.0.113.7", "unknown, 203.0.113.7"},
		"IPv6": {"2001:db8::N", "2001:DB8:0:0:ffff::N", "198.51.100.N, 2001:db8::N:1"},
	} {
		var got []int
		last := ""
		for i := range 24 {
			last = strings.ReplaceAll(spellings[i%len(spellings)], "N", strconv.Itoa(i))
			path := []string{"/oauth/token", "/demo/oauth/token", "/api/oauth/token"}[i%3]
			got = append(got, askAt(t, s, path, last, fmt.Sprintf("twc_demo_%s%018d", name, i), key.ClientSecret).Status)
		}
		if want := append(slices.Repeat([]int{401}, 20), 429, 429, 429, 429); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		if a := askAt(t, s, "/oauth/token", last, key.ClientID, key.ClientSecret); a.Status != http.StatusOK {
			t.Errorf("the right secret from %s: got %d %s", last, a.Status, a.Body)
		}
	}
	unknown := "twc_demo_" + fmt.Sprintf("%022d", 1)
	if a := askAt(t, s, "/oauth/token", "203.0.113.8", unknown, key.ClientSecret); a.Status != http.StatusUnauthorized {
		t.Errorf("from another address: got %d %s", a.Status, a.Body)
	}
}

// C-021, C-340: an API key that has asked too often is told so, and for how long,
// and another one is served.
func TestAnAPIKeyThatAsksTooOftenIsToldHowLongToWait(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--token-limit", "3")
	s.Seed(t)
	key, other := s.CreateKey(t, "demo"), s.CreateKey(t, "demo")
	s.AwaitKeys(t, other)
	var got []string
	for range 4 {
		a := askAt(t, s, "/oauth/token", "", key.ClientID, key.ClientSecret)
		got = append(got, fmt.Sprint(a.Status, " ", a.Header.Get("X-RateLimit-Limit"), " ", a.Header.Get("X-RateLimit-Remaining"), " ", a.Header.Get("Retry-After") != ""))
		if a.Header.Get("Retry-After") != "" && a.Header.Get("Retry-After") != a.Header.Get("X-RateLimit-Reset") {
			t.Errorf("got headers %v", a.Header)
		}
	}
	if want := []string{"200 3 2 false", "200 3 1 false", "200 3 0 false", "429 3 0 true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !s.Works(t, other) {
		t.Error("the other API key is refused")
	}
}
