package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func scanScope(r row, s *authority.Scope) error {
	return r.Scan(&s.Name, &s.Description, &s.Resource, timestamp{&s.CreatedAt})
}

// Scopes implements authority.Store.
func (s *Store) Scopes(ctx context.Context) (list []authority.Scope, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = t.scopes()
		return err
	})
	return list, err
}

func (t *tx) scopes() ([]authority.Scope, error) {
	return collect(t, scanScope, `SELECT name, description, resource, created_at FROM scopes ORDER BY name`)
}

// CreateScope implements authority.Store.
func (s *Store) CreateScope(ctx context.Context, sc *authority.Scope, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		err := t.exec(`INSERT INTO scopes (name, description, resource, created_at) VALUES ($1, $2, $3, $4)`,
			sc.Name, sc.Description, sc.Resource, millis(sc.CreatedAt))
		if isDuplicate(err) {
			return authority.ErrExists
		}
		return err
	})
}

// DeleteScope implements authority.Store.
func (s *Store) DeleteScope(ctx context.Context, name string, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		if err := t.execOne(authority.ErrNotFound, `DELETE FROM scopes WHERE name = $1`, name); err != nil {
			return err
		}
		pattern := "% " + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(name) + " %"
		holders, err := t.count(`SELECT count(*) FROM api_keys WHERE status <> 'deleted' AND ' ' || scopes || ' ' LIKE $1 ESCAPE '\'`, pattern)
		if err == nil && holders > 0 {
			err = authority.ErrScopeInUse
		}
		return err
	})
}

// checkCatalogue holds that an API key has no scope that the catalogue lacks.
func (t *tx) checkCatalogue(scopes []string) error {
	for _, name := range scopes {
		if authority.ManagementScope(name) {
			continue
		}
		n, err := t.count(`SELECT count(*) FROM scopes WHERE name = $1`, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return &authority.InvalidError{Field: "scopes", Reason: fmt.Sprintf("has %q, which is not in the catalogue", name)}
		}
	}
	return nil
}
