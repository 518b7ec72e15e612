package verify

import (
	"errors"
	"fmt"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// ErrInvalid is wrapped by every error that is the token's fault. What does not
// wrap it says nothing about the token.
var ErrInvalid = errors.New("access token not valid")

// What is wrong with a token. Each wraps ErrInvalid. No text quotes the token.
var (
	ErrMalformed   = invalid("malformed")               // no signed token of the accepted form, or its claims are not an access token's
	ErrType        = invalid("of another type")         // typ is not at+jwt: made for another purpose
	ErrKey         = invalid("signing key unknown")     // kid is not, or no longer, among the issuer's
	ErrAlgorithm   = invalid("algorithm not the key's") // or unknown here, such as none
	ErrSignature   = invalid("signature wrong")
	ErrIssuer      = invalid("of another issuer")
	ErrAudience    = invalid("for another resource server")
	ErrEnvironment = invalid("of another environment")
	ErrExpired     = invalid("expired")
	ErrNotYet      = invalid("not valid yet") // nbf or iat lies ahead
	ErrRevoked     = invalid("revoked")       // jti, kid, or the generation of its API key
)

// ErrUnavailable says that nothing can be said about a token now: the issuer
// has not been reached yet, or for too long.
var ErrUnavailable = errors.New("access tokens cannot be verified now")

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

func unavailable(why string) error { return fmt.Errorf("%w: %s", ErrUnavailable, why) }

// translate turns an error of jose into one of ours.
func translate(err error) error {
	switch {
	case errors.Is(err, jose.ErrSignature):
		return ErrSignature
	case errors.Is(err, jose.ErrAlgorithm):
		return ErrAlgorithm
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}
