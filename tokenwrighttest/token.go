package tokenwrighttest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Claim changes one thing of a token that Token makes.
type Claim func(*draft)

// draft is a token before it is signed.
type draft struct {
	accesstoken.Claims
	lifetime int64 // seconds
	signer   *jose.Signer
	foreign  func() *jose.Signer // makes what takes its place
	unsigned bool

	// What the product would never write, by member. A nil value is left out.
	payload, header map[string]*json.RawMessage
	err             error
}

// Token returns an access token as the issuer's token endpoint would: of
// ClientID, for merchant 4259 with the scope customers:read, for Audience,
// issued now and good for its lifetime. Claims make it another.
func (iss *Issuer) Token(claims ...Claim) string {
	iss.t.Helper()
	token, err := iss.write(iss.draft(claims))
	if err != nil {
		iss.t.Fatalf("tokenwrighttest: making a token: %v", err)
	}
	return token
}

// Authorize puts a token, as Token makes it, into the request's Authorization
// header (RFC 6750 2.1), and returns the request.
func (iss *Issuer) Authorize(r *http.Request, claims ...Claim) *http.Request {
	iss.t.Helper()
	r.Header.Set("Authorization", "Bearer "+iss.Token(claims...))
	return r
}

// Scopes are the scopes of the token.
func Scopes(names ...string) Claim {
	return func(d *draft) { d.Scope = strings.Join(names, " ") }
}

// Merchant is the merchant of the token, whose ID is a number; 0 is none, as
// in tokens of operator keys.
func Merchant(id int64) Claim {
	return func(d *draft) {
		d.MerchantID = accesstoken.MerchantID{}
		if id != 0 {
			d.MerchantID = accesstoken.MerchantID{Text: strconv.FormatInt(id, 10), Number: true}
		}
	}
}

// MerchantText is the merchant of the token, where installations have IDs that
// are text.
func MerchantText(id string) Claim {
	return func(d *draft) { d.MerchantID = accesstoken.MerchantID{Text: id} }
}

// ClientID is the API key that the token is for: client_id and sub. It need be
// known to nobody.
func ClientID(id string) Claim {
	return func(d *draft) { d.ClientID, d.Subject = id, id }
}

// Audience is aud: the resource server that the token is for.
func Audience(audience string) Claim {
	return func(d *draft) { d.Audience = audience }
}

// IssuedBy is iss. The token is signed by this issuer all the same.
func IssuedBy(issuer string) Claim {
	return func(d *draft) { d.Issuer = issuer }
}

// Env is the environment that the token names.
func Env(name string) Claim {
	return func(d *draft) { d.Env = name }
}

// Generation is gen: the token is dead where that of its API key is higher.
// Without, it is that of the API key.
func Generation(gen int64) Claim {
	return func(d *draft) { d.Generation = gen }
}

// ExpiresIn is when the token ends, from now on, in whole seconds. A token that
// has ended was issued its lifetime before. Verifiers allow for clocks that
// differ by 60 s.
func ExpiresIn(span time.Duration) Claim {
	return func(d *draft) {
		d.Expiry = d.IssuedAt + int64(span/time.Second)
		if span <= 0 {
			d.IssuedAt = d.Expiry - d.lifetime
		}
	}
}

func (iss *Issuer) draft(claims []Claim) *draft {
	d := &draft{lifetime: iss.lifetime, signer: iss.active(), foreign: iss.foreign, Claims: accesstoken.Claims{
		Issuer: iss.URL, Audience: iss.Audience, Subject: iss.ClientID, ClientID: iss.ClientID,
		IssuedAt: iss.now(), ID: newTokenID(), Generation: -1, Scope: defaultScope, Env: iss.Environment,
	}}
	d.Expiry = d.IssuedAt + d.lifetime
	Merchant(defaultMerchant)(d)
	for _, claim := range claims {
		claim(d)
	}
	if d.Generation < 0 {
		iss.mu.Lock()
		d.Generation = iss.generation(d.ClientID)
		iss.mu.Unlock()
	}
	return d
}

func newTokenID() string {
	var id accesstoken.TokenID
	rand.Read(id[:]) // never fails (crypto/rand)
	return id.String()
}

// write signs a draft.
func (iss *Issuer) write(d *draft) (string, error) {
	for _, text := range []string{d.Issuer, d.Audience, d.Subject, d.ClientID, d.ID, d.Scope, d.Env, d.MerchantID.Text} {
		if err := accesstoken.CheckText(text); err != nil {
			return "", err
		}
	}
	header, payload := d.signer.Header(accesstoken.Type), d.AppendJSON(nil)
	if d.payload != nil {
		payload = d.edit(payload, d.payload)
	}
	if d.header != nil {
		plain, err := jose.DecodeBase64(header)
		if err != nil {
			return "", err
		}
		header = string(jose.AppendBase64(nil, d.edit(plain, d.header)))
	}
	if d.err != nil {
		return "", d.err
	}
	token, err := d.signer.AppendCompact(nil, header, payload)
	if d.unsigned {
		token = token[:strings.LastIndexByte(string(token), '.')+1]
	}
	return string(token), err
}

// edit replaces members of a JSON object.
func (d *draft) edit(object []byte, changes map[string]*json.RawMessage) []byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		d.fail(err)
		return nil
	}
	for name, value := range changes {
		delete(members, name)
		if value != nil {
			members[name] = *value
		}
	}
	out, err := json.Marshal(members)
	d.fail(err)
	return out
}

func (d *draft) fail(err error) {
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("writing JSON: %w", err)
	}
}
