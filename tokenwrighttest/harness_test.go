package tokenwrighttest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, client *http.Client, r *http.Request) (*answer, error) {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, string(body)}, err
}

func get(t *testing.T, iss *Issuer, address string) *answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := do(t, iss.Client(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// read verifies a message with the JWKS that the issuer serves.
func read(t *testing.T, iss *Issuer, token string) (*jose.Message, error) {
	t.Helper()
	m, err := jose.ParseUpTo(token, accesstoken.MaxRevocationsSize)
	if err != nil {
		return nil, err
	}
	keys, err := jose.ParseJWKS([]byte(get(t, iss, iss.URL+"/oauth/jwks").body))
	if err != nil {
		return nil, err
	}
	err = jose.ErrSignature
	for _, key := range keys {
		if key.KeyID() == m.KeyID {
			err = m.Verify(key)
		}
	}
	return m, err
}

// claims returns those of a token that the issuer stands for.
func claims(t *testing.T, iss *Issuer, token string) *accesstoken.Claims {
	t.Helper()
	m := must[*jose.Message](t)(read(t, iss, token))
	if m.Type != accesstoken.Type {
		t.Errorf("typ is %s", m.Type)
	}
	return must[*accesstoken.Claims](t)(accesstoken.Parse(string(m.Payload)))
}

func readFeed(t *testing.T, iss *Issuer, a *answer) *accesstoken.Revocations {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/jwt" || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the feed is answered %d, %v", a.status, a.header)
	}
	m := must[*jose.Message](t)(read(t, iss, a.body))
	if m.Type != accesstoken.RevocationsType {
		t.Errorf("typ is %s", m.Type)
	}
	return must[*accesstoken.Revocations](t)(accesstoken.ParseRevocations(string(m.Payload)))
}

func feed(t *testing.T, iss *Issuer, query string) *accesstoken.Revocations {
	t.Helper()
	return readFeed(t, iss, get(t, iss, iss.URL+"/oauth/revocations"+query))
}

// ask sends a token request as a form; members that are empty are not sent.
func ask(t *testing.T, iss *Issuer, members ...string) map[string]any {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	for i := 0; i < len(members); i += 2 {
		if form.Set(members[i], members[i+1]); members[i+1] == "" {
			form.Del(members[i])
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, iss.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	a := must[*answer](t)(do(t, iss.Client(), r))
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	out["status"], out["expires"] = a.status, a.header.Get("Tokenwright-Secret-Expires")
	return out
}
