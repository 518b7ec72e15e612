package accesstoken

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// RevocationsType is the JOSE header's typ of a revocation feed.
const RevocationsType = "revocations+jwt"

// MaxRevocationsSize is the length in bytes of the longest feed that is looked
// at: a million revoked tokens, and as much again.
const MaxRevocationsSize = 128 << 20

// Revocations is the payload of a revocation feed: which tokens of an issuer
// are dead before they expire. Times are Unix seconds.
type Revocations struct {
	Issuer   string
	IssuedAt int64 // the time up to which the feed is complete
	Expiry   int64
	// Feeds are ordered by Lineage, then Seq. A restore begins a new lineage.
	Lineage int64
	Seq     int64
	// MinGeneration is the lowest generation that lives, of whatever API key.
	MinGeneration int64
	// Partial says that only what is newer than After is listed.
	Partial bool
	After   int64

	Cutoffs     []Cutoff
	Tokens      []RevokedToken
	SigningKeys []string // kid
}

// Cutoff says that tokens of an API key below a generation are dead.
type Cutoff struct {
	ClientID   string
	Generation int64
}

// RevokedToken is a token that is dead by itself, until when it would have lived.
type RevokedToken struct {
	ID     TokenID
	Expiry int64
}

// TokenID is a jti: 128 bits, written in base64url.
type TokenID [16]byte

const tokenIDLength = 22 // characters

// ParseTokenID reads a jti in its one spelling.
func ParseTokenID(text string) (id TokenID, ok bool) {
	if len(text) != tokenIDLength {
		return id, false
	}
	var raw [tokenIDLength]byte
	// With line breaks, which are skipped, it would be shorter.
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(text))
	return TokenID(raw[:len(id)]), err == nil && n == len(id)
}

// String returns the jti as it stands in a token.
func (id TokenID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// AppendJSON appends the feed to dst as a JSON object. The strings must need no
// escaping (CheckText).
func (f *Revocations) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"iss":"`...)
	dst = append(dst, f.Issuer...)
	dst = appendMember(dst, `","iat":`, f.IssuedAt)
	dst = appendMember(dst, `,"exp":`, f.Expiry)
	dst = appendMember(dst, `,"lineage":`, f.Lineage)
	dst = appendMember(dst, `,"seq":`, f.Seq)
	if f.Partial {
		dst = appendMember(dst, `,"after":`, f.After)
	}
	dst = appendMember(dst, `,"min_gen":`, f.MinGeneration)
	dst = append(dst, `,"cutoffs":[`...)
	for i := range f.Cutoffs {
		dst = appendComma(dst, i)
		dst = append(dst, `{"client_id":"`...)
		dst = append(dst, f.Cutoffs[i].ClientID...)
		dst = append(appendMember(dst, `","gen":`, f.Cutoffs[i].Generation), '}')
	}
	dst = append(dst, `],"tokens":[`...)
	for i := range f.Tokens {
		dst = appendComma(dst, i)
		dst = append(dst, `{"jti":"`...)
		dst = base64.RawURLEncoding.AppendEncode(dst, f.Tokens[i].ID[:])
		dst = append(appendMember(dst, `","exp":`, f.Tokens[i].Expiry), '}')
	}
	dst = append(dst, `],"signing_keys":[`...)
	for i, kid := range f.SigningKeys {
		dst = append(appendComma(dst, i), '"')
		dst = append(append(dst, kid...), '"')
	}
	return append(dst, `]}`...)
}

func appendMember(dst []byte, name string, value int64) []byte {
	return strconv.AppendInt(append(dst, name...), value, 10)
}

func appendComma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// ErrRevocations is wrapped by every error of ParseRevocations. Error texts name
// the member and never quote its value.
var ErrRevocations = errors.New("revocation feed")

// ParseRevocations reads the payload of a feed strictly: every member but after
// must be there, once, with its type. Other members are ignored, so that a
// later release can add some.
func ParseRevocations(payload string) (*Revocations, error) {
	f := new(Revocations)
	o, err := strictjson.ParseItems(payload, f.take)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRevocations, err)
	}
	r := reader{object: o}
	r.text("iss", &f.Issuer)
	r.number("iat", &f.IssuedAt)
	r.number("exp", &f.Expiry)
	r.number("lineage", &f.Lineage)
	r.number("seq", &f.Seq)
	r.number("min_gen", &f.MinGeneration)
	if _, f.Partial = o.Get("after"); f.Partial {
		r.number("after", &f.After)
	}
	for _, name := range []string{"cutoffs", "tokens", "signing_keys"} {
		if v, _ := o.Get(name); v.Kind() != strictjson.Array {
			r.fail(name, "an array")
		}
	}
	if r.err == nil && f.Partial && f.After > f.Seq {
		r.fail("after", "at most seq")
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRevocations, r.err)
	}
	return f, nil
}

// take brings in one item of an array.
func (f *Revocations) take(name string, v strictjson.Value) error {
	o, _ := v.Object()
	r := reader{object: o}
	switch name {
	case "cutoffs":
		var c Cutoff
		r.text("client_id", &c.ClientID)
		r.number("gen", &c.Generation)
		f.Cutoffs = append(f.Cutoffs, c)
	case "tokens":
		var t RevokedToken
		var text string
		r.text("jti", &text)
		r.number("exp", &t.Expiry)
		var ok bool
		if t.ID, ok = ParseTokenID(text); !ok {
			r.fail("jti", "128 bits in base64url")
		}
		f.Tokens = append(f.Tokens, t)
	case "signing_keys":
		kid, ok := v.Text()
		if !ok || kid == "" {
			r.fail("signing_keys", "of non-empty strings")
		}
		f.SigningKeys = append(f.SigningKeys, kid)
	}
	return r.err
}
