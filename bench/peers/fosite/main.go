// Command fosite is a token endpoint, and one of introspection, built with the library ory/fosite as its
// documentation shows, with what makes it quick: clients in memory, secrets
// hashed once with SHA-256, ES256, and no record kept of the tokens it issues
// (its own memory store would keep them all, for ever).
//
//	fosite -listen 127.0.0.1:9001
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
)

const (
	clientID     = "client0123456789abcdefghij"
	clientSecret = "secret0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
	keyID        = "1"
)

// hasher is SHA-256, which is enough for a random secret of 256 bits.
type hasher struct{}

func (hasher) Hash(_ context.Context, secret []byte) ([]byte, error) {
	sum := sha256.Sum256(secret)
	return sum[:], nil
}

func (hasher) Compare(_ context.Context, hash, secret []byte) error {
	if sum := sha256.Sum256(secret); subtle.ConstantTimeCompare(sum[:], hash) != 1 {
		return errors.New("wrong secret")
	}
	return nil
}

// store keeps clients, and forgets tokens.
type store struct{ *storage.MemoryStore }

func (store) CreateAccessTokenSession(context.Context, string, fosite.Requester) error { return nil }

func main() {
	listen := flag.String("listen", "127.0.0.1:9001", "address to listen on")
	flag.Parse()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	hash := sha256.Sum256([]byte(clientSecret))
	clients := store{storage.NewMemoryStore()}
	clients.Clients[clientID] = &fosite.DefaultClient{
		ID: clientID, Secret: hash[:], GrantTypes: []string{"client_credentials"}, Scopes: []string{"customers:read", "customers:write"},
	}
	config := &fosite.Config{
		AccessTokenLifespan: time.Hour, AccessTokenIssuer: "http://" + *listen, ClientSecretsHasher: hasher{},
		ScopeStrategy: fosite.ExactScopeStrategy, GlobalSecret: make([]byte, 32), // signs no token here
	}
	provider := compose.Compose(config, clients, compose.NewOAuth2JWTStrategy(
		func(context.Context) (any, error) { return key, nil }, compose.NewOAuth2HMACStrategy(config), config),
		compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2StatelessJWTIntrospectionFactory)

	http.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		session := &oauth2.JWTSession{
			JWTClaims: &jwt.JWTClaims{Subject: clientID, Extra: map[string]any{"claims": map[string]any{"env": "demo", "merchantId": 4259}}},
			JWTHeader: &jwt.Headers{Extra: map[string]any{"kid": keyID, "typ": "at+jwt"}},
		}
		request, err := provider.NewAccessRequest(r.Context(), r, session)
		if err != nil {
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		answer, err := provider.NewAccessResponse(r.Context(), request)
		if err != nil {
			provider.WriteAccessError(r.Context(), w, request, err)
			return
		}
		provider.WriteAccessResponse(r.Context(), w, request, answer)
	})
	http.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		answer, err := provider.NewIntrospectionRequest(r.Context(), r, &oauth2.JWTSession{})
		if err != nil {
			provider.WriteIntrospectionError(r.Context(), w, err)
			return
		}
		provider.WriteIntrospectionResponse(r.Context(), w, answer)
	})
	http.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{ // the client may be gone
			{Key: &key.PublicKey, KeyID: keyID, Algorithm: "ES256", Use: "sig"},
		}})
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}
