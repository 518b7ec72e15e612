package adminapi

import (
	"slices"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	defaultUnusedFor = 90 * day
	defaultSecretAge = 365 * day
)

// flagged is an API key with what to look at.
type flagged struct {
	authority.KeyUse
	flags []authority.KeyFlag
}

func (a *API) report(r *request) (any, error) {
	q := authority.KeyQuery{APIKeyFilter: r.keyFilter()}
	unusedFor, secretAge := r.query.span("unusedFor", defaultUnusedFor), r.query.span("secretAge", defaultSecretAge)
	unusedOnly := r.query.flag("unusedOnly")
	now := a.authority.Now()
	q.Since = now.Add(-month)
	return listOf(r, func(after string, limit int) (list []flagged, err error) {
		for len(list) < limit {
			q.After.ID = authority.ClientID(after)
			uses, err := a.authority.KeyUses(r.Context(), r.actor, q, limit)
			if err != nil {
				return nil, err
			}
			for i := range uses {
				flags := uses[i].Flags(now, unusedFor, secretAge)
				if !unusedOnly || slices.Contains(flags, authority.Unused) {
					list = append(list, flagged{uses[i], flags})
				}
			}
			if len(uses) < limit {
				break
			}
			after = string(uses[len(uses)-1].ID)
		}
		return list[:min(limit, len(list))], nil
	}, func(u *flagged) string { return string(u.ID) }, a.wire.report)
}

func (w wire) report(u *flagged) admin.APIKeyReport {
	k := w.apiKey(&u.APIKey)
	return admin.APIKeyReport{
		ClientID: k.ClientID, Name: k.Name, MerchantID: k.MerchantID, MerchantName: u.MerchantName, Env: k.Env, Scopes: k.Scopes, Status: k.Status,
		CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt,
		SecretCreatedAt: optional(u.SecretCreatedAt), SecretExpiresAt: optional(u.SecretExpiresAt),
		LastUsedAt: optional(u.LastUsedAt), LastUsedFrom: u.LastUsedFrom, Issued: u.Issued, Refused: u.Refused,
		Secrets: wireAll(u.Secrets, w.secret), Flags: wireAll(u.flags, func(f *authority.KeyFlag) string { return string(*f) }),
	}
}
