package oauthapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/verify"
)

// inactive is the whole answer for whatever is not to be believed, and for
// whoever is not to know (RFC 7662 2.2).
var inactive = []byte(`{"active":false}`)

// introspection is RFC 7662 2.2 for a token that is alive.
type introspection struct {
	Active    bool   `json:"active"`
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	ClientID  string `json:"client_id"`
	IssuedAt  int64  `json:"iat"`
	Expiry    int64  `json:"exp"`
	ID        string `json:"jti"`
	Scope     string `json:"scope"`
	TokenType string `json:"token_type"`
	Claims    struct {
		Env        string `json:"env"`
		MerchantID any    `json:"merchantId,omitempty"`
	} `json:"claims"`
}

// introspect tells the API key that owns a token, or an operator key that may
// ask about all, whether the token is alive (RFC 7662).
func (a *API) introspect(w http.ResponseWriter, _ *http.Request, client *authority.Client, claims *accesstoken.Claims) error {
	// The leeway is for clocks of others; here nothing is active past its exp (C-162).
	if claims == nil || claims.Expiry <= a.authority.Now().Unix() || !client.MayIntrospect(claims) {
		note(w, slog.Bool("active", false))
		writeJSON(w, http.StatusOK, inactive)
		return nil
	}
	note(w, slog.Bool("active", true), slog.String("jti", claims.ID))
	body, err := json.Marshal(introspectionOf(claims))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

func introspectionOf(c *accesstoken.Claims) *introspection {
	out := &introspection{
		Active: true, Issuer: c.Issuer, Audience: c.Audience, Subject: c.Subject, ClientID: c.ClientID, IssuedAt: c.IssuedAt,
		Expiry: c.Expiry, ID: c.ID, Scope: c.Scope, TokenType: "bearer",
	}
	out.Claims.Env = c.Env
	switch {
	case c.MerchantID.Number:
		out.Claims.MerchantID = json.Number(c.MerchantID.Text)
	case c.MerchantID.Text != "":
		out.Claims.MerchantID = c.MerchantID.Text
	}
	return out
}

// changeTimeout is how long a change may take, with what makes it act on this
// node: whoever asks for it has an answer within 5 s.
const changeTimeout = 4500 * time.Millisecond

// revoke kills a token of the API key that asks. What is no such token, or none
// any more, is answered alike: there is nothing left to do (RFC 7009 2.2).
func (a *API) revoke(w http.ResponseWriter, r *http.Request, client *authority.Client, claims *accesstoken.Claims) error {
	if claims != nil {
		actor := authority.Actor{ID: client.ID.ActorID(), Address: addressOf(r).String(), RequestID: w.Header().Get("X-Request-Id")}
		ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
		defer cancel()
		revoked, err := a.authority.RevokeToken(ctx, actor, client, claims)
		if err != nil {
			note(w, slog.String("error", err.Error()))
			return refuse(reasonStore) // C-169: never 200 for what was not done
		}
		if revoked {
			note(w, slog.String("revoked", claims.ID))
		}
	}
	writeJSON(w, http.StatusOK, []byte(`{}`)) // some clients cannot read an empty body
	return nil
}

// aboutToken is an endpoint that is asked about one token of env: answer hears
// who asks, and what the token says, or nil where it is not to be believed.
func (a *API) aboutToken(env *authority.Environment,
	answer func(http.ResponseWriter, *http.Request, *authority.Client, *accesstoken.Claims) error) func(http.ResponseWriter, *http.Request) error {
	verifier := AnyVerifier(a.authority, env)
	return func(w http.ResponseWriter, r *http.Request) error {
		noStore(w)
		if err := methods(w, r, http.MethodPost); err != nil {
			return err
		}
		x := a.exchanges.Get().(*exchange)
		defer a.release(x)
		client, err := a.whoAsks(w, r, x, env)
		if err != nil {
			return err
		}
		claims, err := verifier.Verify(r.Context(), x.token)
		if err != nil && !errors.Is(err, verify.ErrInvalid) {
			return err // whoever is told no drops a good token
		}
		return answer(w, r, client, claims)
	}
}

// whoAsks reads the form of a request about a token, and who sends it.
func (a *API) whoAsks(w http.ResponseWriter, r *http.Request, x *exchange, env *authority.Environment) (*authority.Client, error) {
	if err := x.read(w, r, false); err != nil {
		return nil, err
	}
	if x.clientID == "" || x.clientSecret == "" {
		return nil, refuse(reasonNoCredentials)
	}
	client, err := a.authority.AuthenticateClient(&authority.TokenRequest{
		ClientID: x.clientID, ClientSecret: x.clientSecret, Env: env.Name, Address: addressOf(r),
	})
	if err != nil {
		return nil, err
	}
	note(w, slog.String("client_id", string(client.ID)), slog.String("env", client.Env), slog.Int64("secret_id", client.SecretID))
	if x.token == "" {
		return nil, refuse(reasonNoToken)
	}
	return client, nil
}

// Verifier applies the rules of verification to access tokens of env for one
// audience, with what this node knows: verify.ErrInvalid, or authority.ErrStale
// where it knows too little.
func Verifier(a *authority.Authority, env *authority.Environment, audience string) *verify.Verifier {
	return verifierOf(a, env, verify.Config{Audience: audience})
}

// AnyVerifier is Verifier for tokens about which somebody asks, whomever they are
// for; each is asked about once, or seldom.
func AnyVerifier(a *authority.Authority, env *authority.Environment) *verify.Verifier {
	return verifierOf(a, env, verify.Config{AnyAudience: true, CacheSize: -1})
}

func verifierOf(a *authority.Authority, env *authority.Environment, c verify.Config) *verify.Verifier {
	known := knowledge{a, env.Name}
	c.Issuer, c.Keys, c.Revocations, c.Clock = env.Issuer, known, known, a.Now
	v, err := verify.New(context.Background(), c)
	if err != nil {
		panic(err) // an environment was checked when it was configured
	}
	return v
}

// knowledge is the key set and the revocations of an issuer, in the process.
type knowledge struct {
	*authority.Authority
	env string
}

// Key implements verify.KeySet.
func (k knowledge) Key(_ context.Context, kid string) (*jose.Key, error) {
	key, err := k.VerificationKey(k.env, kid)
	if errors.Is(err, authority.ErrNotFound) {
		return nil, verify.ErrKey
	}
	return key, err
}

// Revoked implements verify.Revocations.
func (k knowledge) Revoked(_ time.Time, kid string, c *accesstoken.Claims) error {
	dead, err := k.Authority.Revoked(k.env, c, kid)
	if err == nil && dead {
		err = verify.ErrRevoked
	}
	return err
}
