package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const signingKeyColumns = `kid, env, algorithm, status, root_key_id, sealed, created_at, ripe_at, wanted_at,
	activated_at, retired_at, keep_for, removed_at`

// Of those made at the same time, announced ones come last.
const signingKeyOrder = ` ORDER BY created_at, activated_at = 0, activated_at, kid`

func scanSigningKey(r row, k *authority.SigningKey) error {
	var keepFor int64
	err := r.Scan(&k.KeyID, &k.Env, &k.Algorithm, &k.Status, &k.RootKeyID, &k.Sealed, timestamp{&k.CreatedAt}, timestamp{&k.RipeAt},
		timestamp{&k.WantedAt}, timestamp{&k.ActivatedAt}, timestamp{&k.RetiredAt}, &keepFor, timestamp{&k.RemovedAt})
	k.KeepFor = time.Duration(keepFor) * time.Millisecond
	return err
}

// SigningKeys implements authority.Store.
func (s *Store) SigningKeys(ctx context.Context) (keys []authority.SigningKey, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		keys, err = t.signingKeys()
		return err
	})
	return keys, err
}

func (t *tx) signingKeys() ([]authority.SigningKey, error) {
	return collect(t, scanSigningKey, `SELECT `+signingKeyColumns+` FROM signing_keys`+signingKeyOrder)
}

// ChangeSigningKeys implements authority.Store.
func (s *Store) ChangeSigningKeys(ctx context.Context, env string, seen, changed []authority.SigningKey, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		stored, err := collect(t, scanSigningKey,
			`SELECT `+signingKeyColumns+` FROM signing_keys WHERE env = $1`+signingKeyOrder, env)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(stored, seen, sameState) {
			return authority.ErrConflict
		}
		for i := range changed {
			if err := t.writeSigningKey(&changed[i]); err != nil {
				return fmt.Errorf("writing signing key %s: %w", changed[i].KeyID, err)
			}
			if changed[i].Status == authority.SigningKeyRevoked {
				if err := t.revokeKid(d.Time, env, changed[i].KeyID); err != nil {
					return fmt.Errorf("revoking signing key %s: %w", changed[i].KeyID, err)
				}
			}
		}
		active, err := t.count(`SELECT count(*) FROM signing_keys WHERE env = $1 AND status = 'active'`, env)
		if err == nil && active != 1 {
			err = authority.ErrActiveSigningKey
		}
		return err
	})
}

// sameState tells whether nothing that changes in a signing key's life has changed.
func sameState(a, b authority.SigningKey) bool {
	return a.KeyID == b.KeyID && a.Status == b.Status && a.RipeAt.Equal(b.RipeAt) && a.WantedAt.Equal(b.WantedAt) && a.KeepFor == b.KeepFor
}

// writeSigningKey adds k, or changes what can change in the one of its kid.
func (t *tx) writeSigningKey(k *authority.SigningKey) error {
	sealed := k.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	return t.exec(`INSERT INTO signing_keys (`+signingKeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (kid) DO UPDATE SET status = excluded.status, sealed = excluded.sealed, ripe_at = excluded.ripe_at,
			wanted_at = excluded.wanted_at, activated_at = excluded.activated_at, retired_at = excluded.retired_at,
			keep_for = excluded.keep_for, removed_at = excluded.removed_at`,
		k.KeyID, k.Env, k.Algorithm, k.Status, k.RootKeyID, sealed, millis(k.CreatedAt), millis(k.RipeAt), millis(k.WantedAt),
		millis(k.ActivatedAt), millis(k.RetiredAt), k.KeepFor.Milliseconds(), millis(k.RemovedAt))
}
