package tokenwrighttest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// C-305
func TestTokenEndpointExchangesAnAPIKey(t *testing.T) {
	iss := New(t, WithLifetime(time.Minute))
	expires := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	key := iss.AddKey(Key{Merchant: 7, Scopes: []string{"orders:write", "orders:read"}, SecretExpires: expires})
	a := ask(t, iss, "client_id", key.ClientID, "client_secret", key.ClientSecret)
	if a["status"] != 200 || a["token_type"] != "bearer" || a["expires_in"] != 60.0 || a["scope"] != "orders:read orders:write" || a["expires"] != "2026-12-01T09:00:00Z" {
		t.Errorf("got %v", a)
	}
	if !slices.Equal(key.Scopes, []string{"orders:write", "orders:read"}) {
		t.Errorf("the caller's scopes have become %v", key.Scopes)
	}
	token, _ := a["access_token"].(string)
	if c := claims(t, iss, token); c.ClientID != key.ClientID || c.MerchantID.Text != "7" || c.Scope != "orders:read orders:write" || c.Expiry-c.IssuedAt != 60 {
		t.Errorf("the claims are %+v", *c)
	}
	if a := ask(t, iss, "client_id", key.ClientID, "client_secret", key.ClientSecret, "scope", "orders:write", "resource", iss.Audience); a["scope"] != "orders:write" {
		t.Errorf("got %v", a)
	}
}

// C-305: a key that takes another's place, and one that has ended.
func TestAPIKeysChangeAndEnd(t *testing.T) {
	iss := New(t)
	key := iss.AddKey(Key{ClientID: "any-name", ClientSecret: "any secret+%"})
	if a := ask(t, iss, "client_id", key.ClientID, "client_secret", key.ClientSecret); a["status"] != 200 {
		t.Errorf("got %v", a)
	}
	newer := iss.AddKey(Key{ClientID: key.ClientID})
	if a := ask(t, iss, "client_id", key.ClientID, "client_secret", key.ClientSecret); a["error"] != "invalid_client" {
		t.Errorf("with the secret that was replaced: %v", a)
	}
	if a := ask(t, iss, "client_id", key.ClientID, "client_secret", newer.ClientSecret); a["status"] != 200 {
		t.Errorf("got %v", a)
	}
	iss.RemoveKey(key.ClientID)
	if a := ask(t, iss, "client_id", key.ClientID, "client_secret", newer.ClientSecret); a["error"] != "invalid_client" || a["status"] != 401 {
		t.Errorf("after its end: %v", a)
	}
	if f := feed(t, iss, ""); len(f.Cutoffs) != 1 || f.Cutoffs[0].ClientID != key.ClientID {
		t.Errorf("the feed is %+v", f)
	}
}

// C-305, C-030: at each address, in JSON and by Basic as well.
func TestTokenRequestsMayHaveEachForm(t *testing.T) {
	iss := New(t)
	for _, address := range []string{"/oauth/token", "/api/oauth/token", "/demo/oauth/token", "/demo/api/oauth/token"} {
		for _, form := range []struct{ contentType, body, user string }{
			{jsonType, `{"grant_type":"client_credentials","client_id":"` + iss.ClientID + `","client_secret":"` + iss.ClientSecret + `"}`, ""},
			{formType + "; charset=utf-8", "grant_type=client_credentials", iss.ClientID},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, iss.BaseURL+address, strings.NewReader(form.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", form.contentType)
			if form.user != "" {
				r.SetBasicAuth(strings.ReplaceAll(form.user, "_", "%5F"), iss.ClientSecret) // RFC 6749 2.3.1
			}
			if a := must[*answer](t)(do(t, iss.Client(), r)); a.status != 200 {
				t.Errorf("%s, %s: %d %s", address, form.contentType, a.status, a.body)
			}
		}
	}
}

// C-305, C-035, C-011: what the product reads, and what it does not, to the byte.
func TestTokenRequestsAreReadAsStrictlyAsTheProductDoes(t *testing.T) {
	iss := New(t)
	key := iss.AddKey(Key{ClientID: "ab", ClientSecret: "c"})
	for name, tc := range map[string]struct {
		authorization, body string
		want                *refusal // nil: a token
	}{
		"as usual":             {"Basic YWI6Yw==", "", nil},
		"two spaces":           {"bAsIc  YWI6Yw==", "", nil},
		"stray bits":           {"Basic YWI6Yx==", "", noBasic},
		"no padding":           {"Basic YWI6Yw", "", noBasic},
		"no UTF-8":             {"Basic YTr/", "", noBasic},
		"no colon":             {"Basic YWJj", "", noBasic},
		"twice, folded":        {"Basic YWI6Yw==", "&scope=a&%C5%BFcope=b", repeated},
		"of another endpoint":  {"Basic YWI6Yw==", "&token=x", nil},
		"the same, other case": {"Basic YWI6Yw==", "&TOKEN=x", otherCase},
	} {
		p := parameters{}
		err := p.readForm("grant_type=client_credentials" + tc.body)
		if err == nil {
			err = p.authorize([]string{tc.authorization})
		}
		if tc.want == nil && (err != nil || p["client_id"] != key.ClientID || p["client_secret"] != key.ClientSecret) || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
}
