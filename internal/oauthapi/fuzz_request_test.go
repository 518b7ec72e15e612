package oauthapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// FuzzTokenRequest sends whole requests to the handler. ID and SECRET in them
// stand for a real API key. R-50, C-004, C-019: the answer is one of those that
// were written before any request came, so it repeats nothing, or a token; and
// a token has only who sent the secret, for scopes of the key.
func FuzzTokenRequest(f *testing.F) {
	in := install(f, nil)
	held := []string{"customers:read", "customers:write", "reports:read"}
	k := in.key("demo", held...)
	placeholders := apiKey{"ID", "SECRET"}
	for i, extra := range [][]string{nil, {"scope", "customers:read"}, {"scope", "reports:read", "resource", reports}, {"scope", "payments:read"}, {"scope", "a  b"},
		{"resource", "https://nobody.example.com"}, {"client_assertion", "x"}, {"\u017fcope", "x"}, {"merchantId", "1", "env", "production"}, {"<script>", "\"\r\n\u2028"}} {
		f.Add(byte(i), asForm.contentType, "", asForm.encode(placeholders.request(extra...)...))
		f.Add(byte(i), asJSON.contentType, "", asJSON.encode(placeholders.request(extra...)...))
		f.Add(byte(i), asForm.contentType, "Basic ID:SECRET", asForm.encode(grant(extra...)...))
	}
	f.Add(byte(0), "application/json; charset=UTF-8", "Bearer x", "{}")
	f.Add(byte(0), "text/plain", "", "grant_type=password")
	f.Add(byte(0), "", "basic ID:SECRET", "grant_type=client_credentials")
	f.Add(byte(0), asForm.contentType, "", "grant_type=client_credentials&client_id=twc_demo_0000000000000000000000&client_secret=SECRET")
	f.Add(byte(0), asForm.contentType, "", "grant_type=password&client_id=SECRET&client_secret=ID")

	fixed := map[string]bool{}
	for _, refusal := range in.api.refusals {
		fixed[string(refusal.body)] = true
	}
	issuer, err := in.Issuer("demo")
	in.must(err)
	keys, err := jose.ParseJWKS(issuer.JWKS)
	in.must(err)
	endpoints := slices.Concat(commonEndpoints, demoEndpoints, []string{"/production/oauth/token"})
	filled := strings.NewReplacer("ID", k.id, "SECRET", k.secret)

	f.Fuzz(func(t *testing.T, endpoint byte, contentType, authorization, body string) {
		defer fuzztest.Bound(t)()
		r := httptest.NewRequest(http.MethodPost, endpoints[int(endpoint)%len(endpoints)], strings.NewReader(filled.Replace(body)))
		r.Host = "auth.example.com"
		if contentType != "" {
			r.Header["Content-Type"] = []string{contentType}
		}
		if authorization != "" {
			header := filled.Replace(authorization)
			if scheme, userinfo, _ := strings.Cut(header, " "); strings.Contains(userinfo, ":") {
				header = basicRaw(scheme, userinfo)[1] // a fuzzer hardly gets there through base64
			}
			r.Header["Authorization"] = []string{header}
		}
		w := &recorder{ResponseRecorder: httptest.NewRecorder()}
		in.handler.ServeHTTP(w, r)

		h := w.Result().Header
		if h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" {
			t.Fatalf("headers %v", h)
		}
		if logged := slog.GroupValue(w.logged...).String(); strings.Contains(logged, k.secret[len("tws_demo_"):len(k.secret)-6]) {
			t.Fatalf("the log has the secret: %s", logged)
		}
		switch answer := w.Body.String(); w.Code {
		case http.StatusOK:
			if !strings.Contains(body+authorization, "SECRET") {
				t.Fatalf("a token without the secret: %q %q %q", contentType, authorization, body)
			}
			checkToken(t, answer, k.id, held, keys)
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnauthorized:
			if !fixed[answer] || (h.Get("WWW-Authenticate") != "") != (w.Code == http.StatusUnauthorized) {
				t.Fatalf("status %d, answer %s, headers %v", w.Code, answer, h)
			}
		default:
			t.Fatalf("status %d, answer %s", w.Code, answer)
		}
	})
}

// checkToken reads the answer with encoding/json, and verifies the token.
func checkToken(t *testing.T, answer, clientID string, held []string, keys []*jose.Key) {
	t.Helper()
	var got struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		TokenType   string `json:"token_type"`
		Scope       string `json:"scope"`
	}
	dec := json.NewDecoder(strings.NewReader(answer))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil || got.ExpiresIn != 3600 || got.TokenType != "bearer" {
		t.Fatalf("answer %s: %v", answer, err)
	}
	m, err := jose.Parse(got.AccessToken)
	if err != nil || m.Verify(keys[0]) != nil {
		t.Fatalf("token %s: %v", got.AccessToken, err)
	}
	var claims struct {
		Sub, Scope string
		Claims     struct {
			Env        string
			MerchantID json.Number `json:"merchantId"`
		}
	}
	if err := json.Unmarshal(m.Payload, &claims); err != nil {
		t.Fatalf("payload %s: %v", m.Payload, err)
	}
	if claims.Sub != clientID || claims.Scope != got.Scope || claims.Claims.Env != "demo" || claims.Claims.MerchantID != merchant {
		t.Fatalf("payload %s", m.Payload)
	}
	for _, name := range strings.Split(got.Scope, " ") {
		if !slices.Contains(held, name) {
			t.Fatalf("scope %q is not held", name)
		}
	}
}
