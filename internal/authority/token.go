package authority

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// TokenRequest is what an application asks for, as it was sent.
type TokenRequest struct {
	ClientID     string
	ClientSecret string
	// Env is the environment whose own endpoint was asked; "" for the common one.
	Env      string
	Address  netip.Addr // of the caller
	Scope    string     // space separated; "" for all
	Resource string     // "" for what the scopes say
	// Before is what AccessToken shall begin with: an answer that is being
	// written, in memory that is used again. nil for nothing.
	Before []byte
}

// Token is an issued access token and what the log may know of it.
type Token struct {
	AccessToken []byte // compact JWS, behind TokenRequest.Before
	ExpiresIn   int64  // seconds
	Scope       string
	ClientID    ClientID
	Env         string
	SecretID    int64
	ID          string // jti
	// SecretExpires is when the secret that was used ends, where that should be
	// told: it is retired, or ends within 30 days. Zero otherwise.
	SecretExpires time.Time
}

// Reason says why a token was refused. Reasons are for logs and metrics; what
// the caller may hear of them is decided where answers are written.
type Reason string

// The reasons for which a token is refused. Of the first group the text of the
// request tells everything.
const (
	IDPlaceholder        Reason = "id_placeholder"
	IDBlanks             Reason = "id_blanks"
	IDQuotes             Reason = "id_quotes"
	IDIsSecret           Reason = "id_is_secret"
	IDForm               Reason = "id_form"
	IDUnknownEnvironment Reason = "id_unknown_environment"
	IDOtherEnvironment   Reason = "id_other_environment"
	SecretPlaceholder    Reason = "secret_placeholder"
	SecretBlanks         Reason = "secret_blanks"
	SecretQuotes         Reason = "secret_quotes"
	SecretIsID           Reason = "secret_is_id"
	SecretForm           Reason = "secret_form"
	SecretChecksum       Reason = "secret_checksum"
	SecretOtherEnv       Reason = "secret_other_environment"

	// These four must look the same to the caller (C-036).
	UnknownID         Reason = "unknown_id"
	WrongSecret       Reason = "wrong_secret"
	SuspendedMerchant Reason = "merchant_suspended"
	OtherAddress      Reason = "address_not_allowed"

	// These are told to whoever proved the right secret.
	SecretExpired Reason = "secret_expired"
	KeyExpired    Reason = "key_expired"
	KeyDisabled   Reason = "key_disabled"

	// RateLimited is for who limits what is asked between proof and token.
	RateLimited Reason = "rate_limited"

	ScopeForm        Reason = "scope_form"
	ScopeNotHeld     Reason = "scope_not_held"
	ScopeNone        Reason = "scope_none"
	ScopeTwoResource Reason = "scope_two_resources"
	ScopeOther       Reason = "scope_other_resource"
	ResourceUnknown  Reason = "resource_unknown"
)

// Refusal is the error of a refused token request.
type Refusal struct {
	Reason   Reason
	ClientID ClientID // where well-formed; it may be nobody's
	Env      string   // of the client ID, where well-formed
}

// Error implements error.
func (r *Refusal) Error() string { return "token refused: " + string(r.Reason) }

var idProblems = map[error]Reason{
	credential.ErrPlaceholder: IDPlaceholder, credential.ErrBlanks: IDBlanks, credential.ErrQuotes: IDQuotes,
	credential.ErrSwapped: IDIsSecret, credential.ErrForm: IDForm,
}

var secretProblems = map[error]Reason{
	credential.ErrPlaceholder: SecretPlaceholder, credential.ErrBlanks: SecretBlanks, credential.ErrQuotes: SecretQuotes,
	credential.ErrSwapped: SecretIsID, credential.ErrForm: SecretForm, credential.ErrChecksum: SecretChecksum,
}

// IssueToken exchanges client ID and secret for an access token with exactly
// one audience. It reads the directory and does no I/O. Errors: *Refusal, or
// ErrStale when the directory cannot be relied on.
func (a *Authority) IssueToken(r *TokenRequest) (Token, error) {
	p, err := a.Prove(r)
	if err != nil {
		return Token{}, err
	}
	return p.Issue()
}

// Proof is a token request whose secret was proven, of an API key that may have
// tokens. It has to be used at once: what is known of the API key is from when
// it was made.
type Proof struct {
	TokenRequest // by value, so that the caller's stays off the heap
	authority    *Authority
	directory    *directory
	now          time.Time
	provenKey
}

// Prove is the first half of IssueToken, for who limits what is asked: it finds
// out which API key asks. Errors are those of IssueToken that tell of no proof,
// or of one that is not enough.
func (a *Authority) Prove(r *TokenRequest) (Proof, error) {
	p := Proof{TokenRequest: *r, authority: a, now: a.clock()}
	var err error
	if p.directory, err = a.current(p.now); err != nil {
		return Proof{}, err
	}
	var refusal *Refusal
	if p.provenKey, refusal = a.authenticateClient(p.directory, r, p.now); refusal != nil {
		return Proof{}, refusal
	}
	return p, nil
}

// Time is when the request was made.
func (p *Proof) Time() time.Time { return p.now }

// Refuse takes note that the API key gets no token.
func (p *Proof) Refuse(reason Reason) *Refusal {
	p.count(Outcome(reason))
	return &Refusal{Reason: reason, ClientID: ClientID(p.ClientID), Env: p.authority.environments[p.key.env].Name}
}

func (p *Proof) count(o Outcome) { p.authority.usage.count(p.key, &p.secret, o, p.now, p.Address) }

// Issue is the second half of IssueToken: rules about scopes and times, and the
// signature.
func (p *Proof) Issue() (Token, error) {
	a, key, now := p.authority, p.key, p.now
	issuer := (*p.directory.issuers.Load())[key.env]
	audience, scope, reason := a.grant(p.directory, issuer.Environment, (*p.directory.sets.Load())[key.scopes], &p.TokenRequest)
	if reason != "" {
		return Token{}, p.Refuse(reason)
	}
	claims := accesstoken.Claims{
		Issuer: issuer.Environment.Issuer, Audience: audience, Subject: p.ClientID, ClientID: p.ClientID,
		IssuedAt: now.Unix(), Expiry: expiry(now, issuer.Environment.TokenLifetime, key.expiresAt, p.secret.expiresAt),
		ID: newTokenID(), Generation: key.generation, Scope: scope, Env: issuer.Environment.Name,
		MerchantID: a.installation.wireMerchant(MerchantID(p.shard.merchantID(key))),
	}
	if claims.Expiry <= claims.IssuedAt { // the last second has begun
		if key.expiresAt/1000 == claims.Expiry {
			return Token{}, p.Refuse(KeyExpired)
		}
		return Token{}, p.Refuse(SecretExpired)
	}
	token, err := issuer.sign(p.Before, &claims)
	if err != nil {
		return Token{}, fmt.Errorf("signing a token of %s: %w", claims.Env, err)
	}
	p.count(Issued)
	return Token{
		AccessToken: token, ExpiresIn: claims.Expiry - claims.IssuedAt, Scope: scope,
		ClientID: ClientID(p.ClientID), Env: claims.Env, SecretID: int64(p.secret.id), ID: claims.ID,
		SecretExpires: p.secret.toldEnd(now),
	}, nil
}

// provenKey is an API key whose secret was proven.
type provenKey struct {
	shard  *shard
	key    *keyEntry
	secret secretEntry
}

// authenticateClient finds out which API key asks, for every endpoint in the
// same way: r.Env, ClientID, ClientSecret and Address are looked at, nothing else.
func (a *Authority) authenticateClient(d *directory, r *TokenRequest, now time.Time) (provenKey, *Refusal) {
	id, secret, env, refusal := a.readCredentials(r)
	if refusal != nil {
		a.countUnproven(d, id, refusal.Reason, now, r.Address)
		return provenKey{}, refusal
	}
	s, key := d.find(env, id.Random)
	used, reason := a.authenticate(d, s, key, secret, r.Address, now.UnixMilli())
	if reason != "" {
		a.usage.count(key, &used, Outcome(reason), now, r.Address)
		return provenKey{}, &Refusal{Reason: reason, ClientID: ClientID(r.ClientID), Env: id.Env}
	}
	return provenKey{s, key, used}, nil
}

// readCredentials checks what needs no look-up; all of it may be told.
func (a *Authority) readCredentials(r *TokenRequest) (credential.ID, credential.Secret, int, *Refusal) {
	id, err := a.format.ParseID(r.ClientID)
	if err != nil {
		return credential.ID{}, credential.Secret{}, 0, &Refusal{Reason: idProblems[err]}
	}
	refuse := func(reason Reason) (credential.ID, credential.Secret, int, *Refusal) {
		return id, credential.Secret{}, 0, &Refusal{Reason: reason, ClientID: ClientID(r.ClientID), Env: id.Env}
	}
	env := environmentIndex(a.environments, id.Env)
	switch {
	case env < 0:
		refusal := &Refusal{Reason: IDUnknownEnvironment, ClientID: ClientID(r.ClientID)}
		return id, credential.Secret{}, 0, refusal
	case r.Env != "" && r.Env != id.Env:
		return refuse(IDOtherEnvironment)
	}
	secret, secretEnv, err := a.format.ParseSecret(r.ClientSecret)
	if err != nil {
		return refuse(secretProblems[err])
	}
	if secretEnv != id.Env {
		return refuse(SecretOtherEnv)
	}
	return id, secret, env, nil
}

// maxSecrets is how many secrets an API key can have.
const maxSecrets = 5

// noHash is compared with where there is no secret to compare with.
var noHash credential.Hash

// authenticate returns the secret that was proven, and why that is not enough. It
// does the same work whether the API key exists or not and however many
// secrets it has: one HMAC and maxSecrets comparisons (C-036, C-037).
func (a *Authority) authenticate(d *directory, s *shard, key *keyEntry, secret credential.Secret, from netip.Addr, now int64) (secretEntry, Reason) {
	hash := a.root.pepper.Hash(secret)
	var secrets []secretEntry
	var allowed cidrSet
	if key != nil {
		secrets, allowed = s.secretsOf(key), (*d.cidrs.Load())[key.cidrs]
	}
	permitted := allowed.allows(from)
	match := -1
	for i := range max(maxSecrets, len(secrets)) {
		candidate := &noHash
		if i < len(secrets) {
			candidate = &secrets[i].hash
		}
		if hash.Equal(candidate) && i < len(secrets) {
			match = i
		}
	}
	switch {
	case key == nil:
		return secretEntry{}, UnknownID
	case match < 0:
		return secretEntry{}, WrongSecret
	case key.suspended:
		return secrets[match], SuspendedMerchant
	case !permitted:
		return secrets[match], OtherAddress
	case key.disabled:
		return secrets[match], KeyDisabled
	case key.expiresAt != 0 && key.expiresAt <= now:
		return secrets[match], KeyExpired
	case secrets[match].expiresAt != 0 && secrets[match].expiresAt <= now:
		return secrets[match], SecretExpired
	}
	return secrets[match], ""
}

func (s *secretEntry) toldEnd(now time.Time) time.Time {
	if s.expiresAt == 0 || !s.retired && s.expiresAt-now.UnixMilli() > soon.Milliseconds() {
		return time.Time{}
	}
	return time.UnixMilli(s.expiresAt).UTC()
}

// expiry is when a token ends: after its lifetime, never past the end of its
// API key or secret (C-089).
func expiry(now time.Time, lifetime time.Duration, ends ...int64) int64 {
	exp := now.Unix() + int64(lifetime/time.Second)
	for _, end := range ends {
		if end != 0 {
			exp = min(exp, end/1000)
		}
	}
	return exp
}

// grant finds the one audience and the scopes for it: what resource names,
// else what the requested scopes are for, else the environment's own API.
func (a *Authority) grant(d *directory, env *Environment, held *scopeSet, r *TokenRequest) (audience, scope string, reason Reason) {
	resource, named := "", r.Resource != ""
	if env.Name == Platform {
		resource = adminResource
	}
	if named {
		var ok bool
		if resource, ok = a.resource(d, env, r.Resource); !ok {
			return "", "", ResourceUnknown
		}
	}
	if r.Scope == "" {
		scope = held.all(resource)
	} else {
		resource, scope, reason = held.choose(r.Scope, resource, named)
	}
	if reason == "" && scope == "" {
		reason = ScopeNone
	}
	if reason != "" {
		return "", "", reason
	}
	switch resource {
	case "":
		audience = env.Audience
	case adminResource:
		audience = a.baseURL + adminResource
	default:
		audience = resource
	}
	return audience, scope, ""
}

// resource reads the parameter resource (RFC 8707 2).
func (a *Authority) resource(d *directory, env *Environment, uri string) (string, bool) {
	switch {
	case uri == env.Audience && env.Name != Platform:
		return "", true
	case uri == a.baseURL+adminResource:
		return adminResource, true
	}
	return uri, d.catalog.Load().resources[uri]
}

// choose picks the requested names out of the set. All must be held, and be
// for one resource server: the named one, if one is named.
func (s *scopeSet) choose(text, resource string, named bool) (string, string, Reason) {
	requested, err := ParseScopes(text)
	if err != nil {
		return "", "", ScopeForm
	}
	chosen := make([]bool, len(s.names))
	for i, name := range requested {
		at, ok := slices.BinarySearch(s.names, name)
		switch {
		case !ok:
			return "", "", ScopeNotHeld
		case named && s.resource[at] != resource:
			return "", "", ScopeOther
		case i > 0 && !named && s.resource[at] != resource:
			return "", "", ScopeTwoResource
		}
		resource, chosen[at] = s.resource[at], true
	}
	var b strings.Builder
	for i, name := range s.names {
		if !chosen[i] {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name)
	}
	return resource, b.String(), ""
}

// newTokenID returns 128 random bits (C-085).
func newTokenID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails (crypto/rand)
	var text [22]byte
	return string(jose.AppendBase64(text[:0], raw[:]))
}

// sign appends an access token with the given claims.
func (is *Issuer) sign(dst []byte, claims *accesstoken.Claims) ([]byte, error) {
	var payload [1024]byte // of the usual token; a longer one moves to the heap
	return is.signer.AppendCompact(dst, is.header, claims.AppendJSON(payload[:0]))
}
