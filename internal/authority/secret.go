package authority

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// maxOverlap bounds what can be asked for: two secrets for ever are no rotation.
const maxOverlap = 90 * 24 * time.Hour

// Secret is what is kept of one client secret.
type Secret struct {
	ID        int64 // 1, 2, … within its API key
	Name      string
	Hint      string // the last four characters
	Hash      []byte
	RootKeyID int64 // whose pepper made Hash
	CreatedAt time.Time
	CreatedBy string
	ExpiresAt time.Time // zero for never
	RetiredAt time.Time // when another one took its place, or it leaked; zero for not
	LeakedAt  time.Time // when it was reported as leaked; zero for not

	LastUsedAt   time.Time // when it was last proven, refused or not; zero for never
	LastUsedFrom string    // the address; "" where it is not known
}

// live tells whether the secret still works.
func (s *Secret) live(now time.Time) bool { return s.ExpiresAt.IsZero() || s.ExpiresAt.After(now) }

// Rotation is how to give an API key another secret.
type Rotation struct {
	Name      string        // of the new secret; may be empty
	ExpiresAt time.Time     // of the new secret; zero for never
	Overlap   time.Duration // how long the older ones work on; 0 ends them now
	// RevokeTokens kills the tokens issued so far as well.
	RevokeTokens bool
	// IfVersion, where not 0, must be the version of the API key, else
	// ErrVersion.
	IfVersion int64
}

// RotateSecret gives the API key a further secret, which is returned here and
// never again, and retires the others: each ends with the overlap, or before
// where it would have ended by itself. Errors: *InvalidError, ErrNotFound,
// ErrSecretLimit.
func (a *Authority) RotateSecret(ctx context.Context, actor Actor, id ClientID, r Rotation) (*APIKey, credential.Secret, error) {
	if err := actor.May(APIKeysWrite); err != nil {
		return nil, credential.Secret{}, err
	}
	if r.Overlap < 0 || r.Overlap > maxOverlap {
		return nil, credential.Secret{}, invalid("overlap", "is not from 0 to %d days", maxOverlap/(24*time.Hour))
	}
	if err := checkText("name", r.Name, 100); err != nil {
		return nil, credential.Secret{}, err
	}
	var secret credential.Secret
	set := details{}
	k, err := a.changeAPIKey(ctx, actor, id, SecretRotated, set, func(k *APIKey) error {
		if err := cmp.Or(actor.reaches(k, r.IfVersion), actor.mayHold(k)); err != nil {
			return err
		}
		now := a.now()
		end := r.ExpiresAt.UTC().Truncate(time.Millisecond)
		if err := checkExpiry(end, now); err != nil {
			return err
		}
		retired := k.retire(now, r.Overlap)
		next, err := a.newSecret(k, actor, now)
		if err != nil {
			return err
		}
		secret = next
		added := &k.Secrets[len(k.Secrets)-1]
		added.Name, added.ExpiresAt = r.Name, earlier(end, added.ExpiresAt)
		if r.RevokeTokens {
			k.raiseGeneration(now)
			set["tokensRevoked"] = true
		}
		set["secretId"], set["retired"], set["overlap"] = added.ID, retired, r.Overlap.String()
		if !added.ExpiresAt.IsZero() {
			set["expiresAt"] = added.ExpiresAt
		}
		return nil
	}, func(k *APIKey) any { return &NewSecret{k, secret} })
	if err != nil {
		return nil, credential.Secret{}, err
	}
	return k, secret, nil
}

// DeleteSecret ends one secret at once. The last one that works stays: an API
// key is ended by disabling or deleting it. ifVersion, where not 0, must be the
// version of the API key. Errors: ErrNotFound, ErrVersion, ErrLastSecret.
func (a *Authority) DeleteSecret(ctx context.Context, actor Actor, id ClientID, secret int64, revokeTokens bool, ifVersion int64) (*APIKey, error) {
	if err := actor.May(APIKeysDelete); err != nil {
		return nil, err
	}
	set := details{"secretId": secret}
	return a.changeAPIKey(ctx, actor, id, SecretDeleted, set, func(k *APIKey) error {
		if err := actor.reaches(k, ifVersion); err != nil {
			return err
		}
		now := a.now()
		at := slices.IndexFunc(k.Secrets, func(s Secret) bool { return s.ID == secret })
		if at < 0 {
			return fmt.Errorf("secret %d: %w", secret, ErrNotFound)
		}
		if seen := a.aged(k); seen.Secrets[at].live(now) && seen.LiveSecrets(now) == 1 {
			return ErrLastSecret
		}
		k.Secrets = slices.Delete(k.Secrets, at, at+1)
		if revokeTokens {
			k.raiseGeneration(now)
			set["tokensRevoked"] = true
		}
		return nil
	}, func(k *APIKey) any { return k })
}

// newSecret adds a secret to k. Of those that have ended, which stay so that
// their users are told, the oldest makes room; where none has by what is stored,
// the oldest of all, which is too old for its environment then.
func (a *Authority) newSecret(k *APIKey, actor Actor, now time.Time) (credential.Secret, error) {
	if a.aged(k).LiveSecrets(now) >= maxSecrets {
		return credential.Secret{}, ErrSecretLimit
	}
	for len(k.Secrets) >= maxSecrets {
		at := max(0, slices.IndexFunc(k.Secrets, func(s Secret) bool { return !s.live(now) }))
		k.Secrets = slices.Delete(k.Secrets, at, at+1)
	}
	secret := a.format.NewSecret(k.Env)
	hash := a.root.pepper.Hash(secret)
	k.LastSecretID++
	s := Secret{
		ID: k.LastSecretID, Hint: secret.Hint(), Hash: hash[:], RootKeyID: a.root.id, CreatedAt: now, CreatedBy: actor.ID,
	}
	if i := environmentIndex(a.environments, k.Env); i >= 0 {
		s.ExpiresAt = a.environments[i].oldest(now)
	}
	k.Secrets = append(k.Secrets, s)
	return secret, nil
}

// retire ends every live secret with the overlap at the latest, and returns
// their IDs. One that is too old for its environment is among them: it would live
// again where that allows more one day.
func (k *APIKey) retire(now time.Time, overlap time.Duration) []int64 {
	retired := []int64{}
	for i := range k.Secrets {
		s := &k.Secrets[i]
		if !s.live(now) {
			continue
		}
		s.retire(now, overlap)
		retired = append(retired, s.ID)
	}
	return retired
}

// retire ends the secret with the overlap at the latest.
func (s *Secret) retire(now time.Time, overlap time.Duration) {
	if s.RetiredAt.IsZero() {
		s.RetiredAt = now
	}
	s.ExpiresAt = earlier(s.ExpiresAt, now.Add(overlap))
}

// LiveSecrets counts the secrets that work.
func (k *APIKey) LiveSecrets(now time.Time) (n int) {
	for i := range k.Secrets {
		if k.Secrets[i].live(now) {
			n++
		}
	}
	return n
}
