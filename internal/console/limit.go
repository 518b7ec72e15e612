package console

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/tokenwright/tokenwright/internal/ratelimit"
)

// signInTries is how many forms an address may send in 5 minutes without having
// signed in.
const signInTries = 100

func newSignInPolicy() *ratelimit.Policy {
	return ratelimit.NewPolicy("sign-in", signInTries, 5*time.Minute)
}

// limit slows down who sends forms without having signed in: 100 in 5 minutes
// from one address (C-213).
func (v *visit) limit() error {
	if v.Request.Method != http.MethodPost {
		return nil
	}
	return v.count("")
}

// count counts a request, of a kind, of somebody who may not have signed in, and
// refuses it where there were too many.
func (v *visit) count(kind string) error {
	c := v.console
	used, left, err := c.addresses.Count(v.Request.Context(), kind+v.addressKey(), c.signIns.Window)
	if err != nil {
		return err
	}
	if c.signIns.Allows(used) {
		return nil
	}
	v.Header().Set("Retry-After", ratelimit.Seconds(left))
	return &refusal{http.StatusTooManyRequests, "Too many forms from your network. Wait a few minutes, then try again."}
}

// addressKey is what requests of the visitor's network are counted under.
func (v *visit) addressKey() string {
	a, _ := netip.ParseAddr(v.origin.Address) // none: all such requests are counted together
	return ratelimit.AddressKey(a)
}
