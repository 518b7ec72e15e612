package authority

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// replyLife is for how long an answer is kept.
const replyLife = 10 * time.Minute

// Once makes a change happen once, however often the same actor asks for it
// with the same key: what it is answered with is kept, in the transaction of
// the change, and given again (C-197).
type Once struct {
	// Key is the client's: at least 128 random bits, as text. It is stored
	// nowhere, for it opens the answer.
	Key string
	// Request is a hash of all that was asked for.
	Request [sha256.Size]byte
	// Answer turns the result of the change (*Merchant, *Scope, *APIKey,
	// *NewSecret, or one of package account) into what is to be given again.
	Answer func(result any) ([]byte, error)
}

// Reply is an answer that is kept.
type Reply struct {
	ID      []byte // of actor and key
	Request []byte
	// ClientID and Version are the API key that it is about, as it left it; ""
	// where it is about none. The answer is given while both are true.
	ClientID  ClientID
	Version   int64
	Sealed    []byte
	CreatedAt time.Time
	// Outlives is for writing: an answer from before it is given no more, and
	// makes room. Zero: none does.
	Outlives time.Time
}

// Reply returns what the actor was answered when it asked for the same before,
// in the last ten minutes: ErrNotFound where it did not, ErrReplyOther where it
// asked for something else with this key, or the API key that the answer is
// about has changed since. Another node may have done what was asked for: by
// the time the answer is returned it acts on this one too.
func (a *Authority) Reply(ctx context.Context, actor Actor) ([]byte, error) {
	r, err := a.store.Reply(ctx, a.replyID(actor))
	if err == nil && a.now().Sub(r.CreatedAt) > replyLife {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer that is kept: %w", err)
	}
	if !bytes.Equal(r.Request, actor.Once.Request[:]) {
		return nil, ErrReplyOther
	}
	if r.ClientID != "" {
		k, err := a.store.APIKey(ctx, r.ClientID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("reading what the answer is about: %w", err)
		}
		if err != nil || k.Version != r.Version {
			return nil, ErrReplyOther
		}
	}
	answer, err := unseal(a.replyKey(actor.Once), r.Sealed, string(r.ID))
	if err != nil {
		return nil, fmt.Errorf("opening the answer that is kept: %w", err)
	}
	return answer, a.catchUp(ctx)
}

// Remember keeps the answer to what was no change of the store's, or several; k is
// the API key that it is about, or nil. ErrReplied where the same request was
// answered meanwhile.
func (a *Authority) Remember(ctx context.Context, actor Actor, k *APIKey, result any) error {
	r, err := a.newReply(actor, k, result)
	if err != nil || r == nil {
		return err
	}
	if err := a.store.AddReply(ctx, r); err != nil {
		return fmt.Errorf("keeping the answer: %w", err)
	}
	return nil
}

// SweepReplies removes answers that are given no more.
func (a *Authority) SweepReplies(ctx context.Context) error {
	if err := a.store.DeleteReplies(ctx, a.passed().Add(-replyLife)); err != nil {
		return fmt.Errorf("removing answers that were kept: %w", err)
	}
	return nil
}

// reply has result kept with the event, where the actor asked for that. k is
// the API key that it is about, or nil.
func (a *Authority) reply(actor Actor, d *Draft, k *APIKey, result any) (err error) {
	d.Reply, err = a.newReply(actor, k, result)
	return err
}

func (a *Authority) newReply(actor Actor, k *APIKey, result any) (*Reply, error) {
	if actor.Once == nil {
		return nil, nil
	}
	answer, err := actor.Once.Answer(result)
	if err != nil {
		return nil, err
	}
	now := a.now()
	r := &Reply{ID: a.replyID(actor), Request: actor.Once.Request[:], CreatedAt: now, Outlives: now.Add(-replyLife)}
	if k != nil {
		r.ClientID, r.Version = k.ID, k.Version
	}
	r.Sealed = seal(a.replyKey(actor.Once), answer, string(r.ID))
	return r, nil
}

// replyID finds the answer; the key cannot be found out from it.
func (a *Authority) replyID(actor Actor) []byte {
	mac := hmac.New(sha256.New, a.root.reply)
	mac.Write([]byte(actor.ID + "\x00" + actor.Once.Key))
	return mac.Sum(nil)
}

// replyKey seals the answer: it takes the client's key to open it.
func (a *Authority) replyKey(o *Once) []byte {
	key, err := hkdf.Key(sha256.New, a.root.reply, []byte(o.Key), "tokenwright kept answer", keySize)
	if err != nil {
		panic(err) // only for lengths that HKDF cannot give
	}
	return key
}
