package admin

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// Merchants returns every merchant, in the order of their IDs.
func (c *Client) Merchants(ctx context.Context) iter.Seq2[Merchant, error] {
	return list[Merchant](ctx, c, "/merchants", values())
}

// Merchant returns one merchant.
func (c *Client) Merchant(ctx context.Context, id MerchantID) (*Merchant, error) {
	return get[Merchant](ctx, c, merchantPath(id), nil)
}

// CreateMerchant adds a merchant.
func (c *Client) CreateMerchant(ctx context.Context, n NewMerchant) (*Merchant, error) {
	return post[Merchant](ctx, c, "/merchants", n, 0)
}

// UpdateMerchant changes name or key limit.
func (c *Client) UpdateMerchant(ctx context.Context, id MerchantID, u MerchantUpdate) (*Merchant, error) {
	return patch[Merchant](ctx, c, merchantPath(id), u, u.IfVersion)
}

// SuspendMerchant stops every API key of the merchant and kills their tokens.
// ifVersion is as in MerchantUpdate, here and below; 0 is any version.
func (c *Client) SuspendMerchant(ctx context.Context, id MerchantID, ifVersion int64) (*Merchant, error) {
	return post[Merchant](ctx, c, merchantPath(id)+"/suspend", nil, ifVersion)
}

// ResumeMerchant lets the API keys of a suspended merchant work again.
func (c *Client) ResumeMerchant(ctx context.Context, id MerchantID, ifVersion int64) (*Merchant, error) {
	return post[Merchant](ctx, c, merchantPath(id)+"/resume", nil, ifVersion)
}

// DeleteMerchant ends a merchant, which has no API keys any more, for ever.
func (c *Client) DeleteMerchant(ctx context.Context, id MerchantID, ifVersion int64) error {
	return c.remove(ctx, merchantPath(id), nil, ifVersion)
}

func merchantPath(id MerchantID) string { return "/merchants/" + url.PathEscape(id.String()) }

// Scopes returns the scope catalogue, in the order of names.
func (c *Client) Scopes(ctx context.Context) iter.Seq2[Scope, error] {
	return list[Scope](ctx, c, "/scopes", values())
}

// CreateScope adds a scope to the catalogue.
func (c *Client) CreateScope(ctx context.Context, s Scope) (*Scope, error) {
	return post[Scope](ctx, c, "/scopes", s, 0)
}

// DeleteScope removes a scope that no API key holds.
func (c *Client) DeleteScope(ctx context.Context, name string) error {
	return c.remove(ctx, "/scopes/"+url.PathEscape(name), nil, 0)
}

// APIKeys returns the API keys that f selects, without their secrets, in the
// order of client IDs.
func (c *Client) APIKeys(ctx context.Context, f APIKeyFilter) iter.Seq2[APIKey, error] {
	return list[APIKey](ctx, c, "/api-keys", values("merchantId", f.MerchantID.String(), "env", f.Env, "status", f.Status))
}

// APIKey returns one API key, its secrets, and how it is used.
func (c *Client) APIKey(ctx context.Context, clientID string) (*APIKeyDetails, error) {
	k, err := get[APIKeyDetails](ctx, c, keyPath(clientID), nil)
	if err == nil && k.ClientID != clientID { // report is no ID, but another endpoint
		return nil, fmt.Errorf("%q is no client ID", clientID)
	}
	return k, err
}

// CreateAPIKey makes an API key; its secret is in this answer alone.
func (c *Client) CreateAPIKey(ctx context.Context, n NewAPIKey) (*CreatedAPIKey, error) {
	return post[CreatedAPIKey](ctx, c, "/api-keys", n, 0)
}

// UpdateAPIKey changes an API key. An end brought forward kills its tokens.
func (c *Client) UpdateAPIKey(ctx context.Context, clientID string, u APIKeyUpdate) (*APIKey, error) {
	return patch[APIKey](ctx, c, keyPath(clientID), u, u.IfVersion)
}

// RotateAPIKey gives an API key a further secret, which is in this answer alone,
// and retires the others.
func (c *Client) RotateAPIKey(ctx context.Context, clientID string, r Rotation) (*CreatedAPIKey, error) {
	return post[CreatedAPIKey](ctx, c, keyPath(clientID)+"/rotate", r, r.IfVersion)
}

// DisableAPIKey stops an API key and kills its tokens, until EnableAPIKey.
func (c *Client) DisableAPIKey(ctx context.Context, clientID string, ifVersion int64) (*APIKey, error) {
	return post[APIKey](ctx, c, keyPath(clientID)+"/disable", nil, ifVersion)
}

// EnableAPIKey lets a disabled API key work again.
func (c *Client) EnableAPIKey(ctx context.Context, clientID string, ifVersion int64) (*APIKey, error) {
	return post[APIKey](ctx, c, keyPath(clientID)+"/enable", nil, ifVersion)
}

// DeleteAPIKey ends an API key and its tokens for ever.
func (c *Client) DeleteAPIKey(ctx context.Context, clientID string, ifVersion int64) error {
	return c.remove(ctx, keyPath(clientID), nil, ifVersion)
}

// Secrets returns what is known of the secrets of an API key.
func (c *Client) Secrets(ctx context.Context, clientID string) iter.Seq2[Secret, error] {
	return list[Secret](ctx, c, keyPath(clientID)+"/secrets", values())
}

// DeleteSecret ends one secret at once; the last one that works stays.
func (c *Client) DeleteSecret(ctx context.Context, clientID string, secretID int64, revokeTokens bool, ifVersion int64) error {
	query := values()
	if revokeTokens {
		query.Set("revokeTokens", "true")
	}
	return c.remove(ctx, keyPath(clientID)+"/secrets/"+strconv.FormatInt(secretID, 10), query, ifVersion)
}

func keyPath(clientID string) string { return "/api-keys/" + url.PathEscape(clientID) }

// Report returns API keys as an auditor looks at them.
func (c *Client) Report(ctx context.Context, f ReportFilter) iter.Seq2[APIKeyReport, error] {
	query := values("merchantId", f.MerchantID.String(), "env", f.Env, "unusedFor", spanText(f.UnusedFor), "secretAge", spanText(f.SecretAge))
	if f.UnusedOnly {
		query.Set("unusedOnly", "true")
	}
	return list[APIKeyReport](ctx, c, "/api-keys/report", query)
}

// spanText is a span in seconds, as the admin API takes it.
func spanText(d *time.Duration) string {
	if d == nil {
		return ""
	}
	return strconv.FormatInt(int64(*d/time.Second), 10) + "s"
}

// SigningKeys returns the signing keys of an environment, "" for all, the oldest
// first.
func (c *Client) SigningKeys(ctx context.Context, env string) iter.Seq2[SigningKey, error] {
	return list[SigningKey](ctx, c, "/signing-keys", values("env", env))
}

// RotateSigningKey lets another signing key of an environment sign, as soon as
// every verifier can know it.
func (c *Client) RotateSigningKey(ctx context.Context, env string) (*SigningKeyRotation, error) {
	return post[SigningKeyRotation](ctx, c, "/signing-keys/rotate", map[string]string{"env": env}, 0)
}

// RevokeSigningKey ends a signing key that somebody else may have. force lets
// another one sign at once where none is known for long enough.
func (c *Client) RevokeSigningKey(ctx context.Context, keyID string, force bool) (*RevokedSigningKey, error) {
	return post[RevokedSigningKey](ctx, c, "/signing-keys/"+url.PathEscape(keyID)+"/revoke", map[string]bool{"force": force}, 0)
}

// Events returns the events that f selects, in their order.
func (c *Client) Events(ctx context.Context, f EventFilter) iter.Seq2[Event, error] {
	query := values("merchantId", f.MerchantID.String(), "env", f.Env, "kind", f.Kind, "subject", f.Subject, "actor", f.Actor,
		"since", timeText(f.Since), "until", timeText(f.Until))
	if f.After != 0 {
		query.Set("after", strconv.FormatInt(f.After, 10))
	}
	if f.NewestFirst {
		query.Set("order", "desc")
	}
	return list[Event](ctx, c, "/events", query)
}

// Usage returns use over time.
func (c *Client) Usage(ctx context.Context, f UsageFilter) (*UsageSeries, error) {
	return get[UsageSeries](ctx, c, "/usage", values("clientId", f.ClientID, "merchantId", f.MerchantID.String(), "env", f.Env,
		"from", timeText(f.From), "to", timeText(f.To), "interval", f.Interval))
}

// Webhooks returns the webhooks of the server's configuration, in the order of names.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return list[Webhook](ctx, c, "/webhooks", values())
}

// WebhookDeliveries returns the deliveries of a webhook, the newest event first;
// status is pending, delivered, failed, or "" for any.
func (c *Client) WebhookDeliveries(ctx context.Context, name, status string) iter.Seq2[WebhookDelivery, error] {
	return list[WebhookDelivery](ctx, c, "/webhooks/"+url.PathEscape(name)+"/deliveries", values("status", status))
}
