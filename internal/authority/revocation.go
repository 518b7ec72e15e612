package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

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

// maxRevokedTokens of one API key are listed one by one; instead of one more
// its generation rises.
const maxRevokedTokens = 100

// Client is an API key whose secret was proven.
type Client struct {
	ID       ClientID
	Env      string
	SecretID int64
	scopes   *scopeSet
}

// AuthenticateClient finds out which API key asks, as IssueToken does. An
// operator key may ask at the endpoint of every environment; others hear that
// they are of another one. Errors: *Refusal, ErrStale.
func (a *Authority) AuthenticateClient(r *TokenRequest) (*Client, error) {
	now := a.clock()
	d, err := a.current(now)
	if err != nil {
		return nil, err
	}
	request := *r
	if id, err := a.format.ParseID(r.ClientID); err == nil && id.Env == Platform {
		request.Env = Platform
	}
	proven, refusal := a.authenticateClient(d, &request, now)
	if refusal != nil {
		return nil, refusal
	}
	a.usage.count(proven.key, &proven.secret, Authenticated, now, r.Address)
	return &Client{
		ID: ClientID(r.ClientID), Env: a.environments[proven.key.env].Name, SecretID: int64(proven.secret.id),
		scopes: (*d.sets.Load())[proven.key.scopes],
	}, nil
}

// owns tells whether t was issued to the client.
func (c *Client) owns(t *accesstoken.Claims) bool {
	return t.ClientID == string(c.ID) && t.Env == c.Env
}

// MayIntrospect tells whether the client may know that t, which was verified,
// is alive: its own token, or any where it is an operator key for that.
func (c *Client) MayIntrospect(t *accesstoken.Claims) bool {
	return c.owns(t) || c.Env == Platform && slices.Contains(c.scopes.names, "tokens:introspect")
}

// VerificationKey returns the published signing key of env with that key ID:
// ErrNotFound where there is none, ErrStale.
func (a *Authority) VerificationKey(env, kid string) (*jose.Key, error) {
	d, err := a.current(a.clock())
	if err != nil {
		return nil, err
	}
	at := environmentIndex(a.environments, env)
	if at < 0 {
		return nil, ErrNotFound
	}
	for _, k := range (*d.issuers.Load())[at].Keys {
		if k.KeyID() == kid {
			return k, nil
		}
	}
	return nil, ErrNotFound
}

// Revoked tells whether a token of env, which was verified but for this, is
// dead: by its API key as it is now, by its generation, by itself, or by the
// key that signed it. Times are not compared: a token that a node which had not
// heard of a cut-off still issued is dead too (C-160). Errors: ErrStale.
func (a *Authority) Revoked(env string, t *accesstoken.Claims, kid string) (bool, error) {
	now := a.clock()
	d, err := a.current(now)
	if err != nil {
		return false, err
	}
	at := environmentIndex(a.environments, env)
	client, err := a.format.ParseID(t.ClientID)
	id, ok := accesstoken.ParseTokenID(t.ID)
	if at < 0 || err != nil || client.Env != env || !ok {
		return true, nil // no token of ours
	}
	_, key := d.find(at, client.Random)
	return key == nil || key.suspended || key.disabled || key.expiresAt != 0 && key.expiresAt <= now.UnixMilli() ||
		t.Generation < key.generation || d.revoked[at].has(id, kid), nil
}

// RevokeToken kills t, which was verified, where it is the client's own; other
// tokens stay as they are. It tells which. With too many of one API key its
// generation rises, which kills all of them.
func (a *Authority) RevokeToken(ctx context.Context, actor Actor, c *Client, t *accesstoken.Claims) (bool, error) {
	if !c.owns(t) {
		return false, nil
	}
	err := a.store.RevokeToken(ctx, &Revocation{
		Env: t.Env, ClientID: c.ID, Generation: t.Generation, TokenID: t.ID,
		ExpiresAt: time.Unix(t.Expiry, 0).UTC(), CreatedAt: a.now(),
	}, maxRevokedTokens)
	switch {
	case errors.Is(err, ErrManyRevoked):
		set := details{"reason": fmt.Sprintf("more than %d tokens were revoked one by one", maxRevokedTokens)}
		_, err := a.revokeGeneration(ctx, actor, APIKeyTokensRevoked, c.ID, t.Generation, set)
		return true, err
	case err != nil:
		return false, fmt.Errorf("revoking a token of %s: %w", c.ID, err)
	}
	return true, a.catchUp(ctx)
}

// revokeGeneration kills every token of the API key up to those of generation,
// and tells whether it was this call that did.
func (a *Authority) revokeGeneration(ctx context.Context, actor Actor, kind EventKind, id ClientID, generation int64, set details) (raised bool, err error) {
	_, err = a.changeAPIKey(ctx, actor, id, kind, set, func(k *APIKey) error {
		if raised = k.Generation <= generation; !raised { // by another request meanwhile
			return errUnchanged
		}
		k.raiseGeneration(a.now())
		return nil
	}, func(*APIKey) any { return nil })
	if errors.Is(err, ErrNotFound) { // deleted meanwhile: its tokens are dead
		return false, a.catchUp(ctx)
	}
	return raised, err
}

const (
	sweepBatch   = 1000
	sweepBatches = 100 // at once
)

// SweepRevocations removes revocations that concern no token that can be alive,
// a bounded number of them: the next call goes on. Several nodes may do so at
// the same time. Errors: ErrStale.
func (a *Authority) SweepRevocations(ctx context.Context) error {
	d, err := a.current(a.clock())
	if err != nil {
		return err
	}
	now, batches := a.passed(), 0
	for _, is := range *d.issuers.Load() {
		expired, created := is.ends(now)
		for n := sweepBatch; n == sweepBatch && batches < sweepBatches; batches++ {
			if n, err = a.store.SweepRevocations(ctx, is.Environment.Name, expired, created, sweepBatch); err != nil {
				return fmt.Errorf("removing revocations that are over: %w", err)
			}
		}
	}
	return nil
}
