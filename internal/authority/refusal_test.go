package authority_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

var tw = credential.Format{Prefix: "tw"}

// C-036, C-039, C-040: each reason that the request's own text shows.
func TestRefusalNamesWhatTheTextShows(t *testing.T) {
	h := New(t)
	k := h.ready()
	id, secret := string(k.ID), k.secret.Reveal()
	production := tw.NewSecret("production").Reveal()
	for _, c := range []struct {
		id, secret string
		want       authority.Reason
	}{
		{"<client-id>", secret, authority.IDPlaceholder},
		{" " + id, secret, authority.IDBlanks},
		{id + "\n", secret, authority.IDBlanks},
		{id + "\x00", secret, authority.IDBlanks},
		{`"` + id + `"`, secret, authority.IDQuotes},
		{secret, id, authority.IDIsSecret},
		{secret, secret, authority.IDIsSecret},
		{"", secret, authority.IDForm},
		{id[:len(id)-1], secret, authority.IDForm},
		{id + "0", secret, authority.IDForm},
		{id + id, secret, authority.IDForm},
		{strings.ToUpper(id), secret, authority.IDForm},
		{strings.Replace(id, "twc", "xyc", 1), secret, authority.IDForm},
		{tw.NewID("staging"), secret, authority.IDUnknownEnvironment},
		{id, "<client-secret>", authority.SecretPlaceholder},
		{id, secret + " ", authority.SecretBlanks},
		{id, secret + "\x00", authority.SecretBlanks},
		{id, secret + "\n", authority.SecretBlanks},
		{id, "'" + secret + "'", authority.SecretQuotes},
		{id, id, authority.SecretIsID},
		{id, "", authority.SecretForm},
		{id, secret[:len(secret)-1], authority.SecretForm},
		{id, secret + secret, authority.SecretForm},
		{id, secret + strings.Repeat("0", 1000), authority.SecretForm},
		{id, strings.ToUpper(secret), authority.SecretForm},
		{id, swapCase(secret), authority.SecretChecksum},
		{id, strings.Replace(secret, "demo", "production", 1), authority.SecretChecksum},
		{id, production, authority.SecretOtherEnv},
	} {
		h.refused(h.Authority, &authority.TokenRequest{ClientID: c.id, ClientSecret: c.secret}, c.want)
	}
	r := k.request()
	r.Env = "production"
	h.refused(h.Authority, r, authority.IDOtherEnvironment)
	h.issue(h.Authority, k.request())
}

// swapCase changes the case of the last letter of the random part.
func swapCase(secret string) string {
	at := strings.LastIndexFunc(secret[:len(secret)-6], func(r rune) bool { return r >= 'A' })
	return secret[:at] + string(secret[at]^0x20) + secret[at+1:]
}

// C-036, C-045: who proves nothing learns nothing; who proves the right secret
// hears that it, or the API key, is expired or disabled.
func TestRefusalDependsOnWhatWasProven(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.merchant("1", "2")
	suspended := h.key(authority.NewAPIKey{MerchantID: "1", Env: "demo", Scopes: []string{"customers:read"}})
	disabled := h.key(authority.NewAPIKey{MerchantID: "2", Env: "demo", Scopes: []string{"customers:read"}})
	expired := h.key(authority.NewAPIKey{MerchantID: "2", Env: "demo", Scopes: []string{"customers:read"}, ExpiresAt: h.clock.now().Add(time.Minute)})
	deleted := h.key(authority.NewAPIKey{MerchantID: "2", Env: "demo", Scopes: []string{"customers:read"}})
	_, err := h.SuspendMerchant(h.ctx, actor, "1", 0)
	h.must(err)
	_, err = h.DisableAPIKey(h.ctx, actor, disabled.ID, 0)
	h.must(err)
	h.must(h.DeleteAPIKey(h.ctx, actor, deleted.ID, 0))
	h.clock.advance(time.Minute)

	for _, c := range []struct {
		who          string
		id           authority.ClientID
		secret       credential.Secret
		right, wrong authority.Reason
	}{
		{"unknown", authority.ClientID(tw.NewID("demo")), k.secret, authority.UnknownID, authority.UnknownID},
		{"deleted", deleted.ID, deleted.secret, authority.UnknownID, authority.UnknownID},
		{"of a suspended merchant", suspended.ID, suspended.secret, authority.SuspendedMerchant, authority.WrongSecret},
		{"disabled", disabled.ID, disabled.secret, authority.KeyDisabled, authority.WrongSecret},
		{"expired", expired.ID, expired.secret, authority.KeyExpired, authority.WrongSecret},
		{"active", k.ID, k.secret, "", authority.WrongSecret},
	} {
		for _, secret := range []credential.Secret{c.secret, tw.NewSecret("demo"), deleted.secret} {
			r := &authority.TokenRequest{ClientID: string(c.id), ClientSecret: secret.Reveal()}
			want := c.wrong
			if secret == c.secret {
				want = c.right
			}
			if want == "" {
				h.issue(h.Authority, r)
				continue
			}
			h.refused(h.Authority, r, want)
			_, err := h.IssueToken(r)
			var refusal *authority.Refusal
			if errors.As(err, &refusal) && (refusal.ClientID != c.id || refusal.Env != "demo") {
				t.Errorf("%s: the log hears of %+v", c.who, refusal)
			}
			if strings.Contains(err.Error(), secret.Reveal()) {
				t.Errorf("%s: the secret is in %v", c.who, err)
			}
		}
	}
	// A random ID of another API key in the same shard, or the same random part
	// in another environment, is nobody's.
	other := strings.Replace(string(k.ID), "demo", "production", 1)
	h.refused(h.Authority, &authority.TokenRequest{ClientID: other, ClientSecret: tw.NewSecret("production").Reveal()}, authority.UnknownID)
}

// Each of several live secrets works, and says which one it was.
func TestEverySecretOfAnAPIKeyWorks(t *testing.T) {
	h := New(t)
	k := h.ready()
	other := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	h.raw(`UPDATE secrets SET api_key_id = ?, id = 7 WHERE api_key_id = ?`, k.ID, other.ID)
	h.must(h.LoadDirectory(h.ctx))
	r := k.request()
	r.ClientSecret = other.secret.Reveal()
	if token, _ := h.issue(h.Authority, r); token.SecretID != 7 {
		t.Errorf("secret %d was used, want 7", token.SecretID)
	}
	if token, _ := h.issue(h.Authority, k.request()); token.SecretID != 1 {
		t.Errorf("secret %d was used, want 1", token.SecretID)
	}
	h.refused(h.Authority, other.request(), authority.WrongSecret)
}
