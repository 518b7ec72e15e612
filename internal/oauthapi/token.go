package oauthapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// token is the token endpoint of env, or, with "", the common one, which takes
// the API keys of every environment (RFC 6749 3.2, 4.4).
func (a *API) token(env string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		noStore(w)
		if err := methods(w, r, http.MethodPost); err != nil {
			return err
		}
		x := a.exchanges.Get().(*exchange)
		defer a.release(x)
		if err := x.read(w, r, true); err != nil {
			return err
		}
		switch x.grantType {
		case "client_credentials":
			return a.clientCredentials(w, r, env, x)
		case "":
			return refuse(reasonNoGrantType)
		}
		return refuse(reasonGrantType)
	}
}

func (a *API) clientCredentials(w http.ResponseWriter, r *http.Request, env string, x *exchange) error {
	if x.clientID == "" || x.clientSecret == "" {
		return refuse(reasonNoCredentials)
	}
	proof, err := a.authority.Prove(&authority.TokenRequest{
		ClientID: x.clientID, ClientSecret: x.clientSecret, Env: env, Scope: x.scope, Resource: x.resource,
		Address: addressOf(r),
		Before:  append(x.buffer[:0], `{"access_token":"`...),
	})
	if err != nil {
		return err
	}
	if err := a.tokens.count(w, &proof); err != nil {
		return err
	}
	t, err := proof.Issue()
	if err != nil {
		return err
	}
	note(w, slog.String("client_id", string(t.ClientID)), slog.String("env", t.Env), slog.Int64("secret_id", t.SecretID),
		slog.String("jti", t.ID), slog.String("scope", t.Scope))
	a.metrics.issued(t.Env)
	if !t.SecretExpires.IsZero() {
		w.Header().Set("Tokenwright-Secret-Expires", t.SecretExpires.Format(time.RFC3339))
	}
	// RFC 6749 5.1. Nothing needs escaping: tokens are base64url, and scopes have
	// no quotation marks (RFC 6749 3.3).
	b := append(t.AccessToken, `","expires_in":`...)
	b = strconv.AppendInt(b, t.ExpiresIn, 10)
	b = append(b, `,"token_type":"bearer","scope":"`...)
	b = append(b, t.Scope...)
	x.buffer = append(b, `"}`...)
	writeJSON(w, http.StatusOK, x.buffer)
	return nil
}

// addressOf is where the request came from, as the server around us tells it.
func addressOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // which no network contains
	}
	return from.Addr()
}

// noStore keeps tokens and errors out of every cache (RFC 6749 5.1).
func noStore(w http.ResponseWriter) {
	h := w.Header()
	h["Cache-Control"] = noStoreValue
	h["Pragma"] = noCacheValue
}
