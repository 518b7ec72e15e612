package admin

import (
	"encoding/json"
	"time"
)

// NewMerchant is a merchant to create.
type NewMerchant struct {
	ID       MerchantID `json:"id"`
	Name     string     `json:"name"`
	KeyLimit *int       `json:"keyLimit,omitempty"` // active API keys per environment; nil: 3
}

// MerchantUpdate is what to change of a merchant; nil leaves a member as it is.
type MerchantUpdate struct {
	Name     *string `json:"name,omitempty"`
	KeyLimit *int    `json:"keyLimit,omitempty"`
	// IfVersion, where not 0, must be the version that is changed: else the
	// error has status 412.
	IfVersion int64 `json:"-"`
}

// NewAPIKey is an API key to create.
type NewAPIKey struct {
	// MerchantID and Env are whose it is and where it works. Without a merchant,
	// and with Env "platform", it is an operator key; where the caller's own key
	// belongs to a merchant, both may be left out.
	MerchantID  MerchantID `json:"merchantId,omitzero"`
	Env         string     `json:"env,omitempty"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Scopes      []string   `json:"scopes,omitempty"`
	// AllowedCIDRs is from where tokens may be asked for; none: everywhere.
	AllowedCIDRs []string  `json:"allowedCidrs,omitempty"`
	ExpiresAt    time.Time `json:"expiresAt,omitzero"` // zero: never
}

// APIKeyUpdate is what to change of an API key; nil leaves a member as it is.
type APIKeyUpdate struct {
	Name         *string    `json:"name,omitempty"`
	Description  *string    `json:"description,omitempty"`
	Scopes       *[]string  `json:"scopes,omitempty"`
	AllowedCIDRs *[]string  `json:"allowedCidrs,omitempty"`
	ExpiresAt    *time.Time `json:"-"` // the zero time: never
	// RevokeTokens kills the tokens issued so far; without it scopes and
	// networks act at the next token.
	RevokeTokens bool `json:"revokeTokens,omitempty"`
	// IfVersion is as in MerchantUpdate.
	IfVersion int64 `json:"-"`
}

// MarshalJSON implements json.Marshaler: never is null (RFC 7396), and no scopes
// or networks are an empty array.
func (u APIKeyUpdate) MarshalJSON() ([]byte, error) {
	type plain APIKeyUpdate
	for _, list := range []**[]string{&u.Scopes, &u.AllowedCIDRs} {
		if *list != nil && **list == nil {
			*list = &[]string{}
		}
	}
	if u.ExpiresAt == nil {
		return json.Marshal(plain(u))
	}
	return json.Marshal(struct {
		plain
		ExpiresAt *time.Time `json:"expiresAt"`
	}{plain(u), unlessZero(*u.ExpiresAt)})
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Rotation is how to give an API key another secret.
type Rotation struct {
	Name      string    `json:"name,omitempty"`     // of the new secret
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // of the new secret; zero: never
	// Overlap is how long the older secrets work on, in seconds. nil: a day; 0:
	// they end now.
	Overlap      *int64 `json:"overlap,omitempty"`
	RevokeTokens bool   `json:"revokeTokens,omitempty"`
	IfVersion    int64  `json:"-"` // of the API key, as in MerchantUpdate
}

// APIKeyFilter selects API keys; an empty field selects all.
type APIKeyFilter struct {
	MerchantID MerchantID
	Env        string
	Status     string // active, disabled
}

// ReportFilter selects the API keys of a report.
type ReportFilter struct {
	MerchantID MerchantID
	Env        string
	// UnusedFor and SecretAge are what counts as unused and as old; nil: 90 and
	// 365 days.
	UnusedFor, SecretAge *time.Duration
	UnusedOnly           bool // only those that are flagged as unused
}

// EventFilter selects events; an empty field selects all.
type EventFilter struct {
	MerchantID   MerchantID
	Env          string
	Kind         string
	Subject      string
	Actor        string
	Since, Until time.Time // Since is included, Until is not
	After        int64     // only those behind the event of this number
	NewestFirst  bool
}

// UsageFilter selects what is counted: the use of one API key, or of all of a
// merchant.
type UsageFilter struct {
	ClientID   string
	MerchantID MerchantID // with Env, where there is no ClientID
	Env        string
	From, To   time.Time // zero: the last 24 hours
	Interval   string    // hour (default) or day
}

// UsageSeries is use over time.
type UsageSeries struct {
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	Interval string       `json:"interval"` // hour, day (UTC)
	Items    []UsageCount `json:"items"`
}

// UsageCount is how often API keys were used with one outcome in an interval.
type UsageCount struct {
	Time    time.Time `json:"time"`    // its beginning
	Outcome string    `json:"outcome"` // issued, or why not
	Count   int64     `json:"count"`
}
