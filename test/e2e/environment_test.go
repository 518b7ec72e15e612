package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Each environment signs with keys of its own: a resource server of production
// refuses every token that a demo key can get, whatever it forgets to look at.
func TestNoRequestWithADemoKeyGetsATokenThatProductionAccepts(t *testing.T) {
	t.Parallel()
	s, demo := harness.StartWithKey(t, "demo")
	production := s.CreateKey(t, "production")
	s.AwaitKeys(t, production)

	tokens := []string{s.Token(t, demo)}
	for _, a := range attempts(t, s, demo) {
		if a.AccessToken != "" {
			tokens = append(tokens, a.AccessToken)
		} else if a.Error == "" || a.Code == "" {
			t.Errorf("neither token nor error: %+v", a)
		}
	}
	// Neither issuer nor audience nor type are asked for: the signature alone
	// must do. In the second set the key has the kid that the token names.
	keys := s.Get(t, s.URL+"/production/oauth/jwks").Body
	var jobs []harness.Verification
	for _, token := range append([]string{s.Token(t, production)}, tokens...) {
		jobs = append(jobs, harness.Verification{Token: token, JWKS: keys}, harness.Verification{Token: token, JWKS: withKidOf(t, keys, token)})
	}
	results := harness.Jose(t, jobs...)
	for _, good := range results[:2] {
		if good.Error != "" {
			t.Fatalf("the token of a production key: jose: %s", good.Error)
		}
	}
	for i := 2; i < len(results); i += 2 {
		if results[i].Error != "ERR_JWKS_NO_MATCHING_KEY" || results[i+1].Error != "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" {
			t.Errorf("token %d of a demo key: jose says %q, and under its kid %q", i/2, results[i].Error, results[i+1].Error)
		}
	}
	t.Logf("%d tokens of a demo key, none accepted", len(tokens))
}

// attempts are requests that try to get a production token with a demo key.
func attempts(t *testing.T, s *harness.Server, key harness.APIKey) []harness.TokenAnswer {
	t.Helper()
	production := s.URL + "/production"
	forged := harness.APIKey{
		ClientID:     strings.Replace(key.ClientID, "_demo_", "_production_", 1),
		ClientSecret: harness.WithChecksum(strings.Replace(key.ClientSecret, "_demo_", "_production_", 1)),
	}
	harness.NoteSecret(forged.ClientSecret)
	var answers []harness.TokenAnswer
	for _, path := range []string{
		"/oauth/token", "/api/oauth/token", "/demo/oauth/token", "/demo/api/oauth/token",
		"/production/oauth/token", "/production/api/oauth/token", "/platform/oauth/token",
	} {
		for _, k := range []harness.APIKey{key, forged, {ClientID: forged.ClientID, ClientSecret: key.ClientSecret}, {ClientID: key.ClientID, ClientSecret: forged.ClientSecret}} {
			for _, more := range [][]string{
				nil, {"resource", production + "/api"}, {"resource", production}, {"audience", production + "/api"}, {"env", "production"},
				{"environment", "production"}, {"issuer", production}, {"iss", production}, {"scope", "customers:read env:production"},
			} {
				answers = append(answers, s.Ask(t, s.URL+path, k.ClientID, k.ClientSecret, more...))
			}
		}
		answers = append(answers, withHeaders(t, s, path, key)...)
	}
	return answers
}

// withHeaders asks as if the request had come to production through a proxy.
func withHeaders(t *testing.T, s *harness.Server, path string, key harness.APIKey) []harness.TokenAnswer {
	t.Helper()
	var answers []harness.TokenAnswer
	for name, value := range map[string]string{
		"Host": "production.localhost", "X-Forwarded-Host": "production.localhost", "X-Forwarded-Prefix": "/production",
		"X-Original-Url": "/production/oauth/token", "X-Rewrite-Url": "/production/oauth/token", "Forwarded": "host=production.localhost",
	} {
		r := harness.NewRequest(t, http.MethodPost, s.URL+path,
			url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}}.Encode())
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
		answers = append(answers, s.Do(t, r).Token(t))
	}
	return answers
}

// withKidOf gives the first key of a JWKS, alone, the kid that a token names.
func withKidOf(t *testing.T, jwks []byte, token string) []byte {
	t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("the JWKS has no key: %v\n%s", err, jwks)
	}
	set.Keys = set.Keys[:1]
	set.Keys[0]["kid"] = harness.Part(t, token, 0)["kid"]
	out, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
