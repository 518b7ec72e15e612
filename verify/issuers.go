package verify

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Issuers are the verifiers of an API that serves several environments at one
// address: each token is for the one whose issuer it names, and for no other.
// Handlers learn from the claims which environment a request is for.
type Issuers []*Verifier

// Verify is Verifier.Verify by the verifier of the token's issuer; ErrIssuer
// where there is none.
func (s Issuers) Verify(ctx context.Context, token string) (*Claims, error) {
	m, err := jose.Parse(token)
	if err != nil {
		return nil, translate(err)
	}
	c, err := accesstoken.Parse(string(m.Payload)) // not to be believed yet
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for _, v := range s {
		if v.config.Issuer == c.Issuer {
			return v.Verify(ctx, token)
		}
	}
	return nil, ErrIssuer
}

// Middleware is Verifier.Middleware for tokens of all the issuers.
func (s Issuers) Middleware(rules ...Rule) func(http.Handler) http.Handler {
	return middleware(s.Authenticate, rules)
}

// Authenticate is Verifier.Authenticate for tokens of all the issuers.
func (s Issuers) Authenticate(r *http.Request, rules ...Rule) (*Claims, *Refusal) {
	realm := ""
	if len(s) > 0 {
		realm = s[0].config.Audience
	}
	return authenticate(r, s.Verify, realm, rules)
}
