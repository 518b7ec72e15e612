package console

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/plain"
)

// exportBatch is how many API keys of an export are read at a time.
const exportBatch = 500

// exportKeys writes all API keys of the environment as CSV (C-198).
func (c *Console) exportKeys(v *visit) error {
	q := authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: v.merchant.ID, Env: v.env}, Order: authority.KeysByName}
	list, err := c.Authority.KeyUses(v.Request.Context(), v.actor, q, exportBatch)
	if err != nil {
		return err
	}
	v.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="api-keys-%s-%s.csv"`, v.merchant.ID, v.env)) // IDs and names of environments are words
	out := plain.NewCSV(v.ResponseWriter)
	_ = out.Line("client_id", "name", "description", "scopes", "status", "created_at", "created_by", "last_used_at", "last_used_from", "expires_at", "secrets", "allowed_cidrs")
	for {
		for i := range list {
			_ = out.Line(exported(&list[i], c.Authority.Now())...)
		}
		if len(list) < exportBatch {
			return out.Close()
		}
		q.After = list[len(list)-1].Place()
		if list, err = c.Authority.KeyUses(v.Request.Context(), v.actor, q, exportBatch); err != nil {
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
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
