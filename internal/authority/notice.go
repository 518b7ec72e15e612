package authority

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// noticeDays are how many days before its end an API key or secret is
// announced, the most urgent first.
var noticeDays = []int{1, 7, 30}

const noticeBatch = 500

// NotifyExpiries announces, by an event and a log record, each API key and
// secret that ends within 30, 7 or 1 days: once each, whichever node comes
// first, and of several that are due only the most urgent. Disabled API keys
// are nobody's concern until they are enabled, and of retired secrets only
// those are that somebody has used since: their end was chosen with their
// successor.
func (a *Authority) NotifyExpiries(ctx context.Context) error {
	now := a.now()
	from := now
	for _, days := range noticeDays {
		until := now.Add(time.Duration(days) * 24 * time.Hour)
		for {
			// What is announced is not returned again.
			list, err := a.store.Expiring(ctx, days, from, until, noticeBatch)
			if err != nil {
				return fmt.Errorf("reading what ends soon: %w", err)
			}
			for i := range list {
				if err := a.notify(ctx, &list[i]); err != nil {
					return err
				}
			}
			if len(list) < noticeBatch {
				break
			}
		}
		from = until
	}
	return nil
}

func (a *Authority) notify(ctx context.Context, e *Expiry) error {
	kind, message, set := APIKeyExpiring, "an API key ends soon", details{"expiresAt": e.ExpiresAt, "days": e.Days}
	if e.SecretID != 0 {
		kind, message, set["secretId"] = SecretExpiring, "a secret ends soon", e.SecretID
	}
	err := a.store.AddExpiryNotice(ctx, e, a.draft(Actor{ID: "system"}, kind, string(e.ClientID), set).about(e.MerchantID, e.Env))
	if errors.Is(err, ErrExists) { // another node was first
		return nil
	}
	if err != nil {
		return fmt.Errorf("announcing the end of API key %s: %w", e.ClientID, err)
	}
	a.logger.Warn(message, "client_id", string(e.ClientID), "secret_id", e.SecretID, "expires", e.ExpiresAt, "days", e.Days)
	return nil
}
