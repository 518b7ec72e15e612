package tokenwrighttest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// The rest are claims for tokens that no issuer would make.

// Set gives a claim any value, as encoding/json writes it.
func Set(claim string, value any) Claim {
	return func(d *draft) { d.change(&d.payload, claim, value) }
}

// Without leaves a claim out.
func Without(claim string) Claim {
	return func(d *draft) { d.leaveOut(&d.payload, claim) }
}

// SetHeader gives a member of the JOSE header any value, as encoding/json
// writes it. The signature stays that of the signing key.
func SetHeader(member string, value any) Claim {
	return func(d *draft) { d.change(&d.header, member, value) }
}

// WithoutHeader leaves a member of the JOSE header out.
func WithoutHeader(member string) Claim {
	return func(d *draft) { d.leaveOut(&d.header, member) }
}

// StartsIn adds nbf: the token is not good before, from now on, in whole
// seconds. Verifiers allow for clocks that differ by 60 s.
func StartsIn(span time.Duration) Claim {
	return func(d *draft) { Set("nbf", d.IssuedAt+int64(span/time.Second))(d) }
}

// ForeignKey signs with a key that was never published, under the kid of the
// signing key.
func ForeignKey() Claim {
	return func(d *draft) {
		SetHeader("kid", d.signer.KeyID())(d)
		d.signer = d.foreign()
	}
}

// Unsigned makes a token whose alg is none, without a signature (RFC 7519 6).
func Unsigned() Claim {
	return func(d *draft) {
		SetHeader("alg", "none")(d)
		d.unsigned = true
	}
}

func (d *draft) change(in *map[string]*json.RawMessage, name string, value any) {
	raw, err := json.Marshal(value)
	d.fail(err)
	if *in == nil {
		*in = map[string]*json.RawMessage{}
	}
	(*in)[name] = (*json.RawMessage)(&raw)
}

func (d *draft) leaveOut(in *map[string]*json.RawMessage, name string) {
	d.change(in, name, nil)
	(*in)[name] = nil
}

// Sign returns a compact JWS (RFC 7515 7.1) of exactly this header and payload,
// signed by the signing key: for what Token cannot write, such as a claim that
// stands twice, or a revocation feed that lies.
func (iss *Issuer) Sign(header, payload string) string {
	iss.t.Helper()
	token, err := iss.active().AppendCompact(nil, string(jose.AppendBase64(nil, []byte(header))), []byte(payload))
	if err != nil {
		iss.t.Fatalf("tokenwrighttest: signing: %v", err)
	}
	return string(token)
}

// BadTokens returns tokens that every API must answer with 401, each by what is
// wrong with it. They are otherwise good, with the claims given.
func (iss *Issuer) BadTokens(claims ...Claim) map[string]string {
	iss.t.Helper()
	with := func(more ...Claim) string {
		iss.t.Helper()
		return iss.Token(append(append([]Claim{}, claims...), more...)...)
	}
	good := with()
	other := iss.BaseURL + "/elsewhere"
	return map[string]string{
		"no token at all":         "garbage",
		"cut short":               good[:len(good)-4],
		"expired":                 with(ExpiresIn(-time.Hour)),
		"not yet good":            with(StartsIn(time.Hour)),
		"without an expiry":       with(Without("exp")),
		"for another audience":    with(Audience(other + "/api")),
		"of another issuer":       with(IssuedBy(other)),
		"of another environment":  with(IssuedBy(other), Audience(other+"/api"), Env("elsewhere"), ForeignKey()),
		"signed by a foreign key": with(ForeignKey()),
		"of an unknown key ID":    with(ForeignKey(), SetHeader("kid", iss.foreign().KeyID())),
		"of another type":         with(SetHeader("typ", "JWT")),
		"unsigned":                with(Unsigned()),
		"of another algorithm":    with(SetHeader("alg", "HS256")),
		"altered":                 altered(good),
	}
}

// altered is a token whose payload is not the one that was signed.
func altered(token string) string {
	parts := strings.Split(token, ".")
	payload, err := jose.DecodeBase64(parts[1])
	if err != nil {
		panic(err) // Token has written it
	}
	parts[1] = string(jose.AppendBase64(nil, append(payload, ' ')))
	return strings.Join(parts, ".")
}
