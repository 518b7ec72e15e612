package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// A reader of the feed that waits hears of a change made beside the server, and
// the token is dead for whoever asks (C-159, C-168).
func TestRevocationReachesReaders(t *testing.T) {
	s := harness.Start(t)
	s.Seed(t)
	s.CLI(t, "merchant", "update", "4259", "--key-limit", "100")
	operator := s.CreateOperatorKey(t, "tokens:introspect")
	for _, end := range [][]string{{"delete", "--yes"}, {"disable"}, {"update", "--revoke-tokens"}, {"rotate", "--overlap", "0", "--revoke-tokens", "-o", "json"}} {
		key := s.CreateKey(t, "demo")
		s.AwaitKeys(t, key)
		token := s.Token(t, key)
		active := func() string { return introspect(t, s, operator, token) }
		if got := active(); !strings.HasPrefix(got, `{"active":true,`) {
			t.Fatalf("introspection says %s", got)
		}
		seq := harness.Part(t, feed(t, s, ""), 1)["seq"].(interface{ String() string }).String()
		news := make(chan string, 1)
		go func() { news <- feed(t, s, "?after="+seq+"&wait=30s") }()
		out := s.CLI(t, append([]string{"key", end[0], key.ClientID}, end[1:]...)...)
		ended := time.Now()
		if end[0] == "rotate" {
			harness.ReadKey(t, out) // so that its secret is searched for
		}
		payload := harness.Part(t, <-news, 1)
		t.Logf("key %s: the reader of the feed heard of it after %s", end[0], time.Since(ended).Round(time.Millisecond))
		cutoffs, _ := payload["cutoffs"].([]any)
		if len(cutoffs) != 1 || cutoffs[0].(map[string]any)["client_id"] != key.ClientID {
			t.Errorf("after key %s the feed says %v", end[0], payload)
		}
		if got := active(); got != `{"active":false}` {
			t.Errorf("after key %s introspection says %s", end[0], got)
		}
	}
}

func introspect(t *testing.T, s *harness.Server, key harness.APIKey, token string) string {
	t.Helper()
	return string(s.PostToken(t, "/demo/oauth/introspect", key, token).Body)
}

func feed(t *testing.T, s *harness.Server, query string) string {
	t.Helper()
	a, err := s.Attempt(harness.NewRequest(t, http.MethodGet, s.URL+"/demo/oauth/revocations"+query, ""))
	if err != nil || a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/jwt" {
		t.Errorf("the feed is answered %v %v", a, err)
		return ""
	}
	return string(a.Body)
}

// Readers that wait do not keep the server from stopping.
func TestWaitingReadersAreAnsweredWhenTheServerStops(t *testing.T) {
	s := harness.Start(t)
	answered := make(chan string, 1)
	go func() { answered <- feed(t, s, "?after=0&wait=30s") }()
	harness.Eventually(t, harness.Soon, "a reader waits", func() bool {
		return strings.Contains(string(s.Get(t, s.MetricsURL).Body), "tokenwright_http_requests_in_flight 1")
	})
	s.Stop(t)
	if payload := harness.Part(t, <-answered, 1); payload["after"] == nil {
		t.Errorf("the reader was answered %v", payload)
	}
}

// A request has 10 s to arrive, and one that waits may wait for longer.
func TestAWaitOutlivesTheLimitOfARequest(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	if payload := harness.Part(t, feed(t, s, "?after=0&wait=11s"), 1); payload["after"] == nil {
		t.Errorf("the feed says %v", payload)
	}
}
