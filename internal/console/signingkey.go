package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var signingKeyRoutes = []route{
	page("/signing-keys", authority.SigningKeysRead, (*Console).listSigningKeys),
	form("/signing-keys/rotate", authority.SigningKeysWrite, (*Console).rotateSigningKey),
	page("/signing-keys/{kid}", authority.SigningKeysRead, (*Console).showSigningKey),
	form("/signing-keys/{kid}/revoke", authority.SigningKeysDelete, (*Console).revokeSigningKey),
}

// keyring is the signing keys of one environment.
type keyring struct {
	authority.Environment
	Timeline  *timeline
	RotatesAt time.Time // when another one takes over; zero for not planned
	Wanted    bool      // somebody has asked for it
	Keys      []*authority.SigningKey
	Older     int // are not shown
}

// Active is the ID of the one that signs.
func (r *keyring) Active() string {
	for _, k := range r.Keys {
		if k.Status == authority.SigningKeyActive {
			return k.KeyID
		}
	}
	return ""
}

// shownSigningKeys is how many of an environment are listed.
const shownSigningKeys = 20

// signingKeysPage is the signing keys of all environments.
type signingKeysPage struct {
	Message string // why what was sent was not done; "" for nothing
	Rings   []keyring
}

func (c *Console) listSigningKeys(v *visit) error { return c.signingKeysPage(v, http.StatusOK, "") }

func (c *Console) signingKeysPage(v *visit, status int, message string) error {
	keys, err := c.Authority.SigningKeys(v.Request.Context(), v.actor)
	if err != nil {
		return err
	}
	p := signingKeysPage{Message: message}
	for _, env := range c.Authority.Environments() {
		p.Rings = append(p.Rings, c.keyring(keys, env))
	}
	return v.render(status, "signing-keys", view{Title: "Signing keys", Nav: "signing-keys", Data: &p})
}

func (c *Console) keyring(all []authority.SigningKey, env authority.Environment) keyring {
	keys := slices.DeleteFunc(slices.Clone(all), func(k authority.SigningKey) bool { return k.Env != env.Name })
	r := keyring{Environment: env, RotatesAt: c.Authority.RotatesAt(all, env.Name)}
	r.Timeline = newTimeline(keys, r.RotatesAt, c.Authority.Now())
	r.Wanted = slices.ContainsFunc(keys, func(k authority.SigningKey) bool {
		return k.Status == authority.SigningKeyAnnounced && !k.WantedAt.IsZero()
	})
	for i := range slices.Backward(keys) {
		r.Keys = append(r.Keys, &keys[i])
	}
	r.Keys, _ = cut(r.Keys, shownSigningKeys)
	r.Older = len(keys) - len(r.Keys)
	return r
}

// rotateSigningKey replaces the signing key that the page has shown as active, and no
// other: who clicks twice would ask for a second rotation.
func (c *Console) rotateSigningKey(v *visit) error {
	out, err := c.Authority.ReplaceSigningKey(v.Request.Context(), v.actor, v.form.Get("env"), v.form.Get("active"))
	if errors.Is(err, authority.ErrConflict) {
		return c.signingKeysPage(v, http.StatusConflict, "The signing key was replaced after you opened this page, perhaps by a second click. Nothing more was done.")
	}
	if err != nil {
		return err
	}
	if out.Rotated {
		return v.redirect(Root + "/signing-keys?done=signing-key-rotated")
	}
	return v.redirect(Root + "/signing-keys?done=signing-key-wanted")
}

// signingKeyPage is one signing key, which can be revoked.
type signingKeyPage struct {
	authority.SigningKey
	Published bool
	// Unripe says that it signs, and that verifiers know no other one yet that
	// could; RipeAt is when they know the next one, zero where there is none.
	Unripe bool
	RipeAt time.Time
	Refuse bool // it was to be revoked all the same
	Force  bool
	Revoke typed
}

func (c *Console) showSigningKey(v *visit) error {
	return c.signingKeyPage(v, http.StatusOK, func(*signingKeyPage) {})
}

func (c *Console) signingKeyPage(v *visit, status int, change func(*signingKeyPage)) error {
	keys, err := c.Authority.SigningKeys(v.Request.Context(), v.actor)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k authority.SigningKey) bool { return k.KeyID == v.Request.PathValue("kid") })
	if i < 0 {
		return authority.ErrNotFound
	}
	p := signingKeyPage{SigningKey: keys[i], Published: keys[i].RemovedAt.IsZero(), Revoke: revokeWord(keys[i].KeyID)}
	if p.Status == authority.SigningKeyActive {
		p.Unripe, p.RipeAt = unripe(keys, p.Env, c.Authority.Now())
	}
	change(&p)
	return v.render(status, "signing-key", view{Title: "Signing key " + shortKeyID(p.KeyID), Nav: "signing-keys", Data: &p})
}

// revokeWord is the beginning of the key ID: nobody types 43 characters.
func revokeWord(kid string) typed { return typed{ID: "revoke-word", Word: kid[:min(8, len(kid))]} }

// unripe tells whether no announced key of env may sign at now, and when the
// first one may.
func unripe(keys []authority.SigningKey, env string, now time.Time) (none bool, at time.Time) {
	for i := range keys {
		k := &keys[i]
		if k.Env != env || k.Status != authority.SigningKeyAnnounced {
			continue
		}
		if !k.RipeAt.After(now) {
			return false, time.Time{}
		}
		if at.IsZero() || k.RipeAt.Before(at) {
			at = k.RipeAt
		}
	}
	return true, at
}

func (c *Console) revokeSigningKey(v *visit) error {
	kid, force := v.Request.PathValue("kid"), v.form.Get("force") != ""
	t := revokeWord(kid)
	if !t.check(v) {
		return c.signingKeyPage(v, http.StatusBadRequest, func(p *signingKeyPage) { p.Revoke, p.Force = t, force })
	}
	_, err := c.Authority.RevokeSigningKey(v.Request.Context(), v.actor, kid, force)
	if errors.As(err, new(*authority.UnripeError)) {
		return c.signingKeyPage(v, http.StatusConflict, func(p *signingKeyPage) { p.Refuse = true })
	}
	if err != nil {
		return err
	}
	return v.redirect(Root + "/signing-keys?done=signing-key-revoked")
}
