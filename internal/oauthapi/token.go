package oauthapi

import (
	"log/slog"
	"net/http"
	"strconv"

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
		p, err := readTokenRequest(w, r)
		if err != nil {
			return err
		}
		switch p.grantType {
		case "client_credentials":
			return a.clientCredentials(w, env, p)
		case "":
			return refuse(reasonNoGrantType)
		}
		return refuse(reasonGrantType)
	}
}

func (a *API) clientCredentials(w http.ResponseWriter, env string, p *parameters) error {
	if p.clientID == "" || p.clientSecret == "" {
		return refuse(reasonNoCredentials)
	}
	t, err := a.authority.IssueToken(&authority.TokenRequest{
		ClientID: p.clientID, ClientSecret: p.clientSecret, Env: env, Scope: p.scope, Resource: p.resource,
	})
	if err != nil {
		return err
	}
	note(w, slog.String("client_id", string(t.ClientID)), slog.String("env", t.Env), slog.Int64("secret_id", t.SecretID),
		slog.String("jti", t.ID), slog.String("scope", t.Scope))
	a.metrics.issued(t.Env)
	writeJSON(w, http.StatusOK, tokenAnswer(t))
	return nil
}

// tokenAnswer is the answer of RFC 6749 5.1. Nothing in it needs escaping:
// tokens are base64url, and scopes have no quotation marks (RFC 6749 3.3).
func tokenAnswer(t *authority.Token) []byte {
	b := make([]byte, 0, len(t.AccessToken)+len(t.Scope)+96)
	b = append(b, `{"access_token":"`...)
	b = append(b, t.AccessToken...)
	b = append(b, `","expires_in":`...)
	b = strconv.AppendInt(b, t.ExpiresIn, 10)
	b = append(b, `,"token_type":"bearer","scope":"`...)
	b = append(b, t.Scope...)
	return append(b, `"}`...)
}

// noStore keeps tokens and errors out of every cache (RFC 6749 5.1).
func noStore(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}
