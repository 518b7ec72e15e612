package adminapi

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// wire turns what the domain knows into what is shown.
type wire struct {
	ids  authority.MerchantIDKind
	now  func() time.Time
	base string // origin of the installation
}

func (w wire) merchantID(id authority.MerchantID) admin.MerchantID {
	switch {
	case id == "":
		return admin.MerchantID{}
	case w.ids == authority.MerchantNumbers:
		return admin.NumberID(string(id))
	}
	return admin.TextID(string(id))
}

func (w wire) merchant(m *authority.Merchant) admin.Merchant {
	return admin.Merchant{
		ID: w.merchantID(m.ID), Name: m.Name, Status: string(m.Status), KeyLimit: m.KeyLimit,
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, Version: m.Version,
	}
}

func (w wire) scope(s *authority.Scope) admin.Scope {
	return admin.Scope{Name: s.Name, Description: s.Description, Resource: s.Resource, CreatedAt: s.CreatedAt}
}

func (w wire) apiKey(k *authority.APIKey) admin.APIKey {
	out := admin.APIKey{
		ID: string(k.ID), ClientID: string(k.ID), Name: k.Name, Description: k.Description, MerchantID: w.merchantID(k.MerchantID),
		Env: k.Env, Scopes: k.Scopes, Status: string(k.Status), CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, UpdatedAt: k.UpdatedAt,
		ExpiresAt: optional(k.ExpiresAt), Version: k.Version,
	}
	if out.Scopes == nil {
		out.Scopes = []string{}
	}
	out.AllowedCIDRs = []string{}
	for _, p := range k.AllowedCIDRs {
		out.AllowedCIDRs = append(out.AllowedCIDRs, p.String())
	}
	if len(k.Secrets) > 0 {
		out.Secrets = wireAll(k.Secrets, w.secret)
	}
	return out
}

func (w wire) secret(s *authority.Secret) admin.Secret {
	return admin.Secret{
		ID: s.ID, Name: s.Name, Hint: s.Hint, CreatedAt: s.CreatedAt, CreatedBy: s.CreatedBy, ExpiresAt: optional(s.ExpiresAt),
		RetiredAt: optional(s.RetiredAt), LeakedAt: optional(s.LeakedAt), LastUsedAt: optional(s.LastUsedAt), LastUsedFrom: s.LastUsedFrom,
		SafeToDelete: s.SafeToDelete(w.now()),
	}
}

// created shows the secret: the only time.
func (w wire) created(n *authority.NewSecret) admin.CreatedAPIKey {
	return admin.CreatedAPIKey{APIKey: w.apiKey(n.Key), ClientSecret: n.Secret.Reveal(), SecretID: n.Key.LastSecretID}
}

func (w wire) signingKey(k *authority.SigningKey) admin.SigningKey {
	return admin.SigningKey{
		KeyID: k.KeyID, Env: k.Env, Algorithm: string(k.Algorithm), Status: string(k.Status), CreatedAt: k.CreatedAt, RipeAt: k.RipeAt,
		ActivatedAt: optional(k.ActivatedAt), RetiredAt: optional(k.RetiredAt), KeptUntil: optional(k.KeptUntil()), RemovedAt: optional(k.RemovedAt),
	}
}

func (w wire) event(e *authority.Event) admin.Event {
	return admin.Event{
		Seq: e.Seq, Time: e.Time, Actor: e.Actor.ID, Address: e.Actor.Address, RequestID: e.Actor.RequestID, Kind: string(e.Kind),
		Subject: e.Subject, MerchantID: w.merchantID(e.MerchantID), Env: e.Env, Details: details(e.Details), Hash: hex.EncodeToString(e.Hash),
	}
}

// details is the recorded JSON, or, where somebody has broken it in the
// database, its text as a string.
func details(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return quoted
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// wireAll turns a whole list; one without items is [], not null.
func wireAll[T, U any](list []T, turn func(*T) U) []U {
	out := make([]U, len(list))
	for i := range list {
		out[i] = turn(&list[i])
	}
	return out
}
