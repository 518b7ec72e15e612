package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func TestSQLiteHoldsUnderConcurrency(t *testing.T) {
	testConcurrency(t, func(t *testing.T) [2]authority.Store {
		path := newPath(t)
		return [2]authority.Store{openStore(t, path), openStore(t, path)}
	})
}

// testConcurrency holds a store to its promises while two nodes change it at
// once. open returns two handles of one empty database each time it is called.
func testConcurrency(t *testing.T, open func(t *testing.T) [2]authority.Store) {
	t.Run("OfFiftyCreatesThreeSucceed", func(t *testing.T) { testFiftyCreates(t, open(t)) })
	t.Run("NoInterleavingBreaksAnInvariant", func(t *testing.T) { testInterleaving(t, open(t)) })
	t.Run("OneOfManyInitializes", func(t *testing.T) { testOneInitializes(t, open(t)) })
	t.Run("OneOfManyTakesAStepOfASigningKey", func(t *testing.T) { testOneStep(t, open(t)) })
	t.Run("OfOperatorsWhoGoAtOnceOneStays", func(t *testing.T) { testOperatorsGo(t, open(t)) })
	t.Run("NoSessionBeginsBesideItsEnd", func(t *testing.T) { testSessionsBesideTheirEnd(t, open) })
	t.Run("EachDeliveryIsClaimedByOne", func(t *testing.T) { testDeliveriesAreClaimedOnce(t, open(t)) })
}

// C-191.
func testFiftyCreates(t *testing.T, nodes [2]authority.Store) {
	initialize(t, nodes[0])
	addMerchant(t, nodes[0], "acme")
	start := make(chan struct{})
	errs := make(chan error, 50)
	for n := range cap(errs) {
		go func() {
			<-start
			k := apiKey(n, "demo", "acme")
			errs <- nodes[n%2].CreateAPIKey(t.Context(), k, limits, draft(authority.APIKeyCreated, string(k.ID)))
		}()
	}
	close(start)
	succeeded := 0
	for range cap(errs) {
		err := <-errs
		if err == nil {
			succeeded++
		} else if !errors.Is(err, authority.ErrActiveKeyLimit) {
			t.Error(err)
		}
	}
	if succeeded != 3 || len(read(t, nodes[1]).Keys) != 3 {
		t.Errorf("%d succeeded, %d are there, want 3", succeeded, len(read(t, nodes[1]).Keys))
	}
	holdInvariants(t, nodes[0])
}

// R-33, C-228: while two nodes create, enable, disable and delete, limits hold
// at every moment, and afterwards each API key has its events.
func testInterleaving(t *testing.T, nodes [2]authority.Store) {
	initialize(t, nodes[0])
	for _, id := range []authority.MerchantID{"m0", "m1"} {
		addMerchant(t, nodes[0], id)
	}
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			default:
				holdLimit(t, nodes[1])
			}
		}
	}()
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for i := range 40 {
				if err := changeAtRandom(t.Context(), nodes[worker%2], r, worker*1000+i); err != nil {
					t.Errorf("worker %d: %v", worker, err)
				}
			}
		})
	}
	wait.Wait()
	close(done)
	<-watched
	holdInvariants(t, nodes[0])
}

// changeAtRandom makes one change. Refusals that were promised are no errors.
func changeAtRandom(ctx context.Context, s authority.Store, r *rand.Rand, n int) error {
	m := authority.MerchantID(fmt.Sprint("m", r.IntN(2)))
	list, err := s.APIKeys(ctx, authority.APIKeyFilter{MerchantID: m}, "", 1000)
	if err != nil {
		return err
	}
	if len(list) == 0 || r.IntN(3) == 0 {
		k := apiKey(n, "demo", m)
		err = s.CreateAPIKey(ctx, k, limits, draft(authority.APIKeyCreated, string(k.ID)))
	} else {
		k := &list[r.IntN(len(list))]
		k.Version++
		switch {
		case r.IntN(4) == 0:
			err = s.DeleteAPIKey(ctx, k, draft(authority.APIKeyDeleted, string(k.ID)))
		case k.Status == authority.Active:
			k.Status = authority.Disabled
			err = s.UpdateAPIKey(ctx, k, limits, draft(authority.APIKeyDisabled, string(k.ID)))
		default:
			k.Status = authority.Active
			err = s.UpdateAPIKey(ctx, k, limits, draft(authority.APIKeyEnabled, string(k.ID)))
		}
	}
	for _, promised := range []error{authority.ErrConflict, authority.ErrActiveKeyLimit, authority.ErrKeyLimit} {
		if errors.Is(err, promised) {
			return nil
		}
	}
	return err
}

func testOneInitializes(t *testing.T, nodes [2]authority.Store) {
	errs := make(chan error, 10)
	for n := range cap(errs) {
		go func() {
			inst, root, keys := firstRows()
			root.Sealed = fmt.Append(nil, "root ", n)
			errs <- nodes[n%2].Initialize(t.Context(), inst, root, keys, draft(authority.InstallationCreated, "tw"))
		}()
	}
	succeeded := 0
	for range cap(errs) {
		err := <-errs
		if err == nil {
			succeeded++
		} else if !errors.Is(err, authority.ErrExists) {
			t.Error(err)
		}
	}
	if n := len(read(t, nodes[0]).Events); succeeded != 1 || n != 1 {
		t.Errorf("%d succeeded, %d events", succeeded, n)
	}
}

// holdLimit holds that no merchant has more than three active API keys.
func holdLimit(t *testing.T, s authority.Store) {
	t.Helper()
	list, err := s.APIKeys(t.Context(), authority.APIKeyFilter{}, "", 1000)
	if err != nil {
		t.Error(err)
	}
	active := map[authority.MerchantID]int{}
	for i := range list {
		if list[i].Status == authority.Active {
			active[list[i].MerchantID]++
		}
	}
	for m, n := range active {
		if n > 3 {
			t.Errorf("merchant %s has %d active API keys", m, n)
		}
	}
}

// holdInvariants replays the events: each API key was created once, was last
// what its last event says, and is there unless it was deleted.
func holdInvariants(t *testing.T, s authority.Store) {
	t.Helper()
	checkChain(t, s)
	holdLimit(t, s)
	st := read(t, s)
	last := map[string]authority.EventKind{}
	for _, e := range st.Events {
		if !strings.HasPrefix(string(e.Kind), "api_key.") {
			continue
		}
		if (e.Kind == authority.APIKeyCreated) != (last[e.Subject] == "") || last[e.Subject] == authority.APIKeyDeleted {
			t.Errorf("event %d: %s of %s comes after %q", e.Seq, e.Kind, e.Subject, last[e.Subject])
		}
		last[e.Subject] = e.Kind
	}
	for i := range st.Keys {
		k := &st.Keys[i]
		want := map[authority.Status]string{authority.Active: "api_key.created api_key.enabled", authority.Disabled: "api_key.disabled"}[k.Status]
		if kind := last[string(k.ID)]; kind == "" || !strings.Contains(want, string(kind)) {
			t.Errorf("%s is %s; its last event is %q", k.ID, k.Status, kind)
		}
		delete(last, string(k.ID))
	}
	for id, kind := range last {
		if kind != authority.APIKeyDeleted {
			t.Errorf("%s has the last event %s and is gone", id, kind)
		}
	}
}

// C-207, C-478: what ends the sessions of a user ends one that begins, or is renewed, at
// the same moment, whichever of the two comes first.
func testSessionsBesideTheirEnd(t *testing.T, open func(t *testing.T) [2]authority.Store) {
	proven := account.Proof{Password: "phc"}
	entries := map[string]*account.Entry{
		"renewed":    {Session: sessionOf(1, user(1)), Hash: token(2), Replaces: token(1), MustReplace: true, Proven: proven},
		"half begun": {Session: sessionOf(2, user(1)), Hash: token(2), Proven: proven},
	}
	for name, end := range map[string]func(t *testing.T, s authority.Store, u *account.User) error{
		"reset": func(t *testing.T, s authority.Store, u *account.User) error {
			u.Version++
			return accounts(s).ResetUser(t.Context(), u, link(100, account.Reset, ""), token(100), draft(authority.UserReset, string(u.ID)))
		},
		"disabled": func(t *testing.T, s authority.Store, u *account.User) error {
			u.Status = authority.Disabled
			return updateUser(t, s, u, false)
		},
		"another password": func(t *testing.T, s authority.Store, u *account.User) error {
			return accounts(s).ChangeCredentials(t.Context(), &account.CredentialChange{User: u.ID, Before: account.Credentials{Password: "phc"},
				After: account.Credentials{Password: "other"}, Session: "ses_other", Hash: token(4), Replaces: token(3)}, draft(authority.UserCredentialsChanged, string(u.ID)))
		},
	} {
		for what, e := range entries {
			t.Run(name+" beside one that is "+what, func(t *testing.T) {
				nodes := open(t)
				initialize(t, nodes[0])
				u := addUser(t, nodes[0], user(1))
				must(t, enter(t, nodes[0], &account.Entry{Session: sessionOf(1, u), Hash: token(1), User: u.ID, Credentials: &account.Credentials{Password: "phc"}}))
				other := sessionOf(3, u)
				other.ID = "ses_other"
				must(t, enter(t, nodes[0], &account.Entry{Session: other, Hash: token(3)}))
				ended := make(chan error, 1)
				must(t, nodes[0].(*Store).transact(t.Context(), func(t1 *tx) error {
					if err := t1.enter(e); err != nil {
						return err
					}
					go func() { ended <- end(t, nodes[1], u) }()
					time.Sleep(100 * time.Millisecond) // it has come as far as it does
					return nil
				}))
				must(t, <-ended)
				wantNoSession(t, nodes[0], 2)
				if err := accounts(nodes[0]).Enter(t.Context(), e, nil); err == nil {
					t.Error("it begins behind its end")
				}
			})
		}
	}
}
