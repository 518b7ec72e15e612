package examples

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

var verifiers = []program{
	{file: "verify/node-jose.mjs", command: []string{"node"}, needs: needNode},
	{file: "verify/python-pyjwt.py", command: []string{"/usr/bin/python3"}, needs: needPython("jwt")},
}

// api is a running example that verifies tokens.
type api struct{ url string }

// expect asks with a token, and wants that answer.
func (a api) expect(t *testing.T, name, token string, status int, body string) http.Header {
	t.Helper()
	header, gotStatus, got := a.ask(t, token)
	if gotStatus != status || got != body {
		t.Errorf("%s: got %d, %s, want %d, %s", name, gotStatus, got, status, body)
	}
	return header
}

func (a api) ask(t *testing.T, token string) (http.Header, int, string) {
	t.Helper()
	r := harness.NewRequest(t, http.MethodGet, a.url, "")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Header, resp.StatusCode, string(body)
}

// C-095 to C-118 as far as the libraries go, R-30: an API in another language
// verifies tokens, and follows what is revoked.
func TestVerifiersFollowTheFeed(t *testing.T) {
	for _, p := range verifiers {
		t.Run(p.name(), func(t *testing.T) {
			t.Parallel()
			testVerifier(t, p)
		})
	}
}

func testVerifier(t *testing.T, p program) {
	in := harness.New(t)
	in.Configure(t, `
max_staleness: 2s
jwks_max_age: 3s
clock_skew: 1s
signing_key_rotation: never
`)
	s := in.Start(t)
	s.Seed(t)
	s.CLI(t, "scope", "create", "rewards:read", "--description", "Look up rewards", "--resource", s.URL+"/rewards")
	create := func(more ...string) harness.APIKey {
		args := append([]string{"key", "create", "--merchant", "4259", "--name", "Example", "-o", "json"}, more...)
		key := harness.ReadKey(t, s.CLI(t, args...))
		s.AwaitKeys(t, key)
		return key
	}
	short := s.Token(t, create("--env", "demo", "--scope", "customers:read", "--expires", "3s"))
	ends := time.Now().Add(3 * time.Second)
	key := create("--env", "demo", "--scope", "customers:read")

	run := s.Background(t, p.name(), p.prepare(t, "TOKENWRIGHT_ISSUER="+s.URL+"/demo", "PORT=0"))
	a := api{says(t, run, "listening on ")}
	const good = `{"merchantId":4259,"env":"demo"}`
	const invalid = `{"code":"401","message":"Invalid token."}`
	token := s.Token(t, key)
	a.expect(t, "good", token, http.StatusOK, good)
	header := a.expect(t, "none", "", http.StatusUnauthorized, `{"code":"401","message":"Access token missing."}`)
	if challenge := header.Get("WWW-Authenticate"); challenge != fmt.Sprintf(`Bearer realm="%s/demo/api"`, s.URL) {
		t.Errorf("none: the challenge is %s", challenge)
	}
	header = a.expect(t, "junk", "junk", http.StatusUnauthorized, invalid)
	if challenge := header.Get("WWW-Authenticate"); !strings.HasSuffix(challenge, `, error="invalid_token"`) {
		t.Errorf("junk: the challenge is %s", challenge)
	}
	a.expect(t, "altered", token[:len(token)-8]+"AAAAAAAA", http.StatusUnauthorized, invalid)
	a.expect(t, "the feed", string(s.Get(t, s.URL+"/demo/oauth/revocations").Body), http.StatusUnauthorized, invalid)
	a.expect(t, "of the other environment", s.Token(t, create("--env", "production", "--scope", "customers:read")), http.StatusUnauthorized, invalid)
	rewards := create("--env", "demo", "--scope", "rewards:read", "--scope", "customers:read")
	other := s.Ask(t, s.URL+"/oauth/token", rewards.ClientID, rewards.ClientSecret, "resource", s.URL+"/rewards").AccessToken
	a.expect(t, "for another API", other, http.StatusUnauthorized, invalid)
	s.CLI(t, "key", "delete", key.ClientID, "--yes")
	deleted := time.Now()
	harness.Eventually(t, 5*time.Second, "the deleted key's token is refused", func() bool {
		_, status, _ := a.ask(t, token)
		return status == http.StatusUnauthorized
	})
	t.Logf("refused %s after the deletion", time.Since(deleted).Round(time.Millisecond))
	a.expect(t, "revoked", token, http.StatusUnauthorized, `{"code":"401","message":"Revoked token."}`)

	lacking := create("--env", "demo", "--scope", "customers:write")
	header = a.expect(t, "without the scope", s.Token(t, lacking), http.StatusForbidden, `{"code":"403","message":"The access token lacks the scope customers:read."}`)
	if challenge := header.Get("WWW-Authenticate"); !strings.HasSuffix(challenge, `, error="insufficient_scope", scope="customers:read"`) {
		t.Errorf("without the scope: the challenge is %s", challenge)
	}
	s.CLI(t, "key", "delete", lacking.ClientID, "--yes")

	key = create("--env", "demo", "--scope", "customers:read")
	single := s.Token(t, key)
	revoke(t, s, key, single)
	harness.Eventually(t, 5*time.Second, "a single token is refused", func() bool {
		_, status, _ := a.ask(t, single)
		return status == http.StatusUnauthorized
	})
	before := s.Token(t, key)
	in.CLI(t, "signing-key", "rotate", "--env", "demo") // as soon as verifiers know the next one
	var after string
	harness.Eventually(t, 30*time.Second, "another key signs", func() bool {
		after = s.Token(t, key)
		return harness.Part(t, after, 0)["kid"] != harness.Part(t, before, 0)["kid"]
	})
	a.expect(t, "by the old signing key", before, http.StatusOK, good)
	a.expect(t, "by the new signing key", after, http.StatusOK, good)

	harness.Eventually(t, time.Until(ends)+10*time.Second, "the short token is refused", func() bool {
		_, status, _ := a.ask(t, short)
		return status == http.StatusUnauthorized
	})
	a.expect(t, "expired", short, http.StatusUnauthorized, `{"code":"401","message":"Expired token."}`)
	if strings.Contains(s.ReadLog(t), "/oauth/introspect") {
		t.Error("the example has introspected a token")
	}

	// Nobody is asked about a token, so it is good without the server as well.
	s.Stop(t)
	a.expect(t, "with the server away", after, http.StatusOK, good)
	a.expect(t, "revoked, with the server away", token, http.StatusUnauthorized, `{"code":"401","message":"Revoked token."}`)
}

// revoke ends one token (RFC 7009).
func revoke(t *testing.T, s *harness.Server, key harness.APIKey, token string) {
	t.Helper()
	if a := s.PostToken(t, "/"+key.Env+"/oauth/revoke", key, token); a.Status != http.StatusOK {
		t.Fatalf("revoking: got %d, %s", a.Status, a.Body)
	}
}
