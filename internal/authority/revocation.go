package authority

import "time"

// Revocation is what verifiers must not believe any more: the tokens of an API
// key below a generation (a cut-off), one token, or a signing key.
type Revocation struct {
	Seq        int64 // 1, 2, 3, … over all environments
	Env        string
	ClientID   ClientID  // "" for a signing key
	Generation int64     // of a cut-off: the lowest that lives; of a token: its own
	TokenID    string    // jti; "" but for one token
	KeyID      string    // kid; "" but for a signing key
	ExpiresAt  time.Time // of the token; zero for the others
	CreatedAt  time.Time
}
