package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// at is when everything in these tests happens; its milliseconds must survive.
var at = time.UnixMilli(1764000000123).UTC()

// openStore opens the database at path, making it where there is none.
func openStore(t testing.TB, path string) *Store {
	t.Helper()
	return untilTheEnd(t)(OpenSQLite(t.Context(), path, Options{Create: true}))
}

// untilTheEnd closes a store, which must open, with the test.
func untilTheEnd(t testing.TB) func(*Store, error) *Store {
	return func(s *Store, err error) *Store {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "tokenwright.db") }

// initialize makes the installation all tests work on.
func initialize(t *testing.T, s authority.Store) authority.Store {
	t.Helper()
	inst, root, keys := firstRows()
	must(t, s.Initialize(t.Context(), inst, root, keys, draft(authority.InstallationCreated, inst.Prefix)))
	return s
}

func firstRows() (*authority.Installation, *authority.SealedRootKey, []authority.SigningKey) {
	inst := &authority.Installation{
		Prefix: "tw", MerchantIDs: authority.MerchantText, Lineage: authority.Lineage{Number: 1}, CreatedAt: at,
		Environments: []authority.Environment{
			{Name: "production", Issuer: "http://localhost:8080/production", Algorithm: jose.ES256},
			{Name: "demo", Issuer: "http://localhost:8080/demo", Algorithm: jose.EdDSA},
			{Name: "platform", Issuer: "http://localhost:8080/platform", Algorithm: jose.ES256},
		},
	}
	root := &authority.SealedRootKey{ID: 1, Sealed: []byte("sealed root"), CreatedAt: at}
	keys := []authority.SigningKey{}
	for i, e := range inst.Environments {
		keys = append(keys, authority.SigningKey{
			KeyID: fmt.Sprint("kid", i), Env: e.Name, Algorithm: e.Algorithm, Status: authority.SigningKeyActive,
			RootKeyID: 1, Sealed: []byte{0, byte(i), 255}, CreatedAt: at.Add(time.Duration(i) * time.Millisecond), ActivatedAt: at,
		})
	}
	return inst, root, keys
}

// draft is an event without a key of the chain: its hash is linked all the same.
func draft(kind authority.EventKind, subject string) *authority.Draft {
	return &authority.Draft{Event: authority.Event{
		Time: at, Actor: authority.Actor{ID: "cli:root@host", Address: "192.0.2.1", RequestID: "r1"},
		Kind: kind, Subject: subject, Details: `{"name":"ä\n"}`, RootKeyID: 1,
	}}
}

func merchant(id authority.MerchantID) *authority.Merchant {
	return &authority.Merchant{
		ID: id, Name: "Merchant " + string(id), Status: authority.Active, KeyLimit: 3,
		CreatedAt: at, UpdatedAt: at.Add(time.Millisecond), Version: 1,
	}
}

func scope(name string) *authority.Scope {
	return &authority.Scope{Name: name, Description: "About " + name, CreatedAt: at}
}

// apiKey is the n-th API key, with two secrets.
func apiKey(n int, env string, m authority.MerchantID, scopes ...string) *authority.APIKey {
	if scopes == nil {
		scopes = []string{}
	}
	hash := func(i int) []byte { return []byte(fmt.Sprintf("%032d", n*10+i)) }
	return &authority.APIKey{
		ID: authority.ClientID(fmt.Sprintf("twc_%s_%022d", env, n)), MerchantID: m, Env: env, Name: "Key", Description: "d",
		Scopes: scopes, Status: authority.Active, Generation: at.Unix(), ExpiresAt: at.Add(time.Hour),
		CreatedAt: at, CreatedBy: "somebody", UpdatedAt: at, Version: 1, LastSecretID: 2,
		Secrets: []authority.Secret{
			{ID: 1, Name: "old", Hint: "abcd", Hash: hash(1), RootKeyID: 1, CreatedAt: at, CreatedBy: "somebody", ExpiresAt: at.Add(time.Minute)},
			{ID: 2, Hint: "efgh", Hash: hash(2), RootKeyID: 1, CreatedAt: at, CreatedBy: "somebody"},
		},
	}
}

// limits are those of a merchant's API keys.
var limits = authority.KeyLimits{Undeleted: 10}

func addMerchant(t *testing.T, s authority.Store, id authority.MerchantID) *authority.Merchant {
	t.Helper()
	m := merchant(id)
	must(t, s.CreateMerchant(t.Context(), m, draft(authority.MerchantCreated, string(id))))
	return m
}

func addScope(t *testing.T, s authority.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		must(t, s.CreateScope(t.Context(), scope(name), draft(authority.ScopeCreated, name)))
	}
}

func addKey(t *testing.T, s authority.Store, k *authority.APIKey) *authority.APIKey {
	t.Helper()
	must(t, s.CreateAPIKey(t.Context(), k, limits, draft(authority.APIKeyCreated, string(k.ID))))
	return k
}

// deleteKey deletes an API key as it is stored.
func deleteKey(t *testing.T, s authority.Store, id authority.ClientID) {
	t.Helper()
	k := get(t)(s.APIKey(t.Context(), id))
	k.Version++
	must(t, s.DeleteAPIKey(t.Context(), k, draft(authority.APIKeyDeleted, string(id))))
}

func deleteMerchant(t *testing.T, s authority.Store, id authority.MerchantID) {
	t.Helper()
	m, err := s.Merchant(t.Context(), id)
	must(t, err)
	m.Version++
	must(t, s.DeleteMerchant(t.Context(), m, draft(authority.MerchantDeleted, string(id))))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get returns the API key of a call that must succeed.
func get(t *testing.T) func(*authority.APIKey, error) *authority.APIKey {
	return func(k *authority.APIKey, err error) *authority.APIKey {
		t.Helper()
		must(t, err)
		return k
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

// state is everything that a store can be asked for.
type state struct {
	Installation *authority.Installation
	Root         *authority.SealedRootKey
	Merchants    []authority.Merchant
	Scopes       []authority.Scope
	Keys         []authority.APIKey
	SigningKeys  []authority.SigningKey
	Events       []authority.Event
	Head         authority.EventHead
	Directory    directory
	Revocations  []authority.Revocation
	LastRevoked  int64
}

func read(t *testing.T, s authority.Store) (st state) {
	t.Helper()
	ctx := t.Context()
	var err error
	st.Installation, st.Root, err = s.Installation(ctx)
	must(t, err)
	st.Merchants, err = s.Merchants(ctx, authority.MerchantFilter{}, "", 10_000)
	must(t, err)
	st.Scopes, err = s.Scopes(ctx)
	must(t, err)
	list, err := s.APIKeys(ctx, authority.APIKeyFilter{}, "", 10_000)
	must(t, err)
	for i := range list {
		st.Keys = append(st.Keys, *get(t)(s.APIKey(ctx, list[i].ID)))
	}
	st.SigningKeys, err = s.SigningKeys(ctx)
	must(t, err)
	st.Events, err = s.Events(ctx, 0, 100_000)
	must(t, err)
	st.Head, err = s.EventHead(ctx)
	must(t, err)
	st.Directory = readDirectory(t, s)
	st.Revocations, st.LastRevoked, err = s.Revocations(ctx, 0, 100_000)
	must(t, err)
	return st
}

// refused runs a change that must end in want, and holds that it left neither
// a row nor an event behind.
func refused(t *testing.T, s authority.Store, want error, change func() error) {
	t.Helper()
	before := read(t, s)
	wantError(t, change(), want)
	wantState(t, s, before)
}

// wantState tells what of the state is not as it was.
func wantState(t *testing.T, s authority.Store, before state) {
	t.Helper()
	got, want := reflect.ValueOf(read(t, s)), reflect.ValueOf(before)
	for i := range got.NumField() {
		wantEqual(t, got.Type().Field(i).Name, got.Field(i).Interface(), want.Field(i).Interface())
	}
}

// checkChain holds that events are numbered without a gap, each linked to the
// one before it, and that the head names the last.
func checkChain(t *testing.T, s authority.Store) {
	t.Helper()
	events, err := s.Events(t.Context(), 0, 100_000)
	must(t, err)
	head := authority.EventHead{}
	for i, e := range events {
		linked := (&authority.Draft{Event: e}).Link(int64(i)+1, head.Hash)
		wantEqual(t, fmt.Sprint("event ", i+1), e, *linked)
		head = authority.EventHead{Seq: e.Seq, Hash: e.Hash}
	}
	recorded, err := s.EventHead(t.Context())
	must(t, err)
	wantEqual(t, "head of the events", recorded, head)
}

// directory is what a follower has of a store.
type directory struct {
	Head        authority.EventHead
	Keys        map[authority.ClientID]authority.DirectoryKey
	Scopes      []authority.Scope
	SigningKeys []authority.SigningKey
}

// readDirectory reads the directory whole.
func readDirectory(t *testing.T, s authority.Store) (d directory) {
	t.Helper()
	d.Keys = map[authority.ClientID]authority.DirectoryKey{}
	begun, last := 0, authority.ClientID("")
	must(t, s.Directory(t.Context(), func(snapshot *authority.DirectorySnapshot) error {
		begun++
		d.Head, d.Scopes, d.SigningKeys = snapshot.Head, snapshot.Scopes, snapshot.SigningKeys
		return nil
	}, func(k *authority.DirectoryKey) error {
		if begun != 1 || k.ClientID <= last {
			t.Errorf("API key %s comes after %q, begin was called %d times", k.ClientID, last, begun)
		}
		last, d.Keys[k.ClientID] = k.ClientID, *k
		return nil
	}))
	return d
}

// follow brings d up to date, limit events at a time.
func (d *directory) follow(t *testing.T, s authority.Store, limit int) {
	t.Helper()
	for more := true; more; {
		c, err := s.Changes(t.Context(), d.Head, limit)
		must(t, err)
		more = c.More
		d.Head = c.Head
		for _, id := range c.Deleted {
			delete(d.Keys, id)
		}
		for _, k := range c.Keys {
			d.Keys[k.ClientID] = k
		}
		if c.Scopes != nil {
			d.Scopes = c.Scopes
		}
		if c.SigningKeys != nil {
			d.SigningKeys = c.SigningKeys
		}
	}
}

func names(scopes []authority.Scope) string {
	list := make([]string, len(scopes))
	for i := range scopes {
		list[i] = scopes[i].Name
	}
	return strings.Join(list, " ")
}

func ids(keys []authority.APIKey) []authority.ClientID {
	list := []authority.ClientID{}
	for i := range keys {
		list = append(list, keys[i].ID)
	}
	return list
}
