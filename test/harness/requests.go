package harness

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
)

// APIKey is what `key create -o json` prints, as far as tests need it.
type APIKey struct {
	ID           string   `json:"id"`
	MerchantID   any      `json:"merchantId"`
	Env          string   `json:"env"`
	Status       string   `json:"status"`
	Scopes       []string `json:"scopes"`
	ClientID     string   `json:"clientId"`
	ClientSecret string   `json:"clientSecret"`
}

// ReadKey reads an API key and notes its secret for the search at the end.
func ReadKey(t testing.TB, text string) APIKey {
	t.Helper()
	var key APIKey
	if err := json.Unmarshal([]byte(text), &key); err != nil || key.ClientID == "" || key.ClientSecret == "" {
		t.Fatalf("that is no new API key: %v", err)
	}
	NoteKey(key.ClientID, key.ClientSecret)
	return key
}

// Seed makes a merchant, and the scopes of the guide.
func (in *Installation) Seed(t testing.TB) {
	t.Helper()
	in.CLI(t, "merchant", "create", "--id", "4259", "--name", "Acme")
	in.CLI(t, "scope", "create", "customers:read", "--description", "Look up customers")
	in.CLI(t, "scope", "create", "customers:write", "--description", "Create and change customers")
}

// CreateKey makes an API key of merchant 4259.
func (in *Installation) CreateKey(t testing.TB, env string) APIKey {
	t.Helper()
	return in.CreateKeyOf(t, "4259", env)
}

// CreateKeyOf makes an API key, with the scopes of the guide, of any merchant.
func (in *Installation) CreateKeyOf(t testing.TB, merchant, env string) APIKey {
	t.Helper()
	return ReadKey(t, in.CLI(t, "key", "create", "--merchant", merchant, "--env", env, "--name", "Orders sync",
		"--scope", "customers:read", "--scope", "customers:write", "-o", "json"))
}

// CreateOperatorKey makes an API key of operators, with management scopes.
func (in *Installation) CreateOperatorKey(t testing.TB, scopes ...string) APIKey {
	t.Helper()
	args := []string{"key", "create", "--operator", "--name", "Operations", "-o", "json"}
	for _, scope := range scopes {
		args = append(args, "--scope", scope)
	}
	return ReadKey(t, in.CLI(t, args...))
}

// Admin is a client of the admin API with the tokens of an operator key.
func (in *Installation) Admin(operator APIKey) *admin.Client {
	tokens := tokenwright.Config{
		URL: in.URL, ClientID: operator.ClientID, ClientSecret: operator.ClientSecret, Resource: cmp.Or(in.Public, in.URL) + "/admin", HTTPClient: in.Client,
	}
	return &admin.Client{URL: in.URL, HTTPClient: tokens.Client(context.Background())}
}

// StartWithKey starts a server with the merchant of the guide and one API key
// that works.
func StartWithKey(t testing.TB, env string, args ...string) (*Server, APIKey) {
	t.Helper()
	s := Start(t, args...)
	s.Seed(t)
	key := s.CreateKey(t, env)
	s.AwaitKeys(t, key)
	return s, key
}

// Answer is an HTTP answer, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// TokenAnswer is the answer of the token endpoint, good or bad.
type TokenAnswer struct {
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

// Token reads the answer of the token endpoint, and notes the token.
func (a *Answer) Token(t testing.TB) TokenAnswer {
	t.Helper()
	var out TokenAnswer
	if err := json.Unmarshal(a.Body, &out); err != nil {
		t.Fatalf("status %d, the body is not JSON: %v\n%s", a.Status, err, a.Body)
	}
	if out.AccessToken != "" {
		NoteToken(out.AccessToken)
	}
	return out
}

// Do sends a request, which must be answered.
func (in *Installation) Do(t testing.TB, r *http.Request) *Answer {
	t.Helper()
	a, err := in.Attempt(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Attempt sends a request and reads the answer to its end.
func (in *Installation) Attempt(r *http.Request) (*Answer, error) {
	resp, err := in.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return &Answer{resp.StatusCode, resp.Header, body}, err
}

// PostToken sends a token, with the credentials of an API key, to an endpoint that
// tells of tokens or ends them (RFC 7662 2.1, RFC 7009 2.1).
func (in *Installation) PostToken(t testing.TB, path string, by APIKey, token string) *Answer {
	t.Helper()
	form := url.Values{"token": {token}, "client_id": {by.ClientID}, "client_secret": {by.ClientSecret}}
	r := NewRequest(t, http.MethodPost, in.URL+path, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return in.Do(t, r)
}

// NewRequest prepares a request.
func NewRequest(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Get fetches what is at url.
func (in *Installation) Get(t testing.TB, url string) *Answer {
	t.Helper()
	return in.Do(t, NewRequest(t, http.MethodGet, url, ""))
}

// TokenRequest is the JSON body of the guide, with further members.
func TokenRequest(t testing.TB, id, secret string, more ...string) string {
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

// Ask sends the token request of the guide to the endpoint at url.
func (in *Installation) Ask(t testing.TB, url, id, secret string, more ...string) TokenAnswer {
	t.Helper()
	r := NewRequest(t, http.MethodPost, url, TokenRequest(t, id, secret, more...))
	r.Header.Set("Content-Type", "application/json")
	return in.Do(t, r).Token(t)
}

// Token exchanges an API key, which must work, for an access token.
func (in *Installation) Token(t testing.TB, key APIKey) string {
	t.Helper()
	a := in.Ask(t, in.URL+"/api/oauth/token", key.ClientID, key.ClientSecret)
	if a.AccessToken == "" {
		t.Fatalf("%s gets no token: %s: %s", key.ClientID, a.Error, a.Description)
	}
	return a.AccessToken
}

// Works tells whether an API key gets a token.
func (in *Installation) Works(t testing.TB, key APIKey) bool {
	t.Helper()
	return in.Ask(t, in.URL+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken != ""
}

// AwaitKeys waits until a running server has heard of API keys that were made or
// changed beside it, and issues tokens for them.
func (in *Installation) AwaitKeys(t testing.TB, keys ...APIKey) {
	t.Helper()
	for _, key := range keys {
		Eventually(t, Soon, "API key "+key.ClientID+" works", func() bool { return in.Works(t, key) })
	}
}

// Refuses tells whether an API key is refused as one that is not there; a
// server that cannot tell does neither.
func (in *Installation) Refuses(t testing.TB, key APIKey) bool {
	t.Helper()
	return in.Ask(t, in.URL+"/oauth/token", key.ClientID, key.ClientSecret).Error == "invalid_client"
}
