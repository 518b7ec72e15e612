package main

import (
	"context"
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite" // as the product uses it

	"github.com/tokenwright/tokenwright/internal/credential"
)

// perMerchant is how many API keys a merchant has.
const perMerchant = 3

// fill brings the installation to n API keys, behind the product's back: the
// one it has is copied under fresh IDs, for merchants of their own. The hash of
// a secret depends on nothing but the secret and the pepper, so all have the
// same one. IDs stand in the database in the order of chance, as in life.
func (in *installation) fill(ctx context.Context, key apiKey, n int) ([]apiKey, error) {
	keys := []apiKey{key}
	for len(keys) < n {
		keys = append(keys, apiKey{credential.Format{Prefix: "tw"}.NewID("demo"), key.ClientSecret})
	}
	// Nothing is waited for: whoever loses this database makes another one.
	db, err := sql.Open("sqlite", "file:"+in.database()+"?_pragma=synchronous(0)&_pragma=cache_size(-500000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // of no effect after Commit
	if err := writeIDs(ctx, tx, keys[1:]); err != nil {
		return nil, err
	}
	for _, query := range copies {
		if _, err := tx.ExecContext(ctx, query, key.ClientID); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, query)
		}
	}
	return keys, tx.Commit()
}

// copies makes of one API key, with the ID $1, as many as fresh has IDs.
var copies = []string{
	fmt.Sprintf(`INSERT INTO merchants (id, name, status, key_limit, created_at, updated_at, version)
		SELECT DISTINCT fresh.merchant_id, name, status, %d, created_at, updated_at, version
		FROM fresh, merchants WHERE merchants.id = (SELECT merchant_id FROM api_keys WHERE id = $1)`, perMerchant),
	`INSERT INTO api_keys (id, merchant_id, env, name, description, scopes, status, generation, expires_at,
			created_at, created_by, updated_at, version, last_secret_id)
		SELECT fresh.id, fresh.merchant_id, env, name, description, scopes, status, generation, expires_at,
			created_at, created_by, updated_at, version, last_secret_id
		FROM fresh, api_keys WHERE api_keys.id = $1 ORDER BY n`,
	`INSERT INTO secrets (api_key_id, id, name, hint, hash, root_key_id, created_at, created_by, expires_at)
		SELECT fresh.id, secrets.id, name, hint, hash, root_key_id, created_at, created_by, expires_at
		FROM fresh, secrets WHERE api_key_id = $1 ORDER BY n`,
}

// writeIDs makes a table of the new IDs, and of merchants for them.
func writeIDs(ctx context.Context, tx *sql.Tx, keys []apiKey) error {
	_, err := tx.ExecContext(ctx, `CREATE TEMP TABLE fresh (n INTEGER PRIMARY KEY, id TEXT NOT NULL, merchant_id TEXT NOT NULL)`)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO fresh VALUES ($1, $2, $3)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i, key := range keys {
		if _, err := insert.ExecContext(ctx, i, key.ClientID, fmt.Sprint(1_000_000+i/perMerchant)); err != nil {
			return err
		}
	}
	return nil
}
