package store

import (
	"bytes"
	"context"
	"strings"

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
	return s.snapshot(ctx, func(t *tx) error {
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

// join hands each API key its secrets; both are in the order of IDs, and no
// secret is without its API key.
func join(keys []authority.DirectoryKey, secrets []keyedSecret, suspended map[authority.MerchantID]bool) {
	for i := range keys {
		k := &keys[i]
		k.MerchantSuspended = suspended[k.MerchantID]
		for len(secrets) > 0 && secrets[0].key == k.ClientID {
			k.Secrets = append(k.Secrets, secrets[0].DirectorySecret)
			secrets = secrets[1:]
		}
	}
}

func (t *tx) directorySnapshot() (*authority.DirectorySnapshot, error) {
	var s authority.DirectorySnapshot
	var err error
	if s.Head, err = t.eventHead(); err != nil {
		return nil, err
	}
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
	err = s.snapshot(ctx, func(t *tx) error {
		// The event last applied is read again: it must still be there.
		events, err := t.events(after.Seq-1, limit+1)
		if err != nil {
			return err
		}
		if len(events) == 0 || events[0].Seq != after.Seq || !bytes.Equal(events[0].Hash, after.Hash) {
			return authority.ErrDiverged
		}
		if events = events[1:]; len(events) == 0 {
			return nil
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

// readChanges reads whatever the events name, as it is now.
func (t *tx) readChanges(c *authority.DirectoryChanges, events []authority.Event) error {
	suspended, err := t.suspended()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range events {
		e := &events[i]
		thing, _, _ := strings.Cut(string(e.Kind), ".")
		subject := e.Subject
		if thing == "scope" || thing == "signing_key" {
			subject = "" // read whole, once
		}
		if seen[thing+" "+subject] {
			continue
		}
		seen[thing+" "+subject] = true
		switch thing {
		case "api_key":
			var found int
			if found, err = t.readKeys(c, suspended, `id = $1`, e.Subject); err == nil && found == 0 {
				c.Deleted = append(c.Deleted, authority.ClientID(e.Subject))
			}
		case "merchant":
			_, err = t.readKeys(c, suspended, `merchant_id = $1`, e.Subject)
		case "scope":
			c.Scopes, err = t.scopes()
		case "signing_key":
			c.SigningKeys, err = t.signingKeys()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readKeys adds the API keys that the condition selects and tells how many.
func (t *tx) readKeys(c *authority.DirectoryChanges, suspended map[authority.MerchantID]bool, condition, arg string) (found int, err error) {
	keys, err := collect(t, scanDirectoryKey, selectDirectoryKeys+condition+` ORDER BY id`, arg)
	if err != nil {
		return 0, err
	}
	for i := range keys {
		secrets, err := collect(t, scanKeyedSecret, selectDirectorySecrets+`api_key_id = $1 ORDER BY id`, keys[i].ClientID)
		if err != nil {
			return 0, err
		}
		join(keys[i:i+1], secrets, suspended)
	}
	c.Keys = append(c.Keys, keys...)
	return len(keys), nil
}
