package console

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/plain"
)

// exportKeys answers with all API keys of the environment as CSV (C-198).
func (c *Console) exportKeys(v *visit) error {
	out := plain.NewCSV(v)
	err := out.Line("client_id", "name", "description", "scopes", "status", "created_at", "created_by", "last_used_at", "last_used_from", "expires_at", "secrets", "allowed_cidrs")
	if err != nil {
		return err
	}
	now := c.Authority.Now()
	name := "api-keys-" + string(v.merchant.ID) + "-" + v.env + ".csv"
	return sendFile(v, name, "text/csv; charset=utf-8", c.allKeys(v), func(u *authority.KeyUse) error { return out.Line(exported(u, now)...) }, out.Close)
}

// allKeys reads all API keys of the environment, page by page.
func (c *Console) allKeys(v *visit) iter.Seq2[*authority.KeyUse, error] {
	q := authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: v.merchant.ID, Env: v.env}, Order: authority.KeysByName}
	return func(yield func(*authority.KeyUse, error) bool) {
		for {
			list, err := c.Authority.KeyUses(v.Request.Context(), v.actor, q, exportBatch)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
			if len(list) < exportBatch {
				return
			}
			q.After = list[len(list)-1].Place()
		}
	}
}

func exported(u *authority.KeyUse, now time.Time) []string {
	networks := make([]string, len(u.AllowedCIDRs))
	for i, p := range u.AllowedCIDRs {
		networks[i] = p.String()
	}
	return []string{
		string(u.ID), u.Name, u.Description, strings.Join(u.Scopes, " "), keyStatus(&u.APIKey, now), instant(u.CreatedAt), u.CreatedBy,
		instant(u.LastUsedAt), u.LastUsedFrom, instant(u.ExpiresAt), fmt.Sprint(u.LiveSecrets(now)), strings.Join(networks, " "),
	}
}

// instant is a time for programs; "" for never.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
