package store

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// directoryChunk is how many API keys are read at a time.
const directoryChunk = 5000

const (
	selectDirectoryKeys = `SELECT id, env, coalesce(merchant_id, ''), status, scopes, allowed_cidrs, generation, expires_at
		FROM api_keys WHERE status <> 'deleted' AND `
	selectDirectorySecrets = `SELECT api_key_id, id, root_key_id, hash, created_at, expires_at, retired_at > 0 FROM secrets WHERE `
)

func scanDirectoryKey(r row, k *authority.DirectoryKey) error {
	var status authority.Status
	err := r.Scan(&k.ClientID, &k.Env, &k.MerchantID, &status, &k.Scopes, &k.AllowedCIDRs, &k.Generation, timestamp{&k.ExpiresAt})
	k.Disabled = status != authority.Active
	return err
}

// keyedSecret is a secret with the API key it belongs to.
type keyedSecret struct {
	key authority.ClientID
	authority.DirectorySecret
}

func scanKeyedSecret(r row, s *keyedSecret) error {
	return r.Scan(&s.key, &s.ID, &s.RootKeyID, &s.Hash, timestamp{&s.CreatedAt}, timestamp{&s.ExpiresAt}, &s.Retired)
}

// Directory implements authority.Store. API keys and secrets are two scans in
// the order of IDs, brought together here, which is faster than a join.
func (s *Store) Directory(ctx context.Context, begin func(*authority.DirectorySnapshot) error, key func(*authority.DirectoryKey) error) error {
	return s.longSnapshot(ctx, s.read, func(t *tx) error {
		snapshot, err := t.directorySnapshot()
		if err != nil {
			return err
		}
		if err := begin(snapshot); err != nil {
			return err
		}
		suspended, err := t.suspended()
		if err != nil {
			return err
		}
		for after := authority.ClientID(""); ; {
			keys, err := collect(t, scanDirectoryKey, selectDirectoryKeys+`id > $1 ORDER BY id LIMIT $2`, after, directoryChunk)
			if err != nil || len(keys) == 0 {
				return err
			}
			last := keys[len(keys)-1].ClientID
			secrets, err := collect(t, scanKeyedSecret, selectDirectorySecrets+`api_key_id > $1 AND api_key_id <= $2 ORDER BY api_key_id, id`, after, last)
			if err != nil {
				return err
			}
			join(keys, secrets, suspended)
			for i := range keys {
				if err := key(&keys[i]); err != nil {
					return err
				}
			}
			after = last
		}
	})
}

// join hands each API key its secrets; both are in the order of IDs. A secret is
// without its API key only where a disk has changed it, and no other one misses it.
func join(keys []authority.DirectoryKey, secrets []keyedSecret, suspended map[authority.MerchantID]bool) {
	for i := range keys {
		k := &keys[i]
		k.MerchantSuspended = suspended[k.MerchantID]
		for ; len(secrets) > 0 && secrets[0].key <= k.ClientID; secrets = secrets[1:] {
			if secrets[0].key == k.ClientID {
				k.Secrets = append(k.Secrets, secrets[0].DirectorySecret)
			}
		}
	}
}

func (t *tx) directorySnapshot() (*authority.DirectorySnapshot, error) {
	var s authority.DirectorySnapshot
	var err error
	if s.Head, err = t.eventHead(); err != nil {
		return nil, err
	}
	lineage, err := one(t, scanLineage, `SELECT `+lineageColumns+` FROM installation WHERE id = 1`)
	if err != nil {
		return nil, err
	}
	s.Lineage = *lineage
	if s.Scopes, err = t.scopes(); err != nil {
		return nil, err
	}
	s.SigningKeys, err = t.signingKeys()
	return &s, err
}

func (t *tx) suspended() (map[authority.MerchantID]bool, error) {
	ids, err := collect(t, func(r row, id *authority.MerchantID) error { return r.Scan(id) },
		`SELECT id FROM merchants WHERE status = 'suspended'`)
	set := make(map[authority.MerchantID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set, err
}

// Changes implements authority.Store.
func (s *Store) Changes(ctx context.Context, after authority.EventHead, limit int) (c *authority.DirectoryChanges, err error) {
	c = &authority.DirectoryChanges{Head: after}
	// One event may concern every API key of a merchant.
	err = s.longSnapshot(ctx, s.follow, func(t *tx) error {
		// The event last applied is read again: it must still be there.
		events, err := t.headlines(after.Seq-1, limit+1)
		if err != nil {
			return err
		}
		if len(events) == 0 || events[0].Seq != after.Seq || !bytes.Equal(events[0].Hash, after.Hash) {
			return authority.ErrDiverged
		}
		if events = events[1:]; len(events) == 0 {
			return nil
		}
		if slices.ContainsFunc(events, func(e authority.Event) bool { return e.Kind == authority.InstallationRestored }) {
			return authority.ErrDiverged // it changes everything, and no single thing
		}
		last := &events[len(events)-1]
		c.Head, c.More = authority.EventHead{Seq: last.Seq, Hash: last.Hash}, len(events) == limit
		if c.More {
			// API keys are read as they are now: they may hold scopes that were
			// made behind the cut.
			if c.Scopes, err = t.scopes(); err != nil {
				return err
			}
		}
		return t.readChanges(c, events)
	})
	return c, err
}

// named is what events name, each once.
type named struct {
	keys, merchants     []string // IDs
	scopes, signingKeys bool
}

func namedBy(events []authority.Event) (n named) {
	for i := range events {
		thing, _, _ := strings.Cut(string(events[i].Kind), ".")
		switch thing {
		case "api_key", "secret", "token": // all are about the API key that is their subject
			n.keys = append(n.keys, events[i].Subject)
		case "merchant":
			n.merchants = append(n.merchants, events[i].Subject)
		case "scope":
			n.scopes = true
		case "signing_key":
			n.signingKeys = true
		}
	}
	for _, ids := range []*[]string{&n.keys, &n.merchants} {
		slices.Sort(*ids)
		*ids = slices.Compact(*ids)
	}
	return n
}

// readChanges reads whatever the events name, as it is now. How many queries
// that takes hardly depends on how many events there are: the database may be
// far away.
func (t *tx) readChanges(c *authority.DirectoryChanges, events []authority.Event) error {
	n := namedBy(events)
	if err := t.readKeys(c, `id`, n.keys); err != nil {
		return err
	}
	found := make(map[authority.ClientID]bool, len(c.Keys))
	for i := range c.Keys {
		found[c.Keys[i].ClientID] = true
	}
	for _, id := range n.keys {
		if !found[authority.ClientID(id)] {
			c.Deleted = append(c.Deleted, authority.ClientID(id))
		}
	}
	err := t.readKeys(c, `merchant_id`, n.merchants)
	if err == nil && n.scopes {
		c.Scopes, err = t.scopes()
	}
	if err == nil && n.signingKeys {
		c.SigningKeys, err = t.signingKeys()
	}
	return err
}

// readKeys adds the API keys whose column has one of the values.
func (t *tx) readKeys(c *authority.DirectoryChanges, column string, values []string) error {
	if len(values) == 0 {
		return nil
	}
	suspended, err := t.suspended()
	if err != nil {
		return err
	}
	var keys []authority.DirectoryKey
	if err := inBatches(values, func(some []string) error {
		list, err := collect(t, scanDirectoryKey, selectDirectoryKeys+column+` IN `+listOf(len(some)), arguments(some)...)
		keys = append(keys, list...)
		return err
	}); err != nil {
		return err
	}
	slices.SortFunc(keys, func(a, b authority.DirectoryKey) int { return strings.Compare(string(a.ClientID), string(b.ClientID)) })
	if err := inBatches(keys, func(some []authority.DirectoryKey) error {
		ids := make([]any, len(some))
		for i := range some {
			ids[i] = some[i].ClientID
		}
		secrets, err := collect(t, scanKeyedSecret, selectDirectorySecrets+`api_key_id IN `+listOf(len(ids))+` ORDER BY api_key_id, id`, ids...)
		join(some, secrets, suspended)
		return err
	}); err != nil {
		return err
	}
	c.Keys = append(c.Keys, keys...)
	return nil
}

// Now implements authority.Store.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if s.log != "" {
		return time.Now().Round(0), nil // the database is this process's own
	}
	ctx, cancel := limited(ctx, s.limit)
	defer cancel()
	var ms int64
	err := alive(ctx, s.read, func() error {
		return s.read.QueryRowContext(ctx, `SELECT CAST(1000 * extract(epoch FROM clock_timestamp()) AS bigint)`).Scan(&ms)
	})
	return time.UnixMilli(ms), err
}

// positionLimit is how long the database may take to say how far it is.
const positionLimit = 2 * time.Second

// Position implements authority.Store. It is one statement, for nodes ask all
// the time, and looks at the last event itself, not only at what the counter
// says of it. A dead connection must not keep a node from following for long, so
// the answer has less time than a new connection has.
func (s *Store) Position(ctx context.Context) (p authority.Position, err error) {
	ctx, cancel := limited(ctx, s.limit)
	defer cancel()
	err = alive(ctx, s.follow, func() error {
		c, err := s.follow.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }() // it goes back to the pool
		ctx, cancel := context.WithTimeout(ctx, positionLimit)
		defer cancel()
		return c.QueryRowContext(ctx, `SELECT c.seq, coalesce(e.hash, ''), h.seq, `+joinedRevocation+`
			FROM event_head c LEFT JOIN events e ON e.seq = c.seq
			CROSS JOIN revocation_head h LEFT JOIN revocations r ON r.seq = h.seq`).
			Scan(append([]any{&p.Event.Seq, &p.Event.Hash, &p.Revocation}, revocationFields(&p.LastRevocation)...)...)
	})
	return p, noRow(err, authority.ErrMoved)
}
