package authority

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// MaxLeakGrace bounds Config.LeakGrace.
const MaxLeakGrace = 24 * time.Hour

// maxPlace is how many characters of where something was found are kept.
const maxPlace = 500

// CatchUp applies every change there is to the directory of this node, for who
// wants to know what another node did a moment ago. Errors: as Store.
func (a *Authority) CatchUp(ctx context.Context) error { return a.catchUp(ctx) }

// ReportLeakedSecret ends the client secret with that text, whoever's it is, and
// kills the tokens of its API key. The secret works on for Config.LeakGrace;
// its tokens die at once. It may be the last one: to have it is all the proof
// there is, and who has found it may use it. url is where it was found, or "".
//
// Nothing happens, and no error tells, where the text is no secret of this
// installation, or one that has ended or was reported before. Errors: ErrStale,
// and those of Store: then it is to be reported again.
func (a *Authority) ReportLeakedSecret(ctx context.Context, actor Actor, text, url string) error {
	secret, _, err := a.format.ParseSecret(text)
	if err != nil {
		return nil
	}
	d, err := a.current(a.clock())
	if err != nil {
		return err
	}
	hash := a.root.pepper.Hash(secret)
	id, ok := a.ownerOf(d, &hash)
	if !ok {
		return nil
	}
	var leaked *Secret
	set := leakDetails(url)
	k, err := a.changeAPIKey(ctx, actor, id, SecretLeaked, set, func(k *APIKey) error {
		if leaked = k.leak(&hash, a.now(), a.leakGrace); leaked == nil {
			return errUnchanged
		}
		set["secretId"], set["expiresAt"] = leaked.ID, leaked.ExpiresAt
		return nil
	}, func(*APIKey) any { return nil })
	if errors.Is(err, ErrNotFound) { // deleted meanwhile
		return a.catchUp(ctx)
	}
	if err == nil && leaked != nil {
		a.logger.Warn("a secret was reported as leaked", "client_id", string(id), "secret_id", leaked.ID, "merchant_id", string(k.MerchantID),
			"env", k.Env, "expires", leaked.ExpiresAt)
	}
	return err
}

// ownerOf finds the API key that has a secret with that hash. Nothing leads from
// a hash to its API key, as no token request needs that: every secret is looked
// at, 25 ms for a million, far from any request (docs/decisions/0024).
func (a *Authority) ownerOf(d *directory, hash *credential.Hash) (ClientID, bool) {
	for n := range d.shards {
		s := d.shards[n].Load()
		if s == nil {
			continue
		}
		for i := range s.secrets {
			if !hash.Equal(&s.secrets[i].hash) {
				continue
			}
			for j := range s.keys {
				if k := &s.keys[j]; uint32(i)-k.secrets < uint32(k.secretCount) { // wraps where it is before them
					return a.clientID(k.env, k.id), true
				}
			}
		}
	}
	return "", false
}

// leak ends the secret with that hash, with the grace, and kills the tokens. It
// returns nil where there is no such secret, or nothing to do. An API key that
// is disabled, or has expired, may work again: its secret ends as well.
func (k *APIKey) leak(hash *credential.Hash, now time.Time, grace time.Duration) *Secret {
	for i := range k.Secrets {
		s := &k.Secrets[i]
		if len(s.Hash) != credential.HashSize || !hash.Equal((*credential.Hash)(s.Hash)) {
			continue
		}
		if !s.live(now) || !s.LeakedAt.IsZero() {
			return nil
		}
		s.LeakedAt = now
		s.retire(now, grace)
		k.raiseGeneration(now)
		return s
	}
	return nil
}

// ReportLeakedToken kills every token of the API key that t, which was verified,
// belongs to: who has t has seen where others are. Once: nothing happens where
// they are dead. url is where it was found, or "". Errors: as Store.
func (a *Authority) ReportLeakedToken(ctx context.Context, actor Actor, t *accesstoken.Claims, url string) error {
	set := leakDetails(url)
	set["jti"] = t.ID
	raised, err := a.revokeGeneration(ctx, actor, TokenLeaked, ClientID(t.ClientID), t.Generation, set)
	if err == nil && raised {
		a.logger.Warn("an access token was reported as leaked", "client_id", t.ClientID, "jti", t.ID, "merchant_id", t.MerchantID.Text, "env", t.Env)
	}
	return err
}

func leakDetails(url string) details {
	set := details{"tokensRevoked": true}
	if url = cleanPlace(url); url != "" {
		set["url"] = url
	}
	return set
}

// Of what a stranger says of a place: credentials of whatever kind, for the
// place often has them in its address. Those of ours may be cut off; other runs
// that are longer than the 40 characters of a Git commit are one too.
var (
	userinfo    = regexp.MustCompile(`://[^/?#@\s]*@`)
	credentials = regexp.MustCompile(`[a-z][a-z0-9]{0,7}s_[a-z][a-z0-9]{0,15}_[0-9A-Za-z]{8,}|eyJ[0-9A-Za-z_.-]{8,}|[0-9A-Za-z]{41,}`)
)

// cleanPlace makes what a stranger wrote fit for the audit log: one line of
// limited length without control characters or credentials.
func cleanPlace(text string) string {
	text = strings.Map(func(r rune) rune {
		if isControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
	text = userinfo.ReplaceAllString(text, "://")
	text = credentials.ReplaceAllString(text, "[credential]")
	if runes := []rune(text); len(runes) > maxPlace {
		text = string(runes[:maxPlace-1]) + "…"
	}
	return strings.TrimSpace(text)
}
