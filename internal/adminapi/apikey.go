package adminapi

import (
	"cmp"
	"context"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	day   = 24 * time.Hour
	month = 30 * day

	// defaultOverlap is how long replaced secrets work on where nothing is said.
	defaultOverlap = day
)

// keyFilter reads which API keys a list is of.
func (r *request) keyFilter() authority.APIKeyFilter {
	return authority.APIKeyFilter{MerchantID: r.query.merchantID("merchantId", r.api.authority.Installation()), Env: r.env()}
}

// env reads the environment that a list is of; "" for all. Of one that there is not,
// nothing would look like nothing there.
func (r *request) env() string {
	env := r.query.string("env")
	if env != "" {
		r.query.invalid("env", r.api.authority.CheckEnvironment(env))
	}
	return env
}

// status reads the status that a list is of; "" for all.
func (r *request) status() authority.Status {
	status := authority.Status(r.query.string("status"))
	switch status {
	case "", authority.Active, authority.Disabled:
	default:
		r.query.wrong("status", "is neither active nor disabled")
	}
	return status
}

func (a *API) listAPIKeys(r *request) (any, error) {
	f := r.keyFilter()
	f.Status = r.status()
	return listOf(r, func(after string, limit int) ([]authority.APIKey, error) {
		return a.authority.APIKeys(r.Context(), r.actor, f, authority.ClientID(after), limit)
	}, func(k *authority.APIKey) string { return string(k.ID) }, a.wire.apiKey)
}

func (a *API) createAPIKey(r *request) (any, error) {
	p := r.actor.Permissions
	n := authority.NewAPIKey{
		MerchantID: cmp.Or(r.body.merchantID("merchantId", a.authority.Installation()), p.MerchantID), Env: cmp.Or(r.body.string("env"), p.Env),
		Name: r.body.string("name"), Description: r.body.string("description"), ExpiresAt: r.body.instant("expiresAt"),
	}
	if scopes := r.body.texts("scopes"); scopes != nil {
		n.Scopes = *scopes
	}
	if cidrs := r.body.cidrs("allowedCidrs"); cidrs != nil {
		n.AllowedCIDRs = *cidrs
	}
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	k, secret, err := a.authority.CreateAPIKey(r.Context(), r.actor, n)
	return &authority.NewSecret{Key: k, Secret: secret}, err
}

func (a *API) showAPIKey(r *request) (any, error) {
	id, err := r.clientID()
	if err != nil {
		return nil, err
	}
	k, err := a.authority.APIKey(r.Context(), r.actor, id)
	if err != nil {
		return nil, err
	}
	now := a.authority.Now()
	hours, err := a.authority.Usage(r.Context(), r.actor, id, now.Add(-month).Truncate(time.Hour), now.Add(time.Hour))
	if err != nil {
		return nil, err
	}
	return &admin.APIKeyDetails{
		APIKey: a.wire.apiKey(k), LastUsedAt: optional(k.LastUsedAt), LastUsedFrom: k.LastUsedFrom, Usage: usageOf(hours, now),
	}, nil
}

// usageOf adds up the hours of the last 30 days.
func usageOf(hours []authority.HourUsage, now time.Time) admin.Usage {
	sums := admin.Usage{Last24Hours: map[string]int64{}, Last30Days: map[string]int64{}}
	lately := now.Add(-day).Truncate(time.Hour)
	for i := range hours {
		u := &hours[i]
		sums.Last30Days[string(u.Outcome)] += u.Count
		if !u.Hour.Before(lately) {
			sums.Last24Hours[string(u.Outcome)] += u.Count
		}
	}
	return sums
}

func (a *API) updateAPIKey(r *request) (any, error) {
	u := authority.APIKeyUpdate{
		Name: r.body.text("name"), Description: r.body.text("description"), Scopes: r.body.texts("scopes"), AllowedCIDRs: r.body.cidrs("allowedCidrs"),
		ExpiresAt: r.body.time("expiresAt"), RevokeTokens: r.body.flag("revokeTokens"), IfVersion: r.ifVersion,
	}
	id, err := r.clientID()
	if err != nil {
		return nil, err
	}
	return a.authority.UpdateAPIKey(r.Context(), r.actor, id, u)
}

func (a *API) rotateAPIKey(r *request) (any, error) {
	rotation := authority.Rotation{
		Name: r.body.string("name"), ExpiresAt: r.body.instant("expiresAt"), Overlap: defaultOverlap,
		RevokeTokens: r.body.flag("revokeTokens"), IfVersion: r.ifVersion,
	}
	if seconds := r.body.number("overlap"); seconds != nil {
		const most = int64(365 * day / time.Second) // far more than the domain allows, and no overflow
		rotation.Overlap = time.Duration(min(max(*seconds, -1), most)) * time.Second
	}
	id, err := r.clientID()
	if err != nil {
		return nil, err
	}
	k, secret, err := a.authority.RotateSecret(r.Context(), r.actor, id, rotation)
	return &authority.NewSecret{Key: k, Secret: secret}, err
}

func (a *API) disableAPIKey(r *request) (any, error) { return r.onAPIKey(a.authority.DisableAPIKey) }

func (a *API) enableAPIKey(r *request) (any, error) { return r.onAPIKey(a.authority.EnableAPIKey) }

func (r *request) onAPIKey(do func(context.Context, authority.Actor, authority.ClientID, int64) (*authority.APIKey, error)) (any, error) {
	id, err := r.clientID()
	if err != nil {
		return nil, err
	}
	return do(r.Context(), r.actor, id, r.ifVersion)
}

func (a *API) deleteAPIKey(r *request) (any, error) {
	id, err := r.clientID()
	if err != nil {
		return nil, err
	}
	return nil, a.authority.DeleteAPIKey(r.Context(), r.actor, id, r.ifVersion)
}
