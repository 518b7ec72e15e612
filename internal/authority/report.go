package authority

import "time"

const (
	// quietAfterUse is how long a retired secret that was used must have been
	// left alone: applications that run once a month have run.
	quietAfterUse = 31 * 24 * time.Hour
	// soon is how long before its end an API key or secret is said to end.
	soon = 30 * 24 * time.Hour
)

// SafeToDelete tells from real use whether nobody needs the secret any more:
// another one has taken its place, and it was not used since, for as long as
// any token lives, so that whatever runs has asked again with another one; or
// it was used since, but not in the last month.
func (s *Secret) SafeToDelete(now time.Time) bool {
	switch {
	case s.RetiredAt.IsZero():
		return false
	case s.LastUsedAt.Before(s.RetiredAt):
		return now.Sub(s.RetiredAt) >= MaxTokenLifetime
	}
	return now.Sub(s.LastUsedAt) >= quietAfterUse
}

// SafeToDelete tells from real use whether nobody needs the API key any more: it
// was not used for as long as applications that run once a month need to come by,
// counted from its last use, else from its creation.
func (k *APIKey) SafeToDelete(now time.Time) bool {
	used := k.LastUsedAt
	if used.Before(k.CreatedAt) {
		used = k.CreatedAt
	}
	return now.Sub(used) >= quietAfterUse
}

// KeyFlag is something to look at about an API key.
type KeyFlag string

// The flags of KeyUse.Flags.
const (
	NeverUsed   KeyFlag = "never_used"   // since it was made
	Unused      KeyFlag = "unused"       // for long, counted from its last use, else from its creation
	Ended       KeyFlag = "expired"      // it, or its last secret
	ExpiresSoon KeyFlag = "expires_soon" // it, or its last secret, within 30 days
	OldSecret   KeyFlag = "old_secret"   // its newest secret is
)

// Flags tells what to look at. unusedFor and secretAge say what is long and
// what is old.
func (u *KeyUse) Flags(now time.Time, unusedFor, secretAge time.Duration) []KeyFlag {
	flags := []KeyFlag{}
	if u.LastUsedAt.IsZero() {
		flags = append(flags, NeverUsed)
	}
	used := u.LastUsedAt
	if used.Before(u.CreatedAt) {
		used = u.CreatedAt
	}
	if now.Sub(used) >= unusedFor {
		flags = append(flags, Unused)
	}
	end := earlier(u.ExpiresAt, u.SecretExpiresAt)
	switch {
	case end.IsZero():
	case !end.After(now):
		flags = append(flags, Ended)
	case end.Sub(now) <= soon:
		flags = append(flags, ExpiresSoon)
	}
	if !u.SecretCreatedAt.IsZero() && now.Sub(u.SecretCreatedAt) >= secretAge {
		flags = append(flags, OldSecret)
	}
	return flags
}
