package authority

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
)

// EventKind says what an event records.
type EventKind string

// The kinds of events. The subject of an event is named behind each.
const (
	InstallationCreated  EventKind = "installation.created"  // prefix
	InstallationRestored EventKind = "installation.restored" // prefix
	InstallationMoved    EventKind = "installation.moved"    // prefix; the first event in the new database

	MasterKeyRotated    EventKind = "master_key.rotated"    // ID of the root key
	ChainKeyShown       EventKind = "event_chain_key.shown" // the same
	MerchantCreated     EventKind = "merchant.created"      // merchant ID
	MerchantUpdated     EventKind = "merchant.updated"
	MerchantSuspended   EventKind = "merchant.suspended"
	MerchantResumed     EventKind = "merchant.resumed"
	MerchantDeleted     EventKind = "merchant.deleted"
	ScopeCreated        EventKind = "scope.created" // name
	ScopeDeleted        EventKind = "scope.deleted"
	APIKeyCreated       EventKind = "api_key.created" // client ID
	APIKeyUpdated       EventKind = "api_key.updated"
	APIKeyDisabled      EventKind = "api_key.disabled"
	APIKeyEnabled       EventKind = "api_key.enabled"
	APIKeyTokensRevoked EventKind = "api_key.tokens_revoked"
	APIKeyDeleted       EventKind = "api_key.deleted"
	SecretRotated       EventKind = "api_key.rotated"
	SecretDeleted       EventKind = "api_key.secret_deleted"
	APIKeyExpiring      EventKind = "api_key.expiring"
	LimitReached        EventKind = "api_key.limit_reached"
	SecretExpiring      EventKind = "secret.expiring"     // client ID
	RetiredSecretUsed   EventKind = "secret.retired_used" // client ID
	SecretLeaked        EventKind = "secret.leaked"       // client ID
	TokenLeaked         EventKind = "token.leaked"        // client ID

	SigningKeyAnnouncement EventKind = "signing_key.announced" // kid
	SigningKeyWanted       EventKind = "signing_key.wanted"    // somebody asked that it sign as soon as it may
	SigningKeyUpdate       EventKind = "signing_key.updated"   // its times: a server is configured with longer ones
	SigningKeyActivation   EventKind = "signing_key.activated" // and another one retired
	SigningKeyRemoval      EventKind = "signing_key.removed"
	SigningKeyRevocation   EventKind = "signing_key.revoked"

	UserCreated  EventKind = "user.created" // user ID
	UserUpdated  EventKind = "user.updated"
	UserDisabled EventKind = "user.disabled"
	UserEnabled  EventKind = "user.enabled"
	UserDeleted  EventKind = "user.deleted"
	UserInvited  EventKind = "user.invited" // ID of the invitation
	UserReset    EventKind = "user.reset"
	UserSignedIn EventKind = "user.signed_in"
	SessionEnded EventKind = "user.session_ended" // by another session of the user

	UserCredentialsChanged EventKind = "user.credentials_changed"
	InvitationWithdrawn    EventKind = "user.invitation_withdrawn" // ID of the invitation
	PortalLinkCreated      EventKind = "portal_link.created"       // ID of the link
	PortalLinkUsed         EventKind = "portal_link.used"          // ID of the link
)

// EventKinds returns every kind that an event can have, in the order above.
func EventKinds() []EventKind {
	return []EventKind{
		InstallationCreated, InstallationRestored, InstallationMoved, MasterKeyRotated, ChainKeyShown, MerchantCreated, MerchantUpdated, MerchantSuspended, MerchantResumed, MerchantDeleted,
		ScopeCreated, ScopeDeleted, APIKeyCreated, APIKeyUpdated, APIKeyDisabled, APIKeyEnabled, APIKeyTokensRevoked, APIKeyDeleted,
		SecretRotated, SecretDeleted, APIKeyExpiring, LimitReached, SecretExpiring, RetiredSecretUsed, SecretLeaked, TokenLeaked,
		SigningKeyAnnouncement, SigningKeyWanted, SigningKeyUpdate, SigningKeyActivation, SigningKeyRemoval, SigningKeyRevocation,
		UserCreated, UserUpdated, UserDisabled, UserEnabled, UserDeleted, UserInvited, UserReset, UserSignedIn, SessionEnded,
		UserCredentialsChanged, InvitationWithdrawn, PortalLinkCreated, PortalLinkUsed,
	}
}

// Actor is who does something, and from where.
type Actor struct {
	ID        string // "cli:<user>@<host>", "api_key:<client ID>", "system", …
	Address   string // of the request, "" for none
	RequestID string // "" for none

	// Permissions are what it may do; nil is nothing.
	Permissions *Permissions
	// Standing is what it has these by.
	Standing Standing
	// Once, where not nil, keeps what it does from being done again.
	Once *Once
}

// Standing is what an actor has shown, and what must still be so when it changes
// something, however long that took: a Store asks within the change. Zero is for the
// command line, for ourselves, and for who begins a session by the change.
type Standing struct {
	Session     string // ID; it lives, else ErrEnded
	UserVersion int64  // of the user of the session, whose roles are those that it had, else ErrConflict; 0 for none
	Generation  int64  // of its access token, whose API key lives and has no higher one, else ErrEnded; 0 for none
}

// Event is one record of the audit log. Events are never changed: each carries
// an HMAC over the one before it.
type Event struct {
	Seq        int64 // 1, 2, 3, … without a gap
	Time       time.Time
	Actor      Actor
	Kind       EventKind
	Subject    string
	MerchantID MerchantID // "" where none is concerned
	Env        string     // "" where none is concerned
	Details    string     // a JSON object: what was set; never a secret
	RootKeyID  int64      // whose event-chain key made Hash
	Hash       []byte
}

// EventHead is the place and hash of an event, by which a whole history up to
// it can be told from any other.
type EventHead struct {
	Seq  int64
	Hash []byte
}

// Draft is an event that has no place in the chain yet.
type Draft struct {
	Event
	Standing Standing // of the actor; it is of the request, and not recorded
	chain    []byte

	// Reply, where not nil, is kept with the event: ErrReplied where one is
	// kept already under its ID.
	Reply *Reply
}

// Link gives the event its place behind the one with hash previous (empty for
// the first) and completes it. The store calls it inside the transaction.
func (d *Draft) Link(seq int64, previous []byte) *Event {
	d.Seq = seq
	d.Hash = chainHash(d.chain, previous, &d.Event)
	return &d.Event
}

type details map[string]any

func newDraft(root *rootKeys, now time.Time, actor Actor, kind EventKind, subject string, set details) *Draft {
	text := "{}"
	if len(set) > 0 {
		raw, err := json.Marshal(set)
		if err != nil {
			panic(err) // details are texts, numbers, and times that were checked
		}
		text = string(raw)
	}
	return &Draft{Standing: actor.Standing, chain: root.chain, Event: Event{
		Time: now, Kind: kind, Subject: exportable(subject), Details: text, RootKeyID: root.id,
		// What it may do is of the request, not of what is recorded.
		Actor: Actor{ID: exportable(actor.ID), Address: exportable(actor.Address), RequestID: exportable(actor.RequestID)},
	}}
}

// exportable is text as JSON can hold it, so that what is hashed is what an export
// has: the name of an account of the system may be in any encoding.
func exportable(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

func (a *Authority) draft(actor Actor, kind EventKind, subject string, set details) *Draft {
	return newDraft(a.root, a.now(), actor, kind, subject, set)
}

// NewDraft drafts the event of a change that another package makes, about a
// merchant or, with "", none; set is what was set, as JSON can write it. Where
// the actor wants its change to happen once, the answer to result is kept.
func (a *Authority) NewDraft(actor Actor, kind EventKind, subject string, about MerchantID, set map[string]any, result any) (*Draft, error) {
	d := a.draft(actor, kind, subject, set).about(about, "")
	return d, a.reply(actor, d, nil, result)
}

// about says which merchant and environment the event concerns.
func (d *Draft) about(id MerchantID, env string) *Draft {
	d.MerchantID, d.Env = id, env
	return d
}

// chainHash is HMAC-SHA-256 under the event-chain key of the hash before it
// and every field, each with its length, so that no two events share a text.
func chainHash(key, previous []byte, e *Event) []byte {
	mac := hmac.New(sha256.New, key)
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		mac.Write(n[:])
	}
	text := func(s string) {
		number(int64(len(s)))
		mac.Write([]byte(s))
	}
	text(string(previous))
	number(e.Seq)
	number(e.Time.UnixMilli())
	for _, s := range []string{e.Actor.ID, e.Actor.Address, e.Actor.RequestID, string(e.Kind),
		e.Subject, string(e.MerchantID), e.Env, e.Details} {
		text(s)
	}
	number(e.RootKeyID)
	return mac.Sum(nil)
}

// EventFilter selects events; an empty field selects all.
type EventFilter struct {
	MerchantID MerchantID
	Env        string
	Kind       EventKind
	Subject    string
	Actor      string    // its ID
	Since      time.Time // this one included
	Until      time.Time // this one not
	// NewestFirst turns their order round.
	NewestFirst bool
}

// within narrows f to what exists for the actor; false where that is nothing.
func (f *EventFilter) within(actor *Actor) bool {
	only, env := actor.bound()
	if only == "" {
		return true
	}
	if f.MerchantID != "" && f.MerchantID != only || env != "" && f.Env != "" && f.Env != env {
		return false
	}
	f.MerchantID, f.Env = only, cmp.Or(env, f.Env)
	return true
}

// exportBatch is how many events of an export are read at a time.
const exportBatch = 500

// Events returns up to limit events that f matches in their order, beginning
// behind after (with 0 at the first).
func (a *Authority) Events(ctx context.Context, actor Actor, f EventFilter, after int64, limit int) ([]Event, error) {
	if err := actor.May(EventsRead); err != nil || !f.within(&actor) {
		return nil, err
	}
	events, err := a.store.FindEvents(ctx, f, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return events, nil
}

// AllEvents returns every event that f matches, in the order of f, page by page:
// for exports, whatever their length. Events that are written meanwhile may be
// among them. An error is the last of it.
func (a *Authority) AllEvents(ctx context.Context, actor Actor, f EventFilter) iter.Seq2[*Event, error] {
	return PagedEvents(func(after int64, limit int) ([]Event, error) { return a.Events(ctx, actor, f, after, limit) })
}

// PagedEvents returns the events of all pages: page returns up to limit that stand
// behind after, 0 for the first ones. An error is the last of it.
func PagedEvents(page func(after int64, limit int) ([]Event, error)) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		var after int64
		for {
			events, err := page(after, exportBatch)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range events {
				if !yield(&events[i], nil) {
					return
				}
			}
			if len(events) < exportBatch {
				return
			}
			after = events[len(events)-1].Seq
		}
	}
}
