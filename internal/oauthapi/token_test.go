package oauthapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// issued is a token whose signature was checked, with its answer.
type issued struct {
	*answer
	*accesstoken.Claims
	token     string
	protected strictjson.Object
}

// issued fails the test unless the answer gives a token of env, and checks what
// every such answer has (C-001, C-002, C-003).
func (a *answer) issued(env string) *issued {
	a.Helper()
	if a.status != http.StatusOK {
		a.Fatalf("got status %d and %s, want a token", a.status, a.body)
	}
	a.wantHeader("Content-Type", "application/json")
	a.wantHeader("Cache-Control", "no-store")
	a.wantHeader("Pragma", "no-cache")
	a.wantHeader("WWW-Authenticate", "")
	o := a.object()
	i := &issued{answer: a, token: text(o, "access_token")}
	message, err := jose.Parse(i.token)
	a.must(err)
	issuer, err := a.Issuer(env)
	a.must(err)
	a.must(message.Verify(issuer.Keys[0]))
	i.Claims, err = accesstoken.Parse(string(message.Payload))
	a.must(err)
	rawHeader, _, _ := strings.Cut(i.token, ".")
	decoded, err := jose.DecodeBase64(rawHeader)
	a.must(err)
	i.protected, err = strictjson.ParseObject(string(decoded))
	a.must(err)
	names := []string{}
	for _, m := range o {
		names = append(names, m.Name)
	}
	if want := []string{"access_token", "expires_in", "token_type", "scope"}; !slices.Equal(names, want) {
		a.Errorf("got members %v, want %v", names, want)
	}
	expires, _ := o.Get("expires_in")
	if n, ok := expires.Int64(); !ok || n <= 0 || n != i.Expiry-i.IssuedAt {
		a.Errorf("got expires_in %v, want the number %d", expires, i.Expiry-i.IssuedAt)
	}
	if text(o, "token_type") != "bearer" || text(o, "scope") != i.Scope {
		a.Errorf("got token_type %q and scope %q, want bearer and %q", text(o, "token_type"), text(o, "scope"), i.Scope)
	}
	return i
}

// wantScope compares the scopes, whose order is that of the alphabet.
func (i *issued) wantScope(want string) {
	i.Helper()
	if i.Scope != want {
		i.Errorf("got scope %q, want %q", i.Scope, want)
	}
}

func TestEveryTokenEndpointAnswersBothEncodings(t *testing.T) { // C-001, C-002, C-003
	in := install(t, nil)
	k := in.key("demo", "customers:read", "customers:write")
	for _, path := range slices.Concat(commonEndpoints, demoEndpoints) {
		for _, e := range encodings {
			i := in.post(path, e.contentType, e.encode(k.request()...)).issued("demo")
			i.wantScope("customers:read customers:write")
		}
	}
}

func TestTokenHeaderHasTypeAlgorithmAndKeyIDOnly(t *testing.T) { // C-080
	in := install(t, nil)
	i := in.ask(asJSON, in.key("demo", "coupons:read").request()).issued("demo")
	issuer, err := in.Issuer("demo")
	in.must(err)
	if text(i.protected, "typ") != "at+jwt" || text(i.protected, "alg") != "ES256" || text(i.protected, "kid") != issuer.Keys[0].KeyID() || len(i.protected) != 3 {
		t.Errorf("got header %v", i.protected)
	}
}

func TestTokenClaims(t *testing.T) { // C-081, C-082, C-083, C-084
	in := install(t, nil)
	k := in.key("production", "coupons:read")
	i := in.ask(asForm, k.request()).issued("production")
	metadata := in.get("/production/.well-known/openid-configuration").object()
	want := accesstoken.Claims{
		Issuer: text(metadata, "issuer"), Audience: base + "/production/api", Subject: k.id, ClientID: k.id,
		IssuedAt: in.time().Unix(), Expiry: in.time().Unix() + 3600, ID: i.ID, Generation: in.time().Unix(), Scope: "coupons:read",
		Env: "production", MerchantID: accesstoken.MerchantID{Text: merchant, Number: true},
	}
	if *i.Claims != want {
		t.Errorf("got %+v, want %+v", *i.Claims, want)
	}
	if !strings.HasPrefix(i.Subject, "twc_") || len(i.ID) != 22 {
		t.Errorf("got sub %q, which may collide with another kind of subject, and jti %q", i.Subject, i.ID)
	}
	if again := in.ask(asForm, k.request()).issued("production"); again.ID == i.ID {
		t.Error("two tokens have one jti")
	}
}

func TestParametersNeverSetClaims(t *testing.T) { // C-013, C-072
	in := install(t, nil)
	other := in.key("demo", "payments:read")
	k := in.key("demo", "customers:read")
	for _, e := range encodings {
		for _, name := range []string{"merchantId", "merchant_id", "env", "environment", "aud", "audience", "sub", "gen", "iss", "exp", "claims",
			"expires_in", "client", "user_id", "foo"} {
			for _, value := range []string{"production", "4260", other.id, `{"env":"production"}`, "9999999999", ""} {
				i := in.ask(e, k.request(name, value)).issued("demo")
				if i.ClientID != k.id || i.Subject != k.id || i.Env != "demo" || i.MerchantID.Text != merchant || i.Audience != base+"/demo/api" ||
					i.Scope != "customers:read" || i.Expiry != in.time().Unix()+3600 {
					t.Errorf("%s: %s=%s changed the claims: %+v", e.name, name, value, *i.Claims)
				}
			}
		}
	}
}

func TestEmptyParametersCountAsOmitted(t *testing.T) { // C-006, RFC 6749 3.2
	in := install(t, nil)
	k := in.key("demo", "customers:read", "coupons:read")
	for _, e := range encodings {
		in.ask(e, k.request("scope", "", "resource", "", "client_assertion", "", "client_assertion_type", "")).issued("demo").
			wantScope("coupons:read customers:read")
		in.ask(e, []string{"grant_type", "", "client_id", k.id, "client_secret", k.secret}).refused(reasonNoGrantType)
		in.ask(e, []string{"client_id", k.id, "client_secret", k.secret}).refused(reasonNoGrantType)
		in.ask(e, grant("client_id", k.id, "client_secret", "")).refused(reasonNoCredentials)
		in.ask(e, grant("client_id", "", "client_secret", k.secret)).refused(reasonNoCredentials)
		in.ask(e, grant()).refused(reasonNoCredentials)
	}
}

func TestOtherGrantTypesAreUnsupported(t *testing.T) { // C-007
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for _, e := range encodings {
		for _, grantType := range []string{"foo", "password", "implicit", "authorization_code", "refresh_token", "Client_Credentials",
			"client_credentials ", " client_credentials", "client_credentials\x00", "urn:ietf:params:oauth:grant-type:token-exchange"} {
			in.ask(e, []string{"grant_type", grantType, "client_id", k.id, "client_secret", k.secret}).refused(reasonGrantType)
		}
	}
}

func TestEnvironmentsStayApart(t *testing.T) { // C-073
	in := install(t, nil)
	demo, production := in.key("demo", "coupons:read"), in.key("production", "coupons:read")
	for env, k := range map[string]apiKey{"demo": demo, "production": production} {
		other := map[string]string{"demo": "production", "production": "demo"}[env]
		in.post("/"+env+"/oauth/token", asJSON.contentType, jsonBody(k.request()...)).issued(env)
		for _, path := range []string{"/" + other + "/oauth/token", "/" + other + "/api/oauth/token", "/platform/oauth/token"} {
			for _, e := range encodings {
				in.post(path, e.contentType, e.encode(k.request()...)).refused(string(authority.IDOtherEnvironment))
			}
		}
		i := in.ask(asJSON, k.request()).issued(env)
		if i.Env != env || i.Issuer != base+"/"+env || i.Audience != base+"/"+env+"/api" {
			t.Errorf("got claims %+v, want those of %s", *i.Claims, env)
		}
		message, err := jose.Parse(i.token)
		in.must(err)
		issuer, err := in.Issuer(other)
		in.must(err)
		if message.Verify(issuer.Keys[0]) == nil {
			t.Errorf("a token of %s verifies as one of %s", env, other)
		}
	}
	mixed := apiKey{demo.id, production.secret}
	in.ask(asJSON, mixed.request()).refused(string(authority.SecretOtherEnv))
}

func TestOperatorKeysActOnThePlatform(t *testing.T) {
	in := install(t, nil)
	k := in.operatorKey("merchants:write", "events:read")
	for _, path := range slices.Concat(commonEndpoints, []string{"/platform/oauth/token", "/platform/api/oauth/token"}) {
		i := in.post(path, asJSON.contentType, jsonBody(k.request()...)).issued(authority.Platform)
		if i.Issuer != base+"/platform" || i.Audience != base+"/admin" || i.MerchantID.Text != "" || i.Scope != "events:read merchants:write" {
			t.Errorf("%s: got claims %+v", path, *i.Claims)
		}
	}
	in.post("/demo/oauth/token", asJSON.contentType, jsonBody(k.request()...)).refused(string(authority.IDOtherEnvironment))
}

func TestTokensNeverOutliveTheirKey(t *testing.T) { // C-089
	in := install(t, func(_, production *authority.Environment) { production.TokenLifetime = 90 * time.Second })
	short := in.create(authority.NewAPIKey{MerchantID: merchant, Env: "demo", Scopes: []string{"coupons:read"}, ExpiresAt: in.time().Add(10 * time.Second)})
	if i := in.ask(asJSON, short.request()).issued("demo"); i.Expiry > in.time().Unix()+10 {
		t.Errorf("got a token until %d, want until %d at most", i.Expiry, in.time().Unix()+10)
	}
	in.advance(9500 * time.Millisecond)
	if i := in.ask(asJSON, short.request()).issued("demo"); i.Expiry-i.IssuedAt != 1 {
		t.Errorf("got a token for %d s, want 1", i.Expiry-i.IssuedAt)
	}
	in.advance(time.Second)
	in.ask(asJSON, short.request()).refused(string(authority.KeyExpired))
	if i := in.ask(asJSON, in.key("production", "coupons:read").request()).issued("production"); i.Expiry-i.IssuedAt != 90 {
		t.Errorf("got a token for %d s, want the environment's 90", i.Expiry-i.IssuedAt)
	}
}
