package e2e

import (
	"net/http"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-036, C-042: an API key works from its networks only, and behind a trusted
// proxy the client's own address counts; elsewhere nobody can claim one.
func TestAllowedNetworks(t *testing.T) {
	in := harness.New(t)
	s := in.Start(t, "--trusted-proxies", "127.0.0.1")
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	s.CLI(t, "key", "update", key.ClientID, "--allow-cidr", "203.0.113.0/24", "--allow-cidr", "2001:db8::/32")
	harness.Eventually(t, harness.Soon, "the API key is refused from elsewhere", func() bool { return !s.Works(t, key) })
	ask := func(s *harness.Server, forwarded string) int {
		t.Helper()
		r := harness.NewRequest(t, http.MethodPost, s.URL+"/oauth/token", harness.TokenRequest(t, key.ClientID, key.ClientSecret))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", forwarded)
		a := s.Do(t, r)
		if a.Status == http.StatusOK {
			a.Token(t)
		}
		return a.Status
	}
	for forwarded, want := range map[string]int{
		"203.0.113.7": 200, "198.51.100.1, 203.0.113.7": 200, "2001:db8::7": 200,
		"203.0.114.7": 401, "203.0.113.7, 198.51.100.1": 401, "": 401,
	} {
		if got := ask(s, forwarded); got != want {
			t.Errorf("X-Forwarded-For %q: status %d, want %d", forwarded, got, want)
		}
	}
	ask(s, "2001:db8::8")
	s.Stop(t)
	if records := s.Records(t, "request"); records[len(records)-1]["address"] != "2001:db8::8" {
		t.Errorf("the log says %v", records[len(records)-1])
	}

	s = in.Start(t)
	if got := ask(s, "203.0.113.7"); got != 401 {
		t.Errorf("without trusted proxies X-Forwarded-For is believed: status %d", got)
	}
}
