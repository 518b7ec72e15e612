package tokenwright

import "time"

// Token is an access token.
type Token struct {
	// AccessToken is what an API receives, behind "Bearer ".
	AccessToken string
	// Expiry is when it expires, reckoned from before it was asked for, so that it
	// is never late. It has a monotonic clock reading.
	Expiry time.Time
	// Scopes are those that it has.
	Scopes []string
	// SecretExpires is when the client secret that was exchanged for it expires;
	// zero where the server does not say, as it does for secrets that were rotated
	// and for those that have less than 30 days left.
	SecretExpires time.Time
}

// maxLife is how long a token is believed to live at most, whatever the server
// says.
const maxLife = 24 * time.Hour

// margin is how long before its expiry a token is not handed out any more: it
// has a way to go, and the clocks of others differ.
func margin(life time.Duration) time.Duration { return min(10*time.Second, life/10) }
