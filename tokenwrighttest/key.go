package tokenwrighttest

import (
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// Key is an API key: an OAuth client with a secret. Its secret opens nothing
// but the issuer of one test.
type Key struct {
	// ClientID and ClientSecret may be any printable ASCII without quotation
	// marks and backslash. "" has AddKey make one of the product's form.
	ClientID, ClientSecret string
	// Merchant is the merchant's number. 0 is 4259.
	Merchant int64
	// Scopes are what its tokens may hold. nil is customers:read; a key with an
	// empty list gets no token.
	Scopes []string
	// SecretExpires is told with each token, in the header
	// Tokenwright-Secret-Expires. The zero time is told to nobody. The secret
	// works all the same.
	SecretExpires time.Time
}

const (
	defaultMerchant = 4259
	defaultScope    = "customers:read"
)

// credentials has the form that installations have unless configured otherwise.
var credentials = credential.Format{Prefix: "tw"}

// AddKey makes the token endpoint accept an API key, and returns it with what
// was left open filled in. A key whose ClientID is there takes its place: so a
// secret is exchanged, or a scope withdrawn.
func (iss *Issuer) AddKey(key Key) Key {
	iss.t.Helper()
	if key.ClientID == "" {
		key.ClientID = credentials.NewID(iss.Environment)
	}
	if key.ClientSecret == "" {
		key.ClientSecret = credentials.NewSecret(iss.Environment).Reveal()
	}
	if key.Merchant == 0 {
		key.Merchant = defaultMerchant
	}
	if key.Scopes == nil {
		key.Scopes = []string{defaultScope}
	}
	iss.checkText("the client ID", key.ClientID)
	iss.checkText("the scopes", strings.Join(key.Scopes, " "))
	iss.change(func() { iss.keys[key.ClientID] = key })
	return key
}

// RemoveKey ends an API key: the token endpoint knows it no more, and its
// tokens are dead, as RevokeClient has it.
func (iss *Issuer) RemoveKey(clientID string) {
	iss.change(func() {
		delete(iss.keys, clientID)
		iss.cutOff(clientID)
	})
}
