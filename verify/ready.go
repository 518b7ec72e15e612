package verify

import (
	"errors"
	"math"
)

// Ready says why no token can be accepted now, with an error that wraps
// ErrUnavailable: the issuer has not been reached yet, or for too long. It asks
// nobody, and is for the readiness probe of a service that could do nothing
// without tokens. nil: tokens are judged; and always where keys and revocations
// were given to New, which know by themselves.
func (v *Verifier) Ready() error {
	if v.remote == nil {
		return nil
	}
	// What nothing is above: only knowledge that is missing speaks against it.
	err := v.remote.feed.Revoked(v.config.Clock(), "", &Claims{Generation: math.MaxInt64})
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return v.remote.keys.ready()
}
