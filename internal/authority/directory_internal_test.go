package authority

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// DESIGN 5.2: entries hold no pointers, so the garbage collector has nothing to
// walk, and stay as small as the budget of memory per API key needs.
func TestDirectoryEntriesAreSmallAndWithoutPointers(t *testing.T) {
	for _, c := range []struct {
		entry any
		size  uintptr
		most  uintptr
	}{
		{keyEntry{}, unsafe.Sizeof(keyEntry{}), 72},
		{secretEntry{}, unsafe.Sizeof(secretEntry{}), 48},
	} {
		typ := reflect.TypeOf(c.entry)
		if c.size > c.most {
			t.Errorf("%s takes %d bytes, at most %d are allowed", typ, c.size, c.most)
		}
		if where := pointers(typ); where != "" {
			t.Errorf("%s has a pointer in %s", typ, where)
		}
	}
}

// pointers returns where a value of the type holds a pointer, "" for nowhere.
func pointers(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.Struct:
		for f := range typ.Fields() {
			if where := pointers(f.Type); where != "" {
				return f.Name + "." + where
			}
		}
		return ""
	case reflect.Array:
		return pointers(typ.Elem())
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return ""
	}
	return typ.String()
}

var testEnvironments = []Environment{{Name: "demo"}, {Name: "production"}, {Name: Platform}}

func testDirectory() *directory {
	d := newDirectory(testEnvironments, newRootKey())
	d.catalog.Store(newCatalogue(nil))
	return d
}

// randomKey makes an API key of any kind; few shards make many neighbours.
func randomKey(r *rand.Rand, shards int) *DirectoryKey {
	env := testEnvironments[r.IntN(3)].Name
	random := make([]byte, credential.IDLength)
	for i := range random {
		random[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[r.IntN(62)]
	}
	if shards > 0 {
		copy(random, fmt.Sprintf("%03d", r.IntN(shards)))
	}
	k := &DirectoryKey{
		ClientID: ClientID("twc_" + env + "_" + string(random)), Env: env, MerchantID: MerchantID(strings.Repeat("m", r.IntN(65))),
		MerchantSuspended: r.IntN(2) == 0, Disabled: r.IntN(2) == 0, Generation: r.Int64(),
		Scopes: []string{"", "a:read", "a:read b:write"}[r.IntN(3)],
	}
	if r.IntN(2) == 0 {
		k.ExpiresAt = time.UnixMilli(1 + r.Int64N(1<<40))
	}
	for id := range r.IntN(6) {
		secret := DirectorySecret{ID: int64(id) + 1, RootKeyID: 1, Hash: make([]byte, credential.HashSize)}
		binary.BigEndian.PutUint64(secret.Hash, r.Uint64())
		if r.IntN(2) == 0 {
			secret.ExpiresAt = time.UnixMilli(1 + r.Int64N(1<<40))
		}
		k.Secrets = append(k.Secrets, secret)
	}
	return k
}

// entry reads an API key back out of the directory, nil where it is not there.
func (d *directory) entry(id ClientID) *DirectoryKey {
	parsed, err := credential.Format{Prefix: "tw"}.ParseID(string(id))
	if err != nil {
		panic(err)
	}
	env := slices.IndexFunc(testEnvironments, func(e Environment) bool { return e.Name == parsed.Env })
	s, e := d.find(env, parsed.Random)
	if e == nil {
		return nil
	}
	moment := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	k := &DirectoryKey{
		ClientID: id, Env: testEnvironments[e.env].Name, MerchantID: MerchantID(s.merchantID(e)), MerchantSuspended: e.suspended,
		Disabled: e.disabled, Scopes: strings.Join((*d.sets.Load())[e.scopes].names, " "), Generation: e.generation, ExpiresAt: moment(e.expiresAt),
	}
	for _, secret := range s.secretsOf(e) {
		k.Secrets = append(k.Secrets, DirectorySecret{ID: int64(secret.id), RootKeyID: 1, Hash: secret.hash[:], ExpiresAt: moment(secret.expiresAt)})
	}
	return k
}

// Whatever is added, replaced and removed, the directory has what a map has.
func TestDirectoryHasWhatAMapHas(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	d, plain := testDirectory(), map[ClientID]*DirectoryKey{}
	var everSeen []ClientID
	for round := range 60 {
		var c DirectoryChanges
		for range r.IntN(200) {
			k := randomKey(r, 20)
			if len(everSeen) > 0 && r.IntN(3) == 0 { // changed, or back again
				id := everSeen[r.IntN(len(everSeen))]
				parsed, _ := credential.Format{Prefix: "tw"}.ParseID(string(id))
				k.ClientID, k.Env = id, parsed.Env
			}
			if slices.ContainsFunc(c.Keys, func(other DirectoryKey) bool { return other.ClientID == k.ClientID }) {
				continue
			}
			c.Keys = append(c.Keys, *k)
			everSeen = append(everSeen, k.ClientID)
		}
		for _, id := range slices.Sorted(maps.Keys(plain)) {
			if r.IntN(4) == 0 && !slices.ContainsFunc(c.Keys, func(k DirectoryKey) bool { return k.ClientID == id }) {
				c.Deleted = append(c.Deleted, id)
			}
		}
		if r.IntN(5) == 0 {
			c.Scopes = []Scope{{Name: "a:read"}}
		}
		if err := d.apply(&c, credential.Format{Prefix: "tw"}); err != nil {
			t.Fatal(err)
		}
		for _, id := range c.Deleted {
			delete(plain, id)
		}
		for i := range c.Keys {
			plain[c.Keys[i].ClientID] = &c.Keys[i]
		}
		for _, id := range everSeen {
			if got := d.entry(id); !reflect.DeepEqual(got, plain[id]) {
				t.Fatalf("round %d: %s\ngot  %+v\nwant %+v", round, id, got, plain[id])
			}
		}
		inShards := 0
		for i := range d.shards {
			s := d.shards[i].Load()
			if s == nil {
				continue
			}
			inShards += len(s.keys)
			if len(s.keys) == 0 || cap(s.text) > len(s.text)*5/4+64 {
				t.Fatalf("shard %d has %d API keys, and %d bytes to spare", i, len(s.keys), cap(s.text)-len(s.text))
			}
		}
		if inShards != len(plain) {
			t.Fatalf("round %d: %d API keys in the shards, want %d", round, inShards, len(plain))
		}
	}
	if len(everSeen) < 3000 || len(plain) < 100 {
		t.Errorf("only %d API keys were there, %d are left", len(everSeen), len(plain))
	}
}

// The random part alone is no identity: the environment belongs to it.
func TestDirectoryFindsOnlyInTheEnvironment(t *testing.T) {
	d := testDirectory()
	k := randomKey(rand.New(rand.NewPCG(3, 4)), 0)
	if err := d.apply(&DirectoryChanges{Keys: []DirectoryKey{*k}}, credential.Format{Prefix: "tw"}); err != nil {
		t.Fatal(err)
	}
	random := string(k.ClientID[len("twc_")+len(k.Env)+1:])
	for env := range testEnvironments {
		if _, e := d.find(env, random); (e != nil) != (testEnvironments[env].Name == k.Env) {
			t.Errorf("an API key of %s is found in %s: %t", k.Env, testEnvironments[env].Name, e != nil)
		}
	}
}

func TestDirectoryRefusesWhatDoesNotFit(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for what, spoil := range map[string]func(*DirectoryKey){
		"unknown environment":  func(k *DirectoryKey) { k.Env = "staging" },
		"ID of another form":   func(k *DirectoryKey) { k.ClientID = "x" },
		"long merchant ID":     func(k *DirectoryKey) { k.MerchantID = MerchantID(strings.Repeat("m", 256)) },
		"no network":           func(k *DirectoryKey) { k.AllowedCIDRs = "192.0.2.0/24 x" },
		"256 secrets":          func(k *DirectoryKey) { k.Secrets = make([]DirectorySecret, 256) },
		"another root key":     func(k *DirectoryKey) { k.Secrets = []DirectorySecret{{ID: 1, RootKeyID: 2, Hash: make([]byte, 32)}} },
		"hash of another size": func(k *DirectoryKey) { k.Secrets = []DirectorySecret{{ID: 1, RootKeyID: 1, Hash: make([]byte, 31)}} },
	} {
		d, k := testDirectory(), randomKey(r, 0)
		spoil(k)
		if err := d.apply(&DirectoryChanges{Keys: []DirectoryKey{*k}}, credential.Format{Prefix: "tw"}); err == nil {
			t.Errorf("%s fits", what)
		}
	}
	if err := testDirectory().apply(&DirectoryChanges{Deleted: []ClientID{"x"}}, credential.Format{Prefix: "tw"}); err == nil {
		t.Error("what is gone has an ID of another form, and fits")
	}
}

// The most that fits is there as it was given, and what is alike is kept once.
func TestTheDirectoryHasTheMostThatFits(t *testing.T) {
	r, d := rand.New(rand.NewPCG(7, 8)), testDirectory()
	var c DirectoryChanges
	for range 2 {
		k := randomKey(r, 0)
		k.MerchantID, k.Scopes, k.AllowedCIDRs = MerchantID(strings.Repeat("m", 255)), "a:read", "192.0.2.0/24"
		k.Secrets = nil
		for id := range int64(255) {
			k.Secrets = append(k.Secrets, DirectorySecret{ID: id + 1, RootKeyID: 1, Hash: make([]byte, credential.HashSize)})
		}
		c.Keys = append(c.Keys, *k)
	}
	if err := d.apply(&c, credential.Format{Prefix: "tw"}); err != nil {
		t.Fatal(err)
	}
	for i := range c.Keys {
		if got := d.entry(c.Keys[i].ClientID); got == nil || len(got.MerchantID) != 255 || len(got.Secrets) != 255 {
			t.Errorf("got %+v", got)
		}
	}
	if sets, cidrs := len(*d.sets.Load()), len(*d.cidrs.Load()); sets != 1 || cidrs != 2 { // with that of everywhere
		t.Errorf("%d sets of scopes and %d of networks are kept", sets, cidrs)
	}
}

// C-181: what came with a change of signing keys is applied as well; with one that does
// not open nothing is, and the follower asks again.
func TestSigningKeysAreAppliedWithTheRest(t *testing.T) {
	d, c := testDirectory(), DirectoryChanges{Head: EventHead{Seq: 7}}
	for i := range testEnvironments {
		env := Environment{Name: testEnvironments[i].Name, Algorithm: jose.ES256}
		k, err := newSigningKey(d.root, &env, 0, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		k.Status = SigningKeyActive
		c.SigningKeys = append(c.SigningKeys, *k)
	}
	c.Keys = []DirectoryKey{*randomKey(rand.New(rand.NewPCG(9, 10)), 0)}
	damaged := c
	damaged.SigningKeys = slices.Clone(c.SigningKeys)
	damaged.SigningKeys[1].Sealed = nil
	if err := d.apply(&damaged, credential.Format{Prefix: "tw"}); err == nil || d.head.Seq != 0 || d.issuers.Load() != nil {
		t.Errorf("with a damaged signing key: %v, at event %d", err, d.head.Seq)
	}
	err := d.apply(&c, credential.Format{Prefix: "tw"})
	if err != nil || d.head.Seq != 7 || d.entry(c.Keys[0].ClientID) == nil || len(*d.issuers.Load()) != len(testEnvironments) {
		t.Errorf("got %v, at event %d", err, d.head.Seq)
	}
}

// Each shard gets as many of all IDs, so that a change copies few of them.
func TestShardsAreFilledEvenly(t *testing.T) {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var filled [shardCount]int
	for _, a := range letters {
		for _, b := range letters {
			for _, c := range letters {
				filled[shardOf(string([]rune{a, b, c}))]++
			}
		}
	}
	if least, most := slices.Min(filled[:]), slices.Max(filled[:]); most-least > 1 {
		t.Errorf("from %d to %d beginnings of IDs are in a shard", least, most)
	}
}

// C-085.
func TestTokenIDsOfManyTokensDoNotRepeat(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	seen := make(map[string]struct{}, n)
	for range n {
		seen[newTokenID()] = struct{}{}
	}
	if len(seen) != n {
		t.Errorf("%d IDs of %d tokens", len(seen), n)
	}
}

// A secret's end is told to who uses it: where it is retired, or at most 30 days away.
func TestWhichEndOfASecretIsTold(t *testing.T) {
	now := time.Unix(1764000000, 0)
	for what, tc := range map[string]struct {
		s    secretEntry
		told bool
	}{
		"no end":              {secretEntry{}, false},
		"no end, retired":     {secretEntry{retired: true}, false},
		"within 30 days":      {secretEntry{expiresAt: now.Add(soon).UnixMilli()}, true},
		"later":               {secretEntry{expiresAt: now.Add(soon).UnixMilli() + 1}, false},
		"later, but retired":  {secretEntry{expiresAt: now.Add(2 * soon).UnixMilli(), retired: true}, true},
		"within, and retired": {secretEntry{expiresAt: now.Add(time.Hour).UnixMilli(), retired: true}, true},
	} {
		if end := tc.s.toldEnd(now); end.IsZero() == tc.told || tc.told && end.UnixMilli() != tc.s.expiresAt {
			t.Errorf("%s: told is %s", what, end)
		}
	}
}
