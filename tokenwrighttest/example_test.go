package tokenwrighttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/leaktest"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// t stands for the *testing.T of a test, which examples do not have. Its issuers end
// behind all of them.
var t testing.TB = leaktest.Example{}

var customers = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c, _ := verify.FromContext(r.Context())
	fmt.Fprintln(w, "customers of merchant", c.MerchantID.Text)
})

// An API and who may call it. In a test, t is its *testing.T.
func Example() {
	iss := tokenwrighttest.New(t)
	verifier, err := verify.New(t.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience})
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	api := verifier.Middleware(verify.Require("customers:read"))(customers)

	call := func(token string) {
		r := httptest.NewRequest(http.MethodGet, "/customers", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	call(iss.Token())
	call(iss.Token(tokenwrighttest.Scopes("coupons:read")))
	call(iss.Token(tokenwrighttest.ExpiresIn(-time.Hour)))
	// Output:
	// 200
	// 403
	// 401
}

// Every token that an API must refuse.
func ExampleIssuer_BadTokens() {
	iss := tokenwrighttest.New(t)
	verifier, err := verify.New(t.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience})
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	api := verifier.Middleware(verify.Require("customers:read"))(customers)

	for name, token := range iss.BadTokens() {
		r := httptest.NewRequest(http.MethodGet, "/customers", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		if api.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
			t.Errorf("a token %s is answered with %d", name, w.Code)
		}
	}
	// Output:
}

// How much a service asks of the issuer: nothing, for a request that it verifies.
func ExampleIssuer_Requests() {
	iss := tokenwrighttest.New(t)
	verifier, err := verify.New(t.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience})
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()

	before := iss.Requests(tokenwrighttest.JWKS)
	for range 100 {
		if _, err := verifier.Verify(t.Context(), iss.Token()); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println(iss.Requests(tokenwrighttest.JWKS) - before)
	// Output: 0
}

// A client of the token endpoint, and an issuer that is overloaded.
func ExampleIssuer_Fail() {
	iss := tokenwrighttest.New(t)
	ask := func() {
		resp, err := http.PostForm(iss.BaseURL+"/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {iss.ClientID}, "client_secret": {iss.ClientSecret},
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	ask()
	iss.Fail(http.StatusServiceUnavailable, tokenwrighttest.Token)
	ask()
	iss.Up()
	ask()
	// Output:
	// 200
	// 503
	// 200
}

// API keys of other merchants, and with other scopes.
func ExampleIssuer_AddKey() {
	iss := tokenwrighttest.New(t)
	key := iss.AddKey(tokenwrighttest.Key{Merchant: 7, Scopes: []string{"coupons:read", "coupons:write"}})
	resp, err := http.PostForm(iss.TokenURL, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}, "scope": {"coupons:read"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Scope string `json:"scope"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	fmt.Println(answer.Scope)
	// Output: coupons:read
}
