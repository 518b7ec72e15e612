package oauthapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// document is a public document of an issuer.
type document struct {
	contentType []string // of the header
	body        []byte
}

// public serves a document that anybody may read and cache, browsers on other
// origins included (the debuggers that fetch keys from iss).
func (a *API) public(read func(*http.Request) (*document, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		if err := methods(w, r, http.MethodGet, http.MethodHead); err != nil {
			return err
		}
		d, err := read(r)
		if errors.Is(err, authority.ErrNotFound) {
			return refuse(reasonNotFound)
		}
		if err != nil {
			return err
		}
		sum := sha256.Sum256(d.body)
		etag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h["Cache-Control"] = a.cacheable
		h.Set("ETag", etag)
		if matches(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		writeBody(w, http.StatusOK, d.contentType, d.body)
		return nil
	}
}

// matches reads If-None-Match (RFC 9110 13.1.2).
func matches(header, etag string) bool {
	for _, candidate := range strings.Split(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || candidate == etag {
			return true
		}
	}
	return false
}

// jwks is the set of signing keys of an environment (RFC 7517 5).
func (a *API) jwks(env string) func(*http.Request) (*document, error) {
	return func(*http.Request) (*document, error) {
		issuer, err := a.authority.Issuer(env)
		if err != nil {
			return nil, err
		}
		return &document{contentType: jsonContent, body: issuer.JWKS}, nil
	}
}

// pem is one signing key, for gateways that read no JWKS.
func (a *API) pem(env string) func(*http.Request) (*document, error) {
	return func(r *http.Request) (*document, error) {
		issuer, err := a.authority.Issuer(env)
		if err != nil {
			return nil, err
		}
		for _, key := range issuer.Keys {
			if r.PathValue("file") == key.KeyID()+".pem" {
				body, err := key.PEM()
				return &document{contentType: []string{"application/x-pem-file"}, body: body}, err
			}
		}
		return nil, authority.ErrNotFound
	}
}

// serverMetadata is RFC 8414 2. response_types_supported is required there,
// and empty: this server has no authorization endpoint. The two members of
// OpenID Connect are for libraries that read only that form of the document.
type serverMetadata struct {
	Issuer            string   `json:"issuer"`
	TokenEndpoint     string   `json:"token_endpoint"`
	JWKSURI           string   `json:"jwks_uri"`
	ScopesSupported   []string `json:"scopes_supported,omitempty"`
	ResponseTypes     []string `json:"response_types_supported"`
	GrantTypes        []string `json:"grant_types_supported"`
	AuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	Introspection     string   `json:"introspection_endpoint"`
	IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported"`
	Revocation        string   `json:"revocation_endpoint"`
	RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationsURI    string   `json:"revocations_uri"`       // our own: the feed
	TokenLifetime     int64    `json:"access_token_lifetime"` // our own: of the longest token, in seconds
	Documentation     string   `json:"service_documentation"`
	SubjectTypes      []string `json:"subject_types_supported"`
	SigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
}

var authMethods = []string{"client_secret_basic", "client_secret_post"}

// metadata describes an issuer (RFC 8414 3.2). URLs come from the
// configuration alone, never from the request (C-178).
func (a *API) metadata(env *authority.Environment) func(*http.Request) (*document, error) {
	return func(*http.Request) (*document, error) {
		m := serverMetadata{
			Issuer:        env.Issuer,
			TokenEndpoint: env.Issuer + "/oauth/token",
			JWKSURI:       env.Issuer + "/oauth/jwks",
			ResponseTypes: []string{}, GrantTypes: []string{"client_credentials"},
			AuthMethods:   authMethods,
			Introspection: env.Issuer + "/oauth/introspect", IntrospectionAuth: authMethods,
			Revocation: env.Issuer + "/oauth/revoke", RevocationAuth: authMethods,
			RevocationsURI: env.Issuer + "/oauth/revocations", TokenLifetime: int64(env.TokenLifetime / time.Second),
			Documentation: a.baseURL + "/docs",
			SubjectTypes:  []string{"public"}, SigningAlgorithms: []string{string(env.Algorithm)},
		}
		if env.Name != authority.Platform {
			m.ScopesSupported = a.authority.PublishedScopes()
		}
		body, err := json.Marshal(&m)
		if err != nil {
			return nil, fmt.Errorf("writing metadata: %w", err)
		}
		return &document{contentType: jsonContent, body: body}, nil
	}
}
