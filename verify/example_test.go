package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tokenwright/tokenwright/internal/leaktest"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// newIssuer stands for your authorization server. In a test of your own it is
// tokenwrighttest.New(t).
func newIssuer() *tokenwrighttest.Issuer { return tokenwrighttest.New(leaktest.Example{}) }

// call shows what an API answers to a request with a token; "" for none.
func call(api http.Handler, path, token string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
}

// An API that wants a scope, and takes the merchant from the token.
func Example() {
	issuer := newIssuer()
	verifier, err := verify.New(context.Background(), verify.Config{Issuer: issuer.URL, Audience: issuer.Audience})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()

	api := http.NewServeMux()
	api.Handle("GET /customers", verifier.Middleware(verify.Require("customers:read"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			claims, _ := verify.FromContext(r.Context())
			fmt.Fprint(w, "customers of merchant ", claims.MerchantID.Text)
		})))

	call(api, "/customers", issuer.Token(tokenwrighttest.Scopes("customers:read"), tokenwrighttest.Merchant(4259)))
	call(api, "/customers", issuer.Token(tokenwrighttest.Scopes("coupons:read")))
	call(api, "/customers", issuer.Token(tokenwrighttest.ExpiresIn(-time.Hour)))
	// Output:
	// 200 customers of merchant 4259
	// 403 {"code":"403","message":"The access token lacks a scope that is needed here: customers:read."}
	// 401 {"code":"401","message":"Expired token."}
}

// A path that names a merchant is for tokens of that merchant alone.
func ExampleRequireMerchant() {
	issuer := newIssuer()
	verifier, err := verify.New(context.Background(), verify.Config{Issuer: issuer.URL, Audience: issuer.Audience})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()

	api := http.NewServeMux()
	api.Handle("GET /merchants/{merchantId}/orders", verifier.Middleware(verify.RequireMerchant("merchantId"))(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "orders of ", r.PathValue("merchantId")) })))

	token := issuer.Token(tokenwrighttest.Merchant(4259))
	call(api, "/merchants/4259/orders", token)
	call(api, "/merchants/815/orders", token)
	// Output:
	// 200 orders of 4259
	// 403 {"code":"403","message":"The access token is not for this merchant."}
}

// A token that did not come in the header of a request.
func ExampleVerifier_Verify() {
	issuer := newIssuer()
	verifier, err := verify.New(context.Background(), verify.Config{Issuer: issuer.URL, Audience: issuer.Audience})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()

	claims, err := verifier.Verify(context.Background(), issuer.Token(tokenwrighttest.Scopes("orders:read")))
	fmt.Println(claims.Env, claims.Scope, err)
	_, err = verifier.Verify(context.Background(), "eyJhbGciOiJub25lIn0.e30.")
	fmt.Println(errors.Is(err, verify.ErrInvalid))
	// Output:
	// demo orders:read <nil>
	// true
}
