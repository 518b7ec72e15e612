package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// apiKey is what `key create -o json` prints, as far as tests need it.
type apiKey struct {
	ID           string   `json:"id"`
	MerchantID   any      `json:"merchantId"`
	Env          string   `json:"env"`
	Status       string   `json:"status"`
	Scopes       []string `json:"scopes"`
	ClientID     string   `json:"clientId"`
	ClientSecret string   `json:"clientSecret"`
}

// readKey reads an API key and notes its secret for the search at the end.
func readKey(t *testing.T, text string) apiKey {
	t.Helper()
	var key apiKey
	if err := json.Unmarshal([]byte(text), &key); err != nil || key.ClientID == "" || key.ClientSecret == "" {
		t.Fatalf("that is no new API key: %v", err)
	}
	noteKey(key.ClientID, key.ClientSecret)
	return key
}

// seed makes a merchant, and the scopes of the guide.
func (in *installation) seed(t *testing.T) {
	t.Helper()
	in.cli(t, "merchant", "create", "--id", "4259", "--name", "Acme")
	in.cli(t, "scope", "create", "customers:read", "--description", "Look up customers")
	in.cli(t, "scope", "create", "customers:write", "--description", "Create and change customers")
}

// createKey makes an API key of merchant 4259.
func (in *installation) createKey(t *testing.T, env string) apiKey {
	t.Helper()
	return in.createKeyOf(t, "4259", env)
}

func (in *installation) createKeyOf(t *testing.T, merchant, env string) apiKey {
	t.Helper()
	return readKey(t, in.cli(t, "key", "create", "--merchant", merchant, "--env", env, "--name", "Orders sync",
		"--scope", "customers:read", "--scope", "customers:write", "-o", "json"))
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// tokenAnswer is the answer of the token endpoint, good or bad.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	URI         string `json:"error_uri"`
	Code        string `json:"code"`
	Message     string `json:"message"`
}

func (a *answer) token(t *testing.T) tokenAnswer {
	t.Helper()
	var out tokenAnswer
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatalf("status %d, the body is not JSON: %v\n%s", a.status, err, a.body)
	}
	if out.AccessToken != "" {
		noteToken(out.AccessToken)
	}
	return out
}

func (in *installation) do(t *testing.T, r *http.Request) *answer {
	t.Helper()
	a, err := in.attempt(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (in *installation) attempt(r *http.Request) (*answer, error) {
	resp, err := in.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, body}, err
}

func newRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (in *installation) get(t *testing.T, url string) *answer {
	t.Helper()
	return in.do(t, newRequest(t, http.MethodGet, url, ""))
}

// tokenRequest is the JSON body of the guide, with further members.
func tokenRequest(t *testing.T, id, secret string, more ...string) string {
	t.Helper()
	members := map[string]string{"client_id": id, "client_secret": secret, "grant_type": "client_credentials"}
	for i := 0; i+1 < len(more); i += 2 {
		members[more[i]] = more[i+1]
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// ask sends the token request of the guide to the endpoint at url.
func (in *installation) ask(t *testing.T, url, id, secret string, more ...string) tokenAnswer {
	t.Helper()
	r := newRequest(t, http.MethodPost, url, tokenRequest(t, id, secret, more...))
	r.Header.Set("Content-Type", "application/json")
	return in.do(t, r).token(t)
}

// token exchanges an API key, which must work, for an access token.
func (in *installation) token(t *testing.T, key apiKey) string {
	t.Helper()
	a := in.ask(t, in.url+"/api/oauth/token", key.ClientID, key.ClientSecret)
	if a.AccessToken == "" {
		t.Fatalf("%s gets no token: %s: %s", key.ClientID, a.Error, a.Description)
	}
	return a.AccessToken
}

// works tells whether an API key gets a token.
func (in *installation) works(t *testing.T, key apiKey) bool {
	t.Helper()
	return in.ask(t, in.url+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken != ""
}

// part decodes header (0) or payload (1) of a token, without verifying it;
// numbers stay as they are written.
func part(t *testing.T, token string, n int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var out map[string]any
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
