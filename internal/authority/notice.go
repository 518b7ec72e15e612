package authority

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// noticeDays are how many days before its end an API key or secret is
// announced, the most urgent first.
var noticeDays = [...]int{1, 7, 30}

// noticeBatch is how many ends are looked up at a time.
const noticeBatch = 1000

// NotifyExpiries announces, by an event and a log record, each API key and
// secret that ends within 30, 7 or 1 days: once each, whichever node comes
// first, and of several that are due only the most urgent. API keys that are
// disabled, or whose merchant is suspended, concern nobody until they work
// again; and of retired secrets, whose end was chosen with their successor,
// only those do that somebody has used since.
//
// What ends when is read in the directory: it knows of max_secret_age.
func (a *Authority) NotifyExpiries(ctx context.Context) error {
	d := a.directory.Load()
	if d == nil {
		return nil
	}
	now := a.now()
	var due []Expiry
	for i := range d.shards {
		if s := d.shards[i].Load(); s != nil {
			due = a.appendDue(due, s, now)
		}
		if len(due) < noticeBatch && i < len(d.shards)-1 {
			continue
		}
		if err := a.announceEnds(ctx, due); err != nil {
			return err
		}
		due = due[:0]
	}
	return nil
}

// appendDue adds what a notice is due of, whether it was given or not.
func (a *Authority) appendDue(due []Expiry, s *shard, now time.Time) []Expiry {
	for i := range s.keys {
		k := &s.keys[i]
		if k.disabled || k.suspended {
			continue
		}
		add := func(secret uint32, end int64) {
			if days := daysLeft(end, now); days != 0 {
				due = append(due, Expiry{
					ClientID: a.clientID(k.env, k.id), MerchantID: MerchantID(s.merchantID(k)), Env: a.environments[k.env].Name,
					SecretID: int64(secret), ExpiresAt: time.UnixMilli(end).UTC(), Days: days,
				})
			}
		}
		add(0, k.expiresAt)
		for _, secret := range s.secretsOf(k) {
			add(secret.id, secret.expiresAt)
		}
	}
	return due
}

// daysLeft is the least of noticeDays within which end is; 0 for none, and for
// what has ended.
func daysLeft(end int64, now time.Time) int {
	left := end - now.UnixMilli()
	if end == 0 || left <= 0 {
		return 0
	}
	for _, days := range noticeDays {
		if left <= int64(days)*24*hourMillis {
			return days
		}
	}
	return 0
}

// expiryBatch is of how many ends a store is asked at once, each by a statement of its
// own: see usageNews.
const expiryBatch = 100

func (a *Authority) announceEnds(ctx context.Context, due []Expiry) error {
	var list []Expiry
	for some := range slices.Chunk(due, expiryBatch) {
		left, err := a.store.Unannounced(ctx, some)
		if err != nil {
			return fmt.Errorf("reading what was announced: %w", err)
		}
		list = append(list, left...)
	}
	slices.SortFunc(list, func(a, b Expiry) int {
		return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.SecretID, b.SecretID))
	})
	for i := range list {
		if err := a.notify(ctx, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authority) notify(ctx context.Context, e *Expiry) error {
	kind, message, set := APIKeyExpiring, "an API key ends soon", details{"expiresAt": e.ExpiresAt, "days": e.Days}
	if e.SecretID != 0 {
		kind, message, set["secretId"] = SecretExpiring, "a secret ends soon", e.SecretID
	}
	err := a.store.AddExpiryNotice(ctx, e, a.draft(system, kind, string(e.ClientID), set).about(e.MerchantID, e.Env))
	if errors.Is(err, ErrExists) { // another node was first
		return nil
	}
	if err != nil {
		return fmt.Errorf("announcing the end of API key %s: %w", e.ClientID, err)
	}
	a.logger.Warn(message, "client_id", string(e.ClientID), "secret_id", e.SecretID, "expires", e.ExpiresAt, "days", e.Days)
	return nil
}
