package console

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/tokenwright/tokenwright/internal/ratelimit"
)

const (
	// signInTries is how many forms an address may send in the window without having
	// signed in.
	signInTries  = 100
	signInWindow = 5 * time.Minute
	// addressCells take 1 MiB. To fill them all, and so keep everybody out, somebody
	// has to send 20,000 forms a second (ratelimit.Sketch).
	addressCells = 1 << 16
)

func newSignInPolicy() *ratelimit.Policy {
	return ratelimit.NewPolicy("sign-in", signInTries, signInWindow)
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
	used, left := c.addresses.Count(kind+v.addressKey(), c.Authority.Now())
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
