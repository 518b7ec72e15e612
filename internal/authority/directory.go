package authority

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// shardCount shards keep a change cheap at a million API keys (about 250 of
// them are copied), and a small installation's collections of garbage as well:
// each walks the 32 KiB of pointers.
const shardCount = 1 << 12

// directory is all that the token path needs, in memory. Readers take no lock:
// every shard and table is immutable behind an atomic pointer. API keys are
// kept without pointers, so that the garbage collector has nothing to walk.
// The follower alone, under Authority.following, writes.
type directory struct {
	environments []Environment
	root         *rootKeys

	shards  [shardCount]atomic.Pointer[shard]
	sets    atomic.Pointer[[]*scopeSet] // keyEntry.scopes indexes it; only ever grows
	cidrs   atomic.Pointer[[]cidrSet]   // keyEntry.cidrs indexes it; only ever grows
	issuers atomic.Pointer[[]*Issuer]   // one per environment, in their order
	catalog atomic.Pointer[catalogue]

	lineage   Lineage        // never changed
	moved     bool           // the installation was; never changed
	revoked   []*revocations // one per environment, in their order
	revokedTo atomic.Int64   // the last revocation that is in them

	currentAt atomic.Pointer[time.Time] // the store agreed with it at this time

	// For Figures alone.
	seq         atomic.Int64                 // of head
	signingKeys atomic.Pointer[[]SigningKey] // the published ones

	// Owned by the follower.
	head      EventHead
	setIndex  map[string]uint32 // scope text -> index in sets
	cidrIndex map[string]uint32 // text -> index in cidrs
	last      Revocation
	prunedAt  time.Time
}

// shard holds the API keys whose IDs fall into it, sorted by ID.
type shard struct {
	keys    []keyEntry
	secrets []secretEntry
	text    []byte // merchant IDs
}

// keyEntry is one API key in 64 bytes.
type keyEntry struct {
	id          [credential.IDLength]byte
	env         uint8 // index in environments
	secretCount uint8
	suspended   bool // the merchant is
	disabled    bool
	merchantLen uint8
	merchant    uint32 // offset in text
	secrets     uint32 // offset in secrets
	scopes      uint32 // index in sets
	cidrs       uint32 // index in cidrs; 0 for everywhere
	generation  int64
	expiresAt   int64 // Unix milliseconds; 0 for never
}

// secretEntry is one secret in 48 bytes.
type secretEntry struct {
	hash      credential.Hash
	expiresAt int64 // Unix milliseconds; 0 for never
	id        uint32
	retired   bool
}

func newDirectory(environments []Environment, root *rootKeys) *directory {
	d := &directory{environments: environments, root: root, setIndex: map[string]uint32{}, cidrIndex: map[string]uint32{"": 0}}
	d.sets.Store(new([]*scopeSet))
	d.cidrs.Store(&[]cidrSet{nil})
	for range environments {
		d.revoked = append(d.revoked, &revocations{live: map[accesstoken.TokenID]struct{}{}})
	}
	return d
}

// shardOf takes the first three of the 22 random characters.
func shardOf(id string) int {
	n := 0
	for i := range 3 {
		n = n*62 + base62Value(id[i])
	}
	return n % shardCount
}

// placeOf returns the shard of a stored client ID and its random part.
func placeOf(format credential.Format, id ClientID) (n int, random string, err error) {
	parsed, err := format.ParseID(string(id))
	if err != nil {
		return 0, "", fmt.Errorf("API key %s: the ID is %w", id, err)
	}
	return shardOf(parsed.Random), parsed.Random, nil
}

func base62Value(c byte) int {
	switch {
	case c <= '9':
		return int(c - '0')
	case c <= 'Z':
		return int(c-'A') + 10
	}
	return int(c-'a') + 36
}

// find returns the API key with the random part id in environment env, or nil.
func (d *directory) find(env int, id string) (*shard, *keyEntry) {
	s := d.shards[shardOf(id)].Load()
	if s == nil {
		return nil, nil
	}
	i, found := slices.BinarySearchFunc(s.keys, id, func(k keyEntry, id string) int {
		return cmp.Compare(string(k.id[:]), id)
	})
	if !found || int(s.keys[i].env) != env {
		return nil, nil
	}
	return s, &s.keys[i]
}

// add appends k, whose ID has the given random part, to s, which is not sorted
// afterwards.
func (d *directory) add(s *shard, k *DirectoryKey, random string) error {
	env := environmentIndex(d.environments, k.Env)
	if env < 0 || len(k.MerchantID) > 255 || len(k.Secrets) > 255 {
		return fmt.Errorf("API key %s does not fit the directory", k.ClientID)
	}
	cidrs, err := d.internCIDRs(k.AllowedCIDRs)
	if err != nil {
		return fmt.Errorf("API key %s: %w", k.ClientID, err)
	}
	e := keyEntry{
		id: [credential.IDLength]byte([]byte(random)), env: uint8(env),
		suspended: k.MerchantSuspended, disabled: k.Disabled,
		merchant: uint32(len(s.text)), merchantLen: uint8(len(k.MerchantID)),
		secrets: uint32(len(s.secrets)), secretCount: uint8(len(k.Secrets)),
		scopes: d.intern(k.Scopes), cidrs: cidrs, generation: k.Generation, expiresAt: stored(k.ExpiresAt),
	}
	for i := range k.Secrets {
		secret := &k.Secrets[i]
		if secret.RootKeyID != d.root.id || len(secret.Hash) != credential.HashSize {
			return fmt.Errorf("secret %d of API key %s is damaged, or was hashed under another root key", secret.ID, k.ClientID)
		}
		s.secrets = append(s.secrets, secretEntry{
			hash: credential.Hash(secret.Hash), expiresAt: stored(d.environments[env].endOf(secret)),
			id: uint32(secret.ID), retired: secret.Retired,
		})
	}
	s.text = append(s.text, k.MerchantID...)
	s.keys = append(s.keys, e)
	return nil
}

// stored is a time as entries keep it.
func stored(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// endOf is when a secret stops to work: at its own end, or at the greatest age
// that the environment allows.
func (e *Environment) endOf(s *DirectorySecret) time.Time {
	return earlier(s.ExpiresAt, e.oldest(s.CreatedAt))
}

// oldest is when a secret made at a time is too old; zero for never.
func (e *Environment) oldest(made time.Time) time.Time {
	if e.MaxSecretAge == 0 {
		return time.Time{}
	}
	return made.Add(e.MaxSecretAge)
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// intern returns the index of a scope text. Sets that no API key uses any more
// stay until the directory is read anew.
func (d *directory) intern(scopes string) uint32 {
	if i, ok := d.setIndex[scopes]; ok {
		return i
	}
	sets := append(*d.sets.Load(), newScopeSet(scopes, d.catalog.Load()))
	d.sets.Store(&sets)
	i := uint32(len(sets) - 1)
	d.setIndex[scopes] = i
	return i
}

// internCIDRs returns the index of a text of allowed networks.
func (d *directory) internCIDRs(text string) (uint32, error) {
	if i, ok := d.cidrIndex[text]; ok {
		return i, nil
	}
	list, err := ParseCIDRs(strings.Fields(text))
	if err != nil {
		return 0, err
	}
	all := append(*d.cidrs.Load(), list)
	d.cidrs.Store(&all)
	i := uint32(len(all) - 1)
	d.cidrIndex[text] = i
	return i, nil
}

// copyWithout copies every entry of s but those that gone names by the random
// part of their IDs.
func (s *shard) copyWithout(gone map[string]*DirectoryKey) *shard {
	out := &shard{}
	if s == nil {
		return out
	}
	for i := range s.keys {
		e := s.keys[i]
		if _, ok := gone[string(e.id[:])]; ok {
			continue
		}
		e.merchant, e.secrets = uint32(len(out.text)), uint32(len(out.secrets))
		out.text = append(out.text, s.merchantID(&s.keys[i])...)
		out.secrets = append(out.secrets, s.secretsOf(&s.keys[i])...)
		out.keys = append(out.keys, e)
	}
	return out
}

func (s *shard) merchantID(k *keyEntry) []byte {
	return s.text[k.merchant : k.merchant+uint32(k.merchantLen)]
}

func (s *shard) secretsOf(k *keyEntry) []secretEntry {
	return s.secrets[k.secrets : k.secrets+uint32(k.secretCount)]
}

// seal sorts s and gives back what its slices have to spare.
func (s *shard) seal() *shard {
	if len(s.keys) == 0 {
		return nil
	}
	slices.SortFunc(s.keys, func(a, b keyEntry) int { return bytes.Compare(a.id[:], b.id[:]) })
	s.keys, s.secrets, s.text = slices.Clone(s.keys), slices.Clone(s.secrets), slices.Clone(s.text)
	return s
}

// apply brings changes in. After an error d has some of them and the head it
// had: the follower asks for the same again.
func (d *directory) apply(c *DirectoryChanges, format credential.Format) error {
	if c.Scopes != nil {
		d.catalog.Store(newCatalogue(c.Scopes))
		clear(d.setIndex) // a name may have come back for another resource server
	}
	if c.SigningKeys != nil {
		if err := d.loadSigningKeys(c.SigningKeys); err != nil {
			return err
		}
	}
	// By shard and random part of the ID; nil for what is gone. What stands
	// in c twice (a key and its merchant were changed) is the same twice.
	latest := make(map[int]map[string]*DirectoryKey)
	put := func(id ClientID, k *DirectoryKey) error {
		n, random, err := placeOf(format, id)
		if err != nil {
			return err
		}
		if latest[n] == nil {
			latest[n] = make(map[string]*DirectoryKey)
		}
		latest[n][random] = k
		return nil
	}
	for _, id := range c.Deleted {
		if err := put(id, nil); err != nil {
			return err
		}
	}
	for i := range c.Keys {
		if err := put(c.Keys[i].ClientID, &c.Keys[i]); err != nil {
			return err
		}
	}
	for n, keys := range latest {
		next := d.shards[n].Load().copyWithout(keys)
		for random, k := range keys {
			if k == nil {
				continue
			}
			if err := d.add(next, k, random); err != nil {
				return err
			}
		}
		d.shards[n].Store(next.seal())
	}
	d.moveTo(c.Head)
	return nil
}

// moveTo says that every event up to head is in d.
func (d *directory) moveTo(head EventHead) {
	d.head = head
	d.seq.Store(head.Seq)
}
