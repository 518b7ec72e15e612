package accesstoken

import (
	"fmt"
	"strconv"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// RevocationsType is the JOSE header's typ of a revocation feed.
const RevocationsType = "revocations+jwt"

// Whole is the After of a feed that lists everything.
const Whole = -1

// Revocations is the payload of a revocation feed: what an issuer has revoked,
// as long as a token that it concerns can be alive. A token is dead when its gen
// is below its client's, or its jti or kid is listed. Readers go by (Lineage,
// Seq) and never back. Times are Unix seconds.
type Revocations struct {
	Issuer        string
	IssuedAt      int64 // up to which the answering node was current
	Expiry        int64
	Lineage       int64 // raised by every restore
	Seq           int64
	MinGeneration int64 // every token of a lower gen is dead
	After         int64 // only what is newer than this Seq is listed; or Whole
	Cutoffs       []Cutoff
	Tokens        []RevokedToken
	SigningKeys   []string // kid
}

// Cutoff says that tokens of an API key are dead below a generation.
type Cutoff struct {
	ClientID   string
	Generation int64
}

// RevokedToken is one token that is dead before its exp.
type RevokedToken struct {
	ID     string // jti
	Expiry int64
}

// AppendJSON appends the feed to dst as a JSON object. The strings must need no
// escaping (CheckText).
func (r *Revocations) AppendJSON(dst []byte) []byte {
	number := func(name string, n int64) {
		dst = append(dst, name...)
		dst = strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, `{"iss":"`...)
	dst = append(dst, r.Issuer...)
	number(`","iat":`, r.IssuedAt)
	number(`,"exp":`, r.Expiry)
	number(`,"lineage":`, r.Lineage)
	number(`,"seq":`, r.Seq)
	number(`,"min_gen":`, r.MinGeneration)
	if r.After != Whole {
		number(`,"after":`, r.After)
	}
	dst = append(dst, `,"cutoffs":[`...)
	for i := range r.Cutoffs {
		dst = comma(dst, i)
		dst = append(dst, `{"client_id":"`...)
		dst = append(dst, r.Cutoffs[i].ClientID...)
		number(`","gen":`, r.Cutoffs[i].Generation)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"tokens":[`...)
	for i := range r.Tokens {
		dst = comma(dst, i)
		dst = append(dst, `{"jti":"`...)
		dst = append(dst, r.Tokens[i].ID...)
		number(`","exp":`, r.Tokens[i].Expiry)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"signing_keys":[`...)
	for i := range r.SigningKeys {
		dst = comma(dst, i)
		dst = append(dst, '"')
		dst = append(dst, r.SigningKeys[i]...)
		dst = append(dst, '"')
	}
	return append(dst, `]}`...)
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

// ParseRevocations reads the payload of a feed strictly: every member but after
// must be there, once, with its type. Other members are ignored. Errors wrap
// ErrClaims.
func ParseRevocations(payload string) (*Revocations, error) {
	o, err := strictjson.ParseObject(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, err)
	}
	f := &Revocations{After: Whole}
	r := reader{object: o}
	r.text("iss", &f.Issuer)
	r.number("iat", &f.IssuedAt)
	r.number("exp", &f.Expiry)
	r.number("lineage", &f.Lineage)
	r.number("seq", &f.Seq)
	r.number("min_gen", &f.MinGeneration)
	if _, ok := o.Get("after"); ok {
		r.number("after", &f.After)
	}
	for _, v := range r.list("cutoffs") {
		inner := reader{object: r.item(v)}
		var c Cutoff
		inner.text("client_id", &c.ClientID)
		inner.number("gen", &c.Generation)
		r.keep(inner.err)
		f.Cutoffs = append(f.Cutoffs, c)
	}
	for _, v := range r.list("tokens") {
		inner := reader{object: r.item(v)}
		var t RevokedToken
		inner.text("jti", &t.ID)
		inner.number("exp", &t.Expiry)
		r.keep(inner.err)
		f.Tokens = append(f.Tokens, t)
	}
	for _, v := range r.list("signing_keys") {
		kid, ok := v.Text()
		if !ok || kid == "" {
			r.fail("signing_keys", "a list of non-empty strings")
		}
		f.SigningKeys = append(f.SigningKeys, kid)
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClaims, r.err)
	}
	return f, nil
}

func (r *reader) list(name string) []strictjson.Value {
	v, _ := r.object.Get(name)
	list, ok := v.Array()
	if !ok {
		r.fail(name, "a list")
	}
	return list
}

func (r *reader) item(v strictjson.Value) strictjson.Object {
	o, ok := v.Object()
	if !ok {
		r.fail("an item", "an object")
	}
	return o
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}
