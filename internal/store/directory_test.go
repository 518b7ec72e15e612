package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func testDirectoryErrors(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addKey(t, s, apiKey(1, "demo", "acme"))
	addKey(t, s, apiKey(2, "demo", "acme"))
	mine := errors.New("mine")
	calls := 0
	key := func(*authority.DirectoryKey) error {
		calls++
		return mine
	}
	err := s.Directory(t.Context(), func(*authority.DirectorySnapshot) error { return mine }, key)
	if !errors.Is(err, mine) || calls != 0 {
		t.Errorf("begin failed: %v, %d API keys read", err, calls)
	}
	err = s.Directory(t.Context(), func(*authority.DirectorySnapshot) error { return nil }, key)
	if !errors.Is(err, mine) || calls != 1 {
		t.Errorf("key failed: %v, %d API keys read", err, calls)
	}
}

func testChanges(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	addMerchant(t, s, "other")
	addScope(t, s, "a:read")
	head := read(t, s).Head
	changes := func() *authority.DirectoryChanges {
		t.Helper()
		c, err := s.Changes(t.Context(), head, 100)
		must(t, err)
		if c.More {
			t.Error("there is more than there can be")
		}
		head = c.Head
		return c
	}
	wantEqual(t, "changes after nothing", changes(), &authority.DirectoryChanges{Head: head})

	k := addKey(t, s, apiKey(1, "demo", "acme", "a:read"))
	addKey(t, s, apiKey(2, "demo", "other"))
	addKey(t, s, apiKey(3, "demo", "acme"))
	c := changes()
	wantEqual(t, "a created API key", c.Keys[0], authority.DirectoryKey{
		ClientID: k.ID, Env: "demo", MerchantID: "acme", Scopes: "a:read", Generation: at.Unix(), ExpiresAt: at.Add(time.Hour),
		Secrets: []authority.DirectorySecret{
			{ID: 1, RootKeyID: 1, Hash: k.Secrets[0].Hash, CreatedAt: at, ExpiresAt: at.Add(time.Minute)},
			{ID: 2, RootKeyID: 1, Hash: k.Secrets[1].Hash, CreatedAt: at},
		},
	})
	if len(c.Keys) != 3 || c.Deleted != nil || c.Scopes != nil || c.SigningKeys != nil {
		t.Errorf("changes %+v", c)
	}

	disable(t, s, k.ID)
	if c = changes(); len(c.Keys) != 1 || !c.Keys[0].Disabled {
		t.Errorf("after it was disabled: %+v", c)
	}
	for i, kind := range []authority.EventKind{authority.SecretLeaked, authority.TokenLeaked} { // C-371, C-375
		leaked := get(t)(s.APIKey(t.Context(), k.ID))
		leaked.Generation, leaked.Version = at.Unix()+1+int64(i), leaked.Version+1
		must(t, s.UpdateAPIKey(t.Context(), leaked, limits, draft(kind, string(k.ID))))
		if c = changes(); len(c.Keys) != 1 || c.Keys[0].Generation != leaked.Generation {
			t.Errorf("after %s: %+v", kind, c)
		}
	}
	m.Status, m.Version = authority.Suspended, 2
	must(t, s.UpdateMerchant(t.Context(), m, at.Unix()+5, draft(authority.MerchantSuspended, "acme")))
	c = changes()
	if len(c.Keys) != 2 || !c.Keys[0].MerchantSuspended || !c.Keys[1].MerchantSuspended || c.Keys[1].Generation != at.Unix()+5 {
		t.Errorf("after its merchant was suspended: %+v", c)
	}
	deleteKey(t, s, k.ID)
	wantEqual(t, "after it was deleted", changes().Deleted, []authority.ClientID{k.ID})

	addScope(t, s, "b:read")
	must(t, s.DeleteScope(t.Context(), "a:read", draft(authority.ScopeDeleted, "a:read")))
	if c = changes(); names(c.Scopes) != "b:read" || c.Keys != nil || c.SigningKeys != nil {
		t.Errorf("after scopes have changed: %+v", c)
	}
	must(t, s.DeleteScope(t.Context(), "b:read", draft(authority.ScopeDeleted, "b:read")))
	if c = changes(); c.Scopes == nil || len(c.Scopes) != 0 {
		t.Errorf("an empty catalogue is told as %#v", c.Scopes)
	}
}

func testDiverged(t *testing.T, s authority.Store) {
	initialize(t, s)
	head := read(t, s).Head
	for _, after := range []authority.EventHead{
		{}, {Seq: 1}, {Seq: 1, Hash: append([]byte{}, head.Hash[:31]...)}, {Seq: 2, Hash: head.Hash}, {Seq: 900, Hash: head.Hash},
	} {
		_, err := s.Changes(t.Context(), after, 10)
		wantError(t, err, authority.ErrDiverged)
	}
	addMerchant(t, s, "acme")
	_, err := s.Changes(t.Context(), head, 10)
	wantError(t, err, nil)
	_, err = s.(*Store).write.ExecContext(t.Context(), `UPDATE events SET hash = $1 WHERE seq = 1`, []byte("another"))
	must(t, err)
	_, err = s.Changes(t.Context(), head, 10)
	wantError(t, err, authority.ErrDiverged)
	_, err = s.(*Store).write.ExecContext(t.Context(), `UPDATE events SET hash = $1 WHERE seq = 1`, head.Hash)
	must(t, err)
}

// Whoever applies what Changes tells has what Directory tells: after random
// operations, in batches of any size.
func testChangesAgree(t *testing.T, s authority.Store) {
	initialize(t, s)
	for seed := range uint64(2) {
		c := &chaos{T: t, store: s, rand: rand.New(rand.NewPCG(seed, 0)), next: int(seed) * 1000}
		followers := []directory{readDirectory(t, s), readDirectory(t, s), readDirectory(t, s)}
		for range 100 {
			c.step()
			if c.rand.IntN(4) == 0 {
				followers[0].follow(t, s, 1+c.rand.IntN(5))
				wantEqual(t, "a directory that was kept current", followers[0], readDirectory(t, s))
			}
		}
		whole := readDirectory(t, s)
		for i, limit := range []int{2, 1, 1000} {
			followers[i].follow(t, s, limit)
			wantEqual(t, fmt.Sprintf("a directory that followed %d events at a time", limit), followers[i], whole)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// chaos changes a store at random. What the store refuses, it must refuse with
// an error it has promised.
type chaos struct {
	*testing.T
	store authority.Store
	rand  *rand.Rand
	next  int
}

func (c *chaos) step() {
	c.Helper()
	ctx := c.Context()
	id := authority.MerchantID(fmt.Sprint("m", c.rand.IntN(6)))
	name := fmt.Sprintf("s%d:read", c.rand.IntN(4))
	var err error
	switch op := c.rand.IntN(10); op {
	case 0:
		err = c.store.CreateMerchant(ctx, merchant(id), draft(authority.MerchantCreated, string(id)))
	case 1, 2:
		var m *authority.Merchant
		if m, err = c.store.Merchant(ctx, id); err != nil {
			break
		}
		m.Version++
		switch {
		case op == 1 && c.rand.IntN(4) == 0:
			err = c.store.DeleteMerchant(ctx, m, draft(authority.MerchantDeleted, string(id)))
		case m.Status == authority.Active:
			m.Status = authority.Suspended
			err = c.store.UpdateMerchant(ctx, m, at.Unix()+int64(c.rand.IntN(100)), draft(authority.MerchantSuspended, string(id)))
		default:
			m.Status = authority.Active
			err = c.store.UpdateMerchant(ctx, m, 0, draft(authority.MerchantResumed, string(id)))
		}
	case 3:
		err = c.store.CreateScope(ctx, scope(name), draft(authority.ScopeCreated, name))
	case 4:
		err = c.store.DeleteScope(ctx, name, draft(authority.ScopeDeleted, name))
	case 5, 6, 7:
		c.next++
		k := apiKey(c.next, "demo", id, name)
		k.Secrets = k.Secrets[:c.rand.IntN(3)]
		err = c.store.CreateAPIKey(ctx, k, limits, draft(authority.APIKeyCreated, string(k.ID)))
	default:
		err = c.changeKey(name)
	}
	c.check(err)
}

func (c *chaos) changeKey(name string) error {
	list, err := c.store.APIKeys(c.Context(), authority.APIKeyFilter{}, "", 1000)
	if err != nil || len(list) == 0 {
		return err
	}
	k := &list[c.rand.IntN(len(list))]
	k.Version += int64(c.rand.IntN(5) / 4 * 5) // now and then a wrong one
	k.Version++
	switch c.rand.IntN(4) {
	case 0:
		return c.store.DeleteAPIKey(c.Context(), k, draft(authority.APIKeyDeleted, string(k.ID)))
	case 1:
		k.Scopes = []string{name}
	case 2:
		k.Status, k.Generation = authority.Disabled, k.Generation+1
	case 3:
		k.Status, k.ExpiresAt = authority.Active, at.Add(time.Duration(c.rand.IntN(100))*time.Millisecond)
	}
	return c.store.UpdateAPIKey(c.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID)))
}

func (c *chaos) check(err error) {
	c.Helper()
	var invalid *authority.InvalidError
	if err == nil || errors.As(err, &invalid) {
		return
	}
	for _, promised := range []error{
		authority.ErrNotFound, authority.ErrExists, authority.ErrConflict, authority.ErrActiveKeyLimit,
		authority.ErrKeyLimit, authority.ErrScopeInUse, authority.ErrMerchantInUse,
	} {
		if errors.Is(err, promised) {
			return
		}
	}
	c.Errorf("refused with %v", err)
}
