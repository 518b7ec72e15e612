// Package admin is the admin API for programs in Go: its wire types, which the
// command line prints too, and a Client for it.
//
//	tokens := tokenwright.Config{
//		URL:              "https://auth.example.com",
//		ClientID:         os.Getenv("TOKENWRIGHT_CLIENT_ID"), // an API key with management scopes
//		ClientSecretFile: "/run/secrets/tokenwright",
//		Resource:         "https://auth.example.com/admin",
//	}
//	client := &admin.Client{URL: tokens.URL, HTTPClient: tokens.Client(ctx)}
//	key, err := client.CreateAPIKey(ctx, admin.NewAPIKey{
//		MerchantID: admin.NumberID("4259"), Env: "demo", Name: "Orders sync", Scopes: []string{"customers:read"},
//	})
//
// The HTTP client attaches access tokens for the audience <URL>/admin: that of
// package tokenwright does, with this Resource, for management scopes come only
// when they are asked for. This package depends on the standard library alone,
// and knows no rules: they are the server's.
package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// MerchantID is a merchant's identifier: a JSON number, or a JSON string in
// installations whose merchants have text for an ID.
type MerchantID struct {
	text   string
	number bool
}

// NumberID returns the ID with the given decimal digits, a JSON number.
func NumberID(digits string) MerchantID { return MerchantID{digits, true} }

// TextID returns the ID with the given text, a JSON string.
func TextID(text string) MerchantID { return MerchantID{text, false} }

// String returns the ID as people write it.
func (id MerchantID) String() string { return id.text }

// IsZero reports the ID of no merchant, as operator keys have it.
func (id MerchantID) IsZero() bool { return id.text == "" }

// MarshalJSON implements json.Marshaler.
func (id MerchantID) MarshalJSON() ([]byte, error) {
	if id.number {
		return json.Marshal(json.Number(id.text))
	}
	return json.Marshal(id.text)
}

// UnmarshalJSON implements json.Unmarshaler.
func (id *MerchantID) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case json.Number:
		*id = NumberID(v.String())
	case string:
		*id = TextID(v)
	default:
		return errors.New("a merchant ID is a number or a string")
	}
	return nil
}

// Merchant is a tenant.
type Merchant struct {
	ID        MerchantID `json:"id"`
	Name      string     `json:"name"`
	Status    string     `json:"status"`   // active, suspended
	KeyLimit  int        `json:"keyLimit"` // active API keys per environment
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Version   int64      `json:"version"`
}

// Scope is a permission of the catalogue.
type Scope struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Resource    string    `json:"resource,omitempty"` // a resource server's URL; none: the environment's API
	CreatedAt   time.Time `json:"createdAt,omitzero"` // the server's to say
}

// APIKey is an OAuth client with its secrets.
type APIKey struct {
	ID          string     `json:"id"` // same as ClientID
	Name        string     `json:"name"`
	Description string     `json:"description"`
	MerchantID  MerchantID `json:"merchantId,omitzero"` // none: an operator key
	Env         string     `json:"env"`
	Scopes      []string   `json:"scopes"`
	// AllowedCIDRs is from where tokens may be asked for; none: everywhere.
	AllowedCIDRs []string   `json:"allowedCidrs"`
	Status       string     `json:"status"` // active, disabled
	CreatedAt    time.Time  `json:"createdAt"`
	CreatedBy    string     `json:"createdBy"`
	UpdatedAt    time.Time  `json:"updatedAt"`
	ExpiresAt    *time.Time `json:"expiresAt"` // null: never
	Version      int64      `json:"version"`
	ClientID     string     `json:"clientId"`
	Secrets      []Secret   `json:"secrets,omitempty"`
}

// Secret is what is known of a client secret after it was shown.
type Secret struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Hint      string     `json:"hint"` // the last four characters
	CreatedAt time.Time  `json:"createdAt"`
	CreatedBy string     `json:"createdBy"`
	ExpiresAt *time.Time `json:"expiresAt"` // null: never
	RetiredAt *time.Time `json:"retiredAt"` // null: no other has taken its place
	LeakedAt  *time.Time `json:"leakedAt"`  // when it was reported as leaked; null: never

	LastUsedAt   *time.Time `json:"lastUsedAt"` // null: never
	LastUsedFrom string     `json:"lastUsedFrom,omitempty"`
	// SafeToDelete: it is retired, and use shows that nobody needs it.
	SafeToDelete bool `json:"safeToDelete"`
}

// APIKeyDetails is an API key with how it is used.
type APIKeyDetails struct {
	APIKey
	LastUsedAt   *time.Time `json:"lastUsedAt"` // with any secret; null: never
	LastUsedFrom string     `json:"lastUsedFrom,omitempty"`
	Usage        Usage      `json:"usage"`
}

// Usage is how often an API key was used, by outcome: issued, or why it was
// refused. The first of the hours counts whole.
type Usage struct {
	Last24Hours map[string]int64 `json:"last24Hours"`
	Last30Days  map[string]int64 `json:"last30Days"`
}

// APIKeyReport is one API key of a report: whose it is, what it may do, how old
// its secrets are, how it is used, and what to look at.
type APIKeyReport struct {
	ClientID        string     `json:"clientId"`
	Name            string     `json:"name"`
	MerchantID      MerchantID `json:"merchantId,omitzero"` // its owner; none: an operator key
	MerchantName    string     `json:"merchantName,omitempty"`
	Env             string     `json:"env"`
	Scopes          []string   `json:"scopes"`
	Status          string     `json:"status"` // active, disabled
	CreatedAt       time.Time  `json:"createdAt"`
	CreatedBy       string     `json:"createdBy"`
	ExpiresAt       *time.Time `json:"expiresAt"`       // null: never
	SecretCreatedAt *time.Time `json:"secretCreatedAt"` // of its newest secret
	SecretExpiresAt *time.Time `json:"secretExpiresAt"` // of the one that lasts longest; null: never
	LastUsedAt      *time.Time `json:"lastUsedAt"`      // null: never
	LastUsedFrom    string     `json:"lastUsedFrom,omitempty"`
	Issued          int64      `json:"issued"`  // tokens, in the last 30 days
	Refused         int64      `json:"refused"` // requests, in the last 30 days
	Secrets         []Secret   `json:"secrets"`
	// Flags: never_used, unused, expired, expires_soon, old_secret.
	Flags []string `json:"flags"`
}

// CreatedAPIKey is a new API key with its secret, which is shown only here.
type CreatedAPIKey struct {
	APIKey
	ClientSecret string `json:"clientSecret"`
	SecretID     int64  `json:"secretId"`
}

// SigningKey is the public side of a key pair that signs tokens.
type SigningKey struct {
	KeyID       string     `json:"kid"`
	Env         string     `json:"env"`
	Algorithm   string     `json:"alg"`
	Status      string     `json:"status"`
	CreatedAt   time.Time  `json:"createdAt"`   // announced
	RipeAt      time.Time  `json:"ripeAt"`      // from when on it may sign
	ActivatedAt *time.Time `json:"activatedAt"` // null: never
	RotatesAt   *time.Time `json:"rotatesAt"`   // of the active one: when the next takes over; null: not planned
	RetiredAt   *time.Time `json:"retiredAt"`   // null: not yet
	KeptUntil   *time.Time `json:"keptUntil"`   // of a retired one: published until then
	RemovedAt   *time.Time `json:"removedAt"`   // or revoked; null: not yet
}

// SigningKeyRotation is what a request to rotate has led to.
type SigningKeyRotation struct {
	Rotated   bool       `json:"rotated"` // Active has just taken over
	Active    SigningKey `json:"active"`
	Next      SigningKey `json:"next"`
	RotatesAt *time.Time `json:"rotatesAt"` // when Next takes over, where it was asked for; null: it was not
}

// RevokedSigningKey is what the revocation of a signing key has led to.
type RevokedSigningKey struct {
	Revoked SigningKey `json:"revoked"`
	Active  SigningKey `json:"active"`  // the one that signs now
	KnownAt time.Time  `json:"knownAt"` // from when on every verifier knows Active
}

// Event is one record of the audit log.
type Event struct {
	Seq        int64           `json:"seq"`
	Time       time.Time       `json:"time"`
	Actor      string          `json:"actor"`
	Address    string          `json:"address,omitempty"`
	RequestID  string          `json:"requestId,omitempty"`
	Kind       string          `json:"kind"`
	Subject    string          `json:"subject"`
	MerchantID MerchantID      `json:"merchantId,omitzero"`
	Env        string          `json:"env,omitempty"`
	Details    json.RawMessage `json:"details"`
	Hash       string          `json:"hash"` // hexadecimal
}

// EventVerification is the outcome of checking the event chain.
type EventVerification struct {
	OK     bool   `json:"ok"`
	Events int64  `json:"events"`           // that were checked and are intact
	Head   string `json:"head"`             // SEQ:HASH of the last of them
	Heads  int    `json:"heads,omitempty"`  // noted ones that are among the events
	Broken int64  `json:"broken,omitempty"` // the first event that is not
	Reason string `json:"reason,omitempty"`
	// Unproven is the event at which an export begins in the middle. Nothing is
	// proven of what it says itself, so it is not counted.
	Unproven int64 `json:"unproven,omitempty"`
	// Differences are what the database has of API keys, the suspension of merchants,
	// or scopes, and its events do not say; one line each.
	Differences []string `json:"differences,omitempty"`
}

// Webhook is a receiver that is told of events.
type Webhook struct {
	Name   string   `json:"name"`
	URL    string   `json:"url"`
	Events []string `json:"events"` // kinds of events, as secret.expiring, or families, as api_key.* or *
	// Merchants and Envs, where any, are the only ones whose events it is told of.
	Merchants []MerchantID `json:"merchants,omitempty"`
	Envs      []string     `json:"envs,omitempty"`
	// Status is working, or failing: the last attempt of some delivery that is
	// still pending failed, or the last one that ended was given up.
	Status          string     `json:"status"`
	Pending         int        `json:"pending"`         // deliveries to be sent, or sent again; counted up to 10000
	Failed          int        `json:"failed"`          // that were given up within 30 days; counted up to 10000
	LastDeliveredAt *time.Time `json:"lastDeliveredAt"` // null: none within 30 days
	LastFailedAt    *time.Time `json:"lastFailedAt"`    // null: none was given up within 30 days
}

// WebhookDelivery is one event for one webhook, and what has become of it.
type WebhookDelivery struct {
	Webhook    string `json:"webhook"`
	Event      int64  `json:"event"`  // its number
	Kind       string `json:"kind"`   // of the event
	Status     string `json:"status"` // pending, delivered, failed
	Attempts   int    `json:"attempts"`
	HTTPStatus int    `json:"httpStatus,omitempty"` // that was last answered
	// Error is why the last attempt failed: status, redirect, gone, timeout,
	// connection, dns, tls, address, event or interrupted.
	Error         string     `json:"error,omitempty"`
	CreatedAt     time.Time  `json:"createdAt"`
	AttemptedAt   *time.Time `json:"attemptedAt"`   // last; null: not yet
	NextAttemptAt *time.Time `json:"nextAttemptAt"` // null: there is none
	EndedAt       *time.Time `json:"endedAt"`       // delivered or given up; null: not yet
}

// WebhookTest is what has become of a message of type webhook.test.
type WebhookTest struct {
	Webhook      string `json:"webhook"`
	Delivered    bool   `json:"delivered"`
	HTTPStatus   int    `json:"httpStatus,omitempty"`
	Error        string `json:"error,omitempty"` // as of WebhookDelivery
	Milliseconds int64  `json:"milliseconds"`    // until the answer, or until it was given up
}
