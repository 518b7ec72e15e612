package tokenwrighttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// endpoints routes what is below the base URL.
func (iss *Issuer) endpoints() http.Handler {
	mux, path := http.NewServeMux(), "/"+iss.Environment
	for _, at := range []string{"", path} {
		mux.Handle(at+"/oauth/token", iss.serve(Token, iss.token))
		mux.Handle(at+"/api/oauth/token", iss.serve(Token, iss.token))
	}
	mux.Handle(path+"/oauth/jwks", iss.serve(JWKS, iss.jwks))
	mux.Handle(path+"/oauth/revocations", iss.serve(Revocations, iss.revocations))
	// RFC 8414 3: the well-known part stands before the issuer's path; the
	// OpenID form, which several libraries ask for alone, behind it.
	mux.Handle("/.well-known/oauth-authorization-server"+path, iss.serve(Metadata, iss.metadata))
	mux.Handle(path+"/.well-known/openid-configuration", iss.serve(Metadata, iss.metadata))
	return mux
}

// serve counts a request, lets the endpoint misbehave, and writes what is
// returned as an error.
func (iss *Issuer) serve(at Endpoint, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", newRequestID())
		w.Header().Set("X-Content-Type-Options", "nosniff")
		iss.mu.Lock()
		iss.requests[at]++
		iss.mu.Unlock()
		if iss.delayed(r, at); iss.misbehaves(w, r, at) {
			return
		}
		err := answer(w, r)
		if err == nil {
			return
		}
		refused, ok := errors.AsType[*refusal](err)
		if !ok {
			iss.t.Errorf("tokenwrighttest: answering %s: %v", r.URL.Path, err)
			refused = failure(http.StatusInternalServerError)
		}
		refused.write(w, iss.BaseURL)
	})
}

func newRequestID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// methods refuses every method but the given ones.
func methods(w http.ResponseWriter, r *http.Request, allowed ...string) error {
	if slices.Contains(allowed, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(allowed, ", ")) // RFC 9110 15.5.6
	return otherMethod
}

// public serves a document that anybody may read and cache.
func public(w http.ResponseWriter, r *http.Request, body []byte) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if err := methods(w, r, http.MethodGet, http.MethodHead); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", etag)
	if strings.Contains(r.Header.Get("If-None-Match"), etag) { // RFC 9110 13.1.2: a list
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may be gone: nothing to do about it
	return nil
}

// jwks is the set of signing keys (RFC 7517 5).
func (iss *Issuer) jwks(w http.ResponseWriter, r *http.Request) error {
	return public(w, r, jose.MarshalJWKS(iss.published()))
}

// serverMetadata is RFC 8414 2, without what this issuer does not have.
type serverMetadata struct {
	Issuer            string   `json:"issuer"`
	TokenEndpoint     string   `json:"token_endpoint"`
	JWKSURI           string   `json:"jwks_uri"`
	ScopesSupported   []string `json:"scopes_supported,omitempty"`
	ResponseTypes     []string `json:"response_types_supported"`
	GrantTypes        []string `json:"grant_types_supported"`
	AuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	RevocationsURI    string   `json:"revocations_uri"`       // the product's own
	TokenLifetime     int64    `json:"access_token_lifetime"` // the product's own: seconds
	SubjectTypes      []string `json:"subject_types_supported"`
	SigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
}

// metadata describes the issuer (RFC 8414 3.2).
func (iss *Issuer) metadata(w http.ResponseWriter, r *http.Request) error {
	body, err := json.Marshal(&serverMetadata{
		Issuer: iss.URL, TokenEndpoint: iss.TokenURL, JWKSURI: iss.URL + "/oauth/jwks",
		ScopesSupported: iss.scopes(), ResponseTypes: []string{}, GrantTypes: []string{"client_credentials"},
		AuthMethods:    []string{"client_secret_basic", "client_secret_post"},
		RevocationsURI: iss.URL + "/oauth/revocations", TokenLifetime: iss.lifetime,
		SubjectTypes: []string{"public"}, SigningAlgorithms: []string{string(iss.algorithm)},
	})
	if err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	return public(w, r, body)
}

// scopes are those of all API keys.
func (iss *Issuer) scopes() []string {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	var all []string
	for _, key := range iss.keys {
		all = append(all, key.Scopes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
