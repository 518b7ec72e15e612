package authority

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Restoration says what is known of what has happened since the state of the
// database that is restored.
type Restoration struct {
	// Events are what is known, in their order; earlier ones are passed over. nil:
	// nothing is.
	Events iter.Seq2[*Event, error]
	// Noted are heads that the events must reach.
	Noted []EventHead
	// ChangesLost says that more has happened, or may have.
	ChangesLost bool
	// InPlace says that a restore of this very database may have been interrupted
	// before: Events may end where its own events begin, and what it has left to do is
	// in no list yet.
	InPlace bool
	// Users does again what an event has changed of users, in a transaction that
	// writes d; ErrNotFound where there is nothing to change.
	Users func(ctx context.Context, d *Draft) error
	// Progress hears of each event that was replayed; nil for nobody.
	Progress func(seq int64)
}

// Restored is what a restore has come to.
type Restored struct {
	From     EventHead // the last event of the state that was restored
	Replayed int       // events that came after it
	Known    Event     // the last event of all that is known
	Lineage  Lineage
	// Unfinished is what an event tells of and does not hold: people have to do it
	// again. In the order of events, each API key and user once, and a user's name.
	Unfinished []Unfinished
}

// Unfinished is something that a replay could not bring back.
type Unfinished struct {
	Kind       EventKind
	Subject    string
	MerchantID MerchantID // "" where none is concerned
	Name       string     // of an API key; "" for others
}

// Lacking is what replays leave for people to do, as the database shows it.
type Lacking struct {
	// Keys are the API keys without the last secret that was made for them, whose ID
	// this is.
	Keys map[ClientID]int64
	// Users are all that there ever were; true for those who have nothing to sign in
	// with, and are not deleted.
	Users map[string]bool
}

// Restore makes a state of the database from some time ago the present one: it
// does again what is known to have happened since, and begins another lineage, in
// which no token that was ever issued is alive. Where more has happened, every
// signing key is revoked as well, for one of them may have been.
//
// Nobody else works on the database meanwhile. Interrupted, it can be called again:
// it goes on where it was. Errors: *ChainError where the events are not those that
// followed.
func (a *Authority) Restore(ctx context.Context, actor Actor, r Restoration) (*Restored, error) {
	head, err := a.VerifyEvents(ctx, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("verifying the events that are there: %w", err)
	}
	out := &Restored{From: head}
	known := head.Seq
	if r.Events != nil {
		if known, err = a.replay(ctx, &r, out); err != nil {
			return nil, err
		}
	}
	if err := a.tellKnown(ctx, out, known); err != nil {
		return nil, err
	}
	if r.ChangesLost {
		if err := a.distrustSigningKeys(ctx, actor); err != nil {
			return nil, err
		}
	}
	_, last, err := a.store.Revocations(ctx, 0, 1)
	if err != nil {
		return nil, fmt.Errorf("reading the revocations: %w", err)
	}
	now := a.now()
	// Ahead of whatever came after the state that was restored, which nobody knows:
	// restores and revocations are rarer than seconds and milliseconds, and no
	// clock that gave out a generation was further ahead than clocks may be.
	out.Lineage = Lineage{
		Number: max(a.installation.Lineage.Number+1, now.Unix()), MinGeneration: now.Add(a.clockSkew).Unix(),
		From: max(last+1, now.UnixMilli()),
	}
	d := a.draft(actor, InstallationRestored, a.installation.Prefix, details{
		"from": out.From.String(), "replayed": out.Replayed, "changesLost": r.ChangesLost, "lineage": out.Lineage.Number,
	})
	if err := a.store.BeginLineage(ctx, &out.Lineage, d); err != nil {
		return nil, fmt.Errorf("beginning another lineage: %w", err)
	}
	return out, nil
}

// tellKnown says up to where the history is known, and whose things are unfinished.
func (a *Authority) tellKnown(ctx context.Context, out *Restored, seq int64) error {
	last, err := a.store.Events(ctx, seq-1, 1)
	if err != nil || len(last) == 0 {
		return fmt.Errorf("reading the last event: %w", cmp.Or(err, ErrNotFound))
	}
	out.Known = last[0]
	for i := range out.Unfinished {
		u := &out.Unfinished[i]
		if k, err := a.store.APIKey(ctx, ClientID(u.Subject)); err == nil {
			u.Name, u.MerchantID = k.Name, k.MerchantID
		}
	}
	return nil
}

// distrustSigningKeys revokes every signing key that could sign, and lets new ones
// sign at once: verifiers ask for the keys again where they see one that they do
// not know, and no other token is alive.
func (a *Authority) distrustSigningKeys(ctx context.Context, actor Actor) error {
	for i := range a.environments {
		env := &a.environments[i]
		ring, err := a.readKeyring(ctx, env.Name)
		if err != nil {
			return err
		}
		// The active one last: then none that is announced takes its place.
		var kids []string
		for j := range ring {
			if ring[j].Status.published() && ring[j].Status != SigningKeyActive {
				kids = append(kids, ring[j].KeyID)
			}
		}
		if active := ring.active(); active != nil {
			kids = append(kids, active.KeyID)
		}
		for _, kid := range kids {
			if err := a.changeKeyring(ctx, actor, env.Name, func(ring keyring) (*step, error) {
				return a.revoke(env, ring, kid, true, a.now())
			}); err != nil {
				return fmt.Errorf("revoking signing key %s: %w", kid, err)
			}
		}
		if err := a.ensureSpare(ctx, actor, env); err != nil {
			return err
		}
	}
	return nil
}

// replay does again what the events behind the last one tell, and returns the number of
// the last one that is known.
func (a *Authority) replay(ctx context.Context, r *Restoration, out *Restored) (known int64, err error) {
	chain := newChainCheck(a.ChainKey(), out.From, r.Noted)
	var lacking *Lacking
	if r.InPlace {
		if lacking, err = a.store.Lacking(ctx); err != nil {
			return 0, fmt.Errorf("reading what was left to do: %w", err)
		}
	}
	var end EventHead
	for e, err := range r.Events {
		if err != nil {
			return 0, fmt.Errorf("reading the events: %w", err)
		}
		end, e.RootKeyID = EventHead{e.Seq, e.Hash}, a.root.id
		if e.Seq == chain.head.Seq && !hmac.Equal(e.Hash, chain.head.Hash) {
			return 0, &ChainError{e.Seq, "is another one in the database: the export is of another installation, or of what followed another restore"}
		}
		if e.Seq <= chain.head.Seq {
			if lacking != nil && e.Seq <= out.From.Seq {
				if err := out.notePassed(e, lacking); err != nil {
					return 0, err
				}
			}
			continue
		}
		if err := chain.pass(e); err != nil {
			return 0, err
		}
		unfinished, err := a.redo(ctx, r, e)
		if err != nil {
			return 0, fmt.Errorf("doing event %d (%s) again: %w", e.Seq, e.Kind, err)
		}
		out.note(e, unfinished)
		out.Replayed++
		if r.Progress != nil {
			r.Progress(e.Seq)
		}
	}
	if end.Seq < chain.head.Seq {
		own, err := a.interruptedBehind(ctx, r, end)
		if err == nil && !own {
			err = &ChainError{end.Seq + 1, fmt.Sprintf("is missing in the export, which must go on to event %d at least, the last one in the database", chain.head.Seq)}
		}
		return end.Seq, err
	}
	return end.Seq, chain.reached()
}

// interruptedBehind tells whether all that the database has behind end is of the same
// restore, which was interrupted: no export has that. Where changes are not accepted as
// lost, nobody may have worked on the database since: an export that old would lack
// what came later.
func (a *Authority) interruptedBehind(ctx context.Context, r *Restoration, end EventHead) (bool, error) {
	if !r.InPlace || end.Seq == 0 || slices.ContainsFunc(r.Noted, func(h EventHead) bool { return h.Seq > end.Seq }) {
		return false, nil
	}
	kinds := []EventKind{InstallationRestored, MasterKeyRotated}
	if r.ChangesLost {
		kinds = append(kinds, SigningKeyRevocation, SigningKeyAnnouncement)
	} else {
		nodes, err := a.store.Nodes(ctx)
		if err != nil || len(nodes) > 0 || a.installation.Copied {
			return false, err
		}
	}
	first := true
	for e, err := range PagedEvents(func(after int64, limit int) ([]Event, error) {
		return a.store.Events(ctx, max(after, end.Seq-1), limit)
	}) {
		switch {
		case err != nil:
			return false, fmt.Errorf("reading what is behind event %d: %w", end.Seq, err)
		case first && (e.Seq != end.Seq || !hmac.Equal(e.Hash, end.Hash)):
			return false, nil
		case !first && !slices.Contains(kinds, e.Kind):
			return false, nil
		}
		first = false
	}
	return true, nil
}

// notePassed is note for an event that the database has already: what it leaves to do
// is what is lacking. What an earlier restore has left, that one has told.
func (r *Restored) notePassed(e *Event, lacking *Lacking) error {
	unfinished := false
	switch e.Kind {
	case InstallationRestored:
		r.Unfinished = nil
	case APIKeyCreated:
		unfinished = lacking.Keys[ClientID(e.Subject)] == 1
	case SecretRotated, SecretDeleted:
		var set recorded
		if err := json.Unmarshal([]byte(e.Details), &set); err != nil {
			return fmt.Errorf("reading the details of event %d: %w", e.Seq, err)
		}
		last := set.SecretID == lacking.Keys[ClientID(e.Subject)]
		if unfinished = last && e.Kind == SecretRotated; last && !unfinished {
			r.drop(e.Subject) // it lacks what somebody has deleted
		}
	case UserCreated:
		_, there := lacking.Users[e.Subject]
		unfinished = !there
	case UserReset, UserCredentialsChanged:
		unfinished = lacking.Users[e.Subject]
	}
	r.note(e, unfinished)
	return nil
}

// note keeps what e leaves to do, unless it is on the list, and drops from it what e
// has ended.
//
// Of another name, which events do not hold, the state does not tell: it is on the list
// of the run that has come by it, beside whatever else its user lacks.
func (r *Restored) note(e *Event, unfinished bool) {
	same := func(u Unfinished) bool {
		return u.Subject == e.Subject && (u.Kind == UserUpdated) == (e.Kind == UserUpdated)
	}
	switch {
	case e.Kind == APIKeyDeleted || e.Kind == UserDeleted:
		r.drop(e.Subject)
	case unfinished && !slices.ContainsFunc(r.Unfinished, same):
		r.Unfinished = append(r.Unfinished, Unfinished{Kind: e.Kind, Subject: e.Subject, MerchantID: e.MerchantID})
	}
}

func (r *Restored) drop(subject string) {
	r.Unfinished = slices.DeleteFunc(r.Unfinished, func(u Unfinished) bool { return u.Subject == subject })
}

// redo does once more what e tells, and writes e. It tells whether that leaves
// something for people to do.
func (a *Authority) redo(ctx context.Context, r *Restoration, e *Event) (unfinished bool, err error) {
	d := &Draft{Event: *e, chain: a.root.chain}
	unfinished, err = a.redoEffect(ctx, r, d)
	if errors.Is(err, ErrNotFound) { // it was about something that the events do not hold
		err = a.store.AddEvent(ctx, d)
	}
	return unfinished, err
}
