// Package accesstoken owns the payload of the access token: what an issuer
// writes and what a verifier reads, in one place, so that the two cannot differ.
//
// It knows the shape of the claims and nothing else: no signatures, no clocks,
// no rule about who may do what.
package accesstoken

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// Type is the JOSE header's typ of an access token (RFC 9068 2.1).
const Type = "at+jwt"

// Claims is the payload of an access token (RFC 9068 2.2). Times are Unix
// seconds.
type Claims struct {
	Issuer     string // of one environment
	Audience   string // exactly one resource server
	Subject    string // the API key: same as ClientID
	ClientID   string
	IssuedAt   int64
	Expiry     int64
	NotBefore  int64  // 0 when absent: our issuers do not write it
	ID         string // jti: 128 random bits
	Generation int64  // of the API key when the token was issued
	Scope      string // space separated
	Env        string
	MerchantID MerchantID // absent for operator keys
}

// MerchantID is a merchant's identifier as it stands on the wire: a JSON
// number, a JSON string, or nothing.
type MerchantID struct {
	Text   string // decimal digits where Number
	Number bool
}

// HasScope tells whether the token carries exactly that scope.
func (c *Claims) HasScope(scope string) bool {
	for held := range strings.SplitSeq(c.Scope, " ") {
		if held == scope {
			return scope != ""
		}
	}
	return false
}

// AppendJSON appends the claims to dst as a JSON object. The strings must need
// no escaping (CheckText): what an installation accepts as issuer, audience,
// scope or identifier never does.
func (c *Claims) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"iss":"`...)
	dst = append(dst, c.Issuer...)
	dst = append(dst, `","aud":"`...)
	dst = append(dst, c.Audience...)
	dst = append(dst, `","sub":"`...)
	dst = append(dst, c.Subject...)
	dst = append(dst, `","client_id":"`...)
	dst = append(dst, c.ClientID...)
	dst = append(dst, `","iat":`...)
	dst = strconv.AppendInt(dst, c.IssuedAt, 10)
	dst = append(dst, `,"exp":`...)
	dst = strconv.AppendInt(dst, c.Expiry, 10)
	dst = append(dst, `,"jti":"`...)
	dst = append(dst, c.ID...)
	dst = append(dst, `","gen":`...)
	dst = strconv.AppendInt(dst, c.Generation, 10)
	dst = append(dst, `,"scope":"`...)
	dst = append(dst, c.Scope...)
	dst = append(dst, `","claims":{"env":"`...)
	dst = append(dst, c.Env...)
	dst = append(dst, '"')
	if c.MerchantID.Text != "" {
		dst = append(dst, `,"merchantId":`...)
		if c.MerchantID.Number {
			dst = append(dst, c.MerchantID.Text...)
		} else {
			dst = append(dst, '"')
			dst = append(dst, c.MerchantID.Text...)
			dst = append(dst, '"')
		}
	}
	return append(dst, `}}`...)
}

// CheckText reports text that AppendJSON could not write as it is: anything
// but printable ASCII without quotation mark and backslash.
func CheckText(s string) error {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return fmt.Errorf("character %q cannot stand in a token", c)
		}
	}
	return nil
}

// ErrClaims is wrapped by every error of Parse. Error texts name the claim and
// never quote its value.
var ErrClaims = errors.New("claims of the access token")

// Parse reads the payload of an access token strictly: every claim of Claims
// but nbf and merchantId must be there, once, with its type (C-081, C-104,
// C-106, C-107, C-108). Other claims are ignored.
func Parse(payload string) (*Claims, error) {
	o, err := strictjson.ParseObject(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	c := new(Claims)
	r := reader{object: o}
	r.text("iss", &c.Issuer)
	r.text("aud", &c.Audience)
	r.text("sub", &c.Subject)
	r.text("client_id", &c.ClientID)
	r.number("iat", &c.IssuedAt)
	r.number("exp", &c.Expiry)
	if _, ok := o.Get("nbf"); ok {
		r.number("nbf", &c.NotBefore)
	}
	r.text("jti", &c.ID)
	r.number("gen", &c.Generation)
	r.text("scope", &c.Scope)
	inner := reader{object: r.nested("claims")}
	if r.err == nil {
		inner.text("env", &c.Env)
		inner.merchant("merchantId", &c.MerchantID)
	}
	if err := errors.Join(r.err, inner.err); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	return c, nil
}

// reader takes typed members out of an object and keeps the first error.
type reader struct {
	object strictjson.Object
	err    error
}

func (r *reader) fail(name, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s is not %s", name, want)
	}
}

func (r *reader) text(name string, to *string) {
	v, _ := r.object.Get(name)
	s, ok := v.Text()
	if !ok || s == "" {
		r.fail(name, "a non-empty string")
	}
	*to = s
}

func (r *reader) number(name string, to *int64) {
	v, _ := r.object.Get(name)
	n, ok := v.Int64()
	if !ok || n < 0 {
		r.fail(name, "a whole number of at least 0")
	}
	*to = n
}

func (r *reader) nested(name string) strictjson.Object {
	v, _ := r.object.Get(name)
	o, ok := v.Object()
	if !ok {
		r.fail(name, "an object")
	}
	return o
}

func (r *reader) merchant(name string, to *MerchantID) {
	v, present := r.object.Get(name)
	if !present {
		return
	}
	if s, ok := v.Text(); ok && s != "" {
		*to = MerchantID{Text: s}
		return
	}
	n, ok := v.Int64()
	if !ok || n < 1 || n > MaxMerchantNumber {
		r.fail(name, "a merchant's number or text")
		return
	}
	*to = MerchantID{Text: strconv.FormatInt(n, 10), Number: true}
}

// MaxMerchantNumber is 2^53-1, the largest integer that every JSON reader
// keeps exactly (RFC 8259 6).
const MaxMerchantNumber = 1<<53 - 1
