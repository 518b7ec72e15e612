package store

import (
	"context"
	"fmt"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Installation implements authority.Store.
func (s *Store) Installation(ctx context.Context) (inst *authority.Installation, root *authority.SealedRootKey, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		stored, err := one(t, scanInstallation, `SELECT prefix, merchant_ids, `+lineageColumns+`, created_at, moved_to, place FROM installation WHERE id = 1`)
		if err != nil {
			return err
		}
		inst = &stored.Installation
		inst.Copied = stored.place != "" && s.place != "" && stored.place != s.place
		if inst.MovedTo == arriving {
			inst.MovedTo, inst.Arriving = "", true
		}
		inst.Environments, err = collect(t, scanEnvironment, `SELECT name, issuer, algorithm FROM environments ORDER BY position`)
		if err != nil {
			return err
		}
		root, err = one(t, scanRootKey, `SELECT id, sealed, created_at FROM root_keys ORDER BY id DESC LIMIT 1`)
		return err
	})
	return inst, root, err
}

// installation is a row, and the place that it names.
type installation struct {
	authority.Installation
	place string
}

func scanInstallation(r row, i *installation) error {
	return r.Scan(&i.Prefix, &i.MerchantIDs, &i.Lineage.Number, &i.Lineage.MinGeneration, &i.Lineage.From, timestamp{&i.CreatedAt}, &i.MovedTo, &i.place)
}

const lineageColumns = `lineage, min_gen, lineage_from`

func scanLineage(r row, l *authority.Lineage) error {
	return r.Scan(&l.Number, &l.MinGeneration, &l.From)
}

func scanEnvironment(r row, e *authority.Environment) error {
	return r.Scan(&e.Name, &e.Issuer, &e.Algorithm)
}

func scanRootKey(r row, k *authority.SealedRootKey) error {
	return r.Scan(&k.ID, &k.Sealed, timestamp{&k.CreatedAt})
}

// Initialize implements authority.Store.
func (s *Store) Initialize(ctx context.Context, inst *authority.Installation, root *authority.SealedRootKey,
	keys []authority.SigningKey, d *authority.Draft) error {
	return s.transact(ctx, func(t *tx) error {
		err := t.exec(`INSERT INTO installation (id, prefix, merchant_ids, lineage, created_at, place) VALUES (1, $1, $2, $3, $4, $5)`,
			inst.Prefix, inst.MerchantIDs, inst.Lineage.Number, millis(inst.CreatedAt), s.place)
		if isDuplicate(err) {
			return authority.ErrExists
		}
		if err != nil {
			return err
		}
		for i, e := range inst.Environments {
			if err := t.exec(`INSERT INTO environments (position, name, issuer, algorithm) VALUES ($1, $2, $3, $4)`,
				i, e.Name, e.Issuer, e.Algorithm); err != nil {
				return fmt.Errorf("recording environment %s: %w", e.Name, err)
			}
		}
		if err := t.exec(`INSERT INTO root_keys (id, sealed, created_at) VALUES ($1, $2, $3)`,
			root.ID, root.Sealed, millis(root.CreatedAt)); err != nil {
			return err
		}
		for i := range keys {
			if err := t.writeSigningKey(&keys[i]); err != nil {
				return err
			}
		}
		if err := t.exec(`INSERT INTO event_head (id, seq, hash) VALUES (1, 1, $1)`, []byte{}); err != nil {
			return err
		}
		return t.writeEvent(d.Link(1, nil))
	})
}

// ReplaceRootKey implements authority.Store.
func (s *Store) ReplaceRootKey(ctx context.Context, previous []byte, root *authority.SealedRootKey, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		return t.execOne(authority.ErrConflict, `UPDATE root_keys SET sealed = $1 WHERE id = $2 AND sealed = $3`,
			root.Sealed, root.ID, previous)
	})
}

// lineageSchema is the version of the schema that the oldest release knows which
// tells verifiers of a lineage.
const lineageSchema = 13

// BeginLineage implements authority.Store. With many API keys it needs a store that
// is Patient.
func (s *Store) BeginLineage(ctx context.Context, l *authority.Lineage, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		highest, err := t.count(`SELECT coalesce(max(generation), 0) FROM api_keys`)
		if err != nil {
			return err
		}
		l.MinGeneration = max(l.MinGeneration, int64(highest)+1)
		if _, err := t.lockRevocations(); err != nil {
			return err
		}
		for _, statement := range []struct {
			query string
			args  []any
		}{
			{`UPDATE installation SET lineage = $1, min_gen = $2, lineage_from = $3, place = $4 WHERE id = 1`, []any{l.Number, l.MinGeneration, l.From, s.place}},
			{`UPDATE revocation_head SET seq = $1 WHERE id = 1`, []any{l.From}},
			// With the version: whoever read an API key before would write the old generation back.
			{`UPDATE api_keys SET generation = $1, version = version + 1 WHERE status <> 'deleted'`, []any{l.MinGeneration}},
			// People have the mails of what was done again, and no means to tell a second one
			// from it. Receivers of webhooks have: of them one that was not sent yet is not lost.
			{`UPDATE webhook_cursors SET seq = (SELECT seq - 1 FROM event_head WHERE id = 1) WHERE name LIKE '@%'`, nil}, // before d
			{`DELETE FROM sessions`, nil}, {`DELETE FROM links`, nil}, {`DELETE FROM replies`, nil}, {`DELETE FROM nodes`, nil},
			{`UPDATE schema_window SET oldest = $1 WHERE id = 1 AND oldest < $1`, []any{lineageSchema}},
		} {
			if err := t.exec(statement.query, statement.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// KeepPlace implements authority.Store.
func (s *Store) KeepPlace(ctx context.Context, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error { return t.exec(`UPDATE installation SET place = $1 WHERE id = 1`, s.place) })
}
