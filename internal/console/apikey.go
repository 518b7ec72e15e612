package console

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// keysPath is where the API keys of an environment are; all their pages lie below.
const keysPath = "/merchants/{merchantId}/api-keys/{env}"

const keyPath = keysPath + "/{clientId}"

var apiKeyRoutes = []route{
	page(keysPath, authority.APIKeysRead, (*Console).listKeys),
	export(page(keysPath+"/export.csv", authority.APIKeysRead, (*Console).exportKeys)),
	page(keysPath+"/new", authority.APIKeysWrite, (*Console).newKey),
	form(keysPath+"/new", authority.APIKeysWrite, (*Console).createKey),
	page(keyPath, authority.APIKeysRead, (*Console).showKey),
	page(keyPath+"/use", authority.APIKeysRead, (*Console).showUse),
	page(keyPath+"/edit", authority.APIKeysWrite, (*Console).editKey),
	form(keyPath+"/edit", authority.APIKeysWrite, (*Console).updateKey),
	page(keyPath+"/rotate", authority.APIKeysWrite, (*Console).askRotation),
	form(keyPath+"/rotate", authority.APIKeysWrite, (*Console).rotateSecret),
	urgent(form(keyPath+"/disable", authority.APIKeysWrite, (*Console).disableKey)),
	form(keyPath+"/enable", authority.APIKeysWrite, (*Console).enableKey),
	page(keyPath+"/delete", authority.APIKeysDelete, (*Console).askDeletion),
	form(keyPath+"/delete", authority.APIKeysDelete, (*Console).deleteKey),
	page(keyPath+"/secrets/{secretId}/delete", authority.APIKeysDelete, (*Console).askSecretDeletion),
	form(keyPath+"/secrets/{secretId}/delete", authority.APIKeysDelete, (*Console).deleteSecret),
}

// apiKey reads the API key of the path, which must be where the path says.
func (v *visit) apiKey() (*authority.APIKey, error) {
	id := v.Request.PathValue("clientId")
	if strings.ContainsFunc(id, notIDCharacter) {
		return nil, authority.ErrNotFound // not every database takes all text to compare with
	}
	k, err := v.console.Authority.APIKey(v.Request.Context(), v.actor, authority.ClientID(id))
	if err == nil && (k.MerchantID != v.merchant.ID || k.Env != v.env) {
		return nil, authority.ErrNotFound
	}
	return k, err
}

func notIDCharacter(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
}

// keyStatus is the state of an API key in a word: one whose every secret has ended
// is of no more use than one that has ended itself.
func keyStatus(k *authority.APIKey, now time.Time) string {
	switch {
	case k.Status == authority.Disabled:
		return "disabled"
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now), k.LiveSecrets(now) == 0:
		return "expired"
	}
	return "active"
}

// keysPage is the list of an environment's API keys.
type keysPage struct {
	Tabs   []envTab
	Count  authority.KeyCount
	Why    string // why none can be added; "" where one can
	Search string
	Order  authority.KeyOrder
	Rows   []keyRow
	Pager  pager
	// ByName and ByCreation are where the list is in these orders.
	ByName, ByCreation string
}

// Any tells whether there is any API key, found or not.
func (p *keysPage) Any() bool { return p.Count.Undeleted > 0 }

// envTab leads to another environment.
type envTab struct {
	Name  string
	Count authority.KeyCount
}

// keyRow is an API key in the list.
type keyRow struct {
	authority.KeyUse
	Status string
	Ends   time.Time // it, or its last secret; zero for never
	Soon   bool
	Leaked bool // a secret of it was found in the open
}

// maxShown is how many scopes of an API key the list shows.
const maxShown = 3

// Shown are the scopes that the list shows.
func (r *keyRow) Shown() []string { return r.Scopes[:min(len(r.Scopes), maxShown)] }

// More is how many others there are.
func (r *keyRow) More() int { return len(r.Scopes) - len(r.Shown()) }

func (c *Console) listKeys(v *visit) error {
	p := keysPage{Search: strings.TrimSpace(v.Request.URL.Query().Get("q")), Order: authority.KeysNewestFirst}
	if v.Request.URL.Query().Get("sort") == "name" {
		p.Order = authority.KeysByName
	}
	if err := v.countKeys(&p); err != nil {
		return err
	}
	if err := v.readKeys(&p); err != nil {
		return err
	}
	return v.render(http.StatusOK, "api-keys", view{Title: "API keys", Nav: "api-keys", Data: &p})
}

// countKeys counts the API keys of each environment, and says whether one more
// can be added in this one.
func (v *visit) countKeys(p *keysPage) error {
	for _, env := range v.console.environments() {
		n, err := v.console.Authority.KeyCount(v.Request.Context(), v.actor, v.merchant.ID, env.Name)
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, envTab{env.Name, n})
		if env.Name == v.env {
			p.Count = n
		}
	}
	switch {
	case p.Count.Active >= p.Count.ActiveLimit:
		p.Why, _ = conflict(authority.ErrActiveKeyLimit)
	case p.Count.Undeleted >= p.Count.UndeletedLimit:
		p.Why, _ = conflict(authority.ErrKeyLimit)
	}
	return nil
}

// readKeys reads one page of the list.
func (v *visit) readKeys(p *keysPage) error {
	q := authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: v.merchant.ID, Env: v.env}, Search: p.Search, Order: p.Order}
	place, err := v.place()
	if err != nil {
		return err
	}
	if place != "" {
		if q.After, err = authority.ParseKeyPlace(place); err != nil {
			return err
		}
	}
	list, err := v.console.Authority.KeyUses(v.Request.Context(), v.actor, q, pageSize+1)
	if err != nil {
		return err
	}
	list, more := cut(list, pageSize)
	next := ""
	if more {
		next = list[len(list)-1].Place().String()
	}
	p.Pager = v.pager("API keys", next)
	p.ByName, p.ByCreation = v.address(map[string]string{"sort": "name"}), v.address(map[string]string{"sort": ""})
	now := v.console.Authority.Now()
	for _, u := range list {
		p.Rows = append(p.Rows, keyRowOf(u, now))
	}
	return nil
}

// soon is how long before its end an API key is said to end.
const soon = 30 * 24 * time.Hour

// endsSoon is of an end to come; zero is never.
func endsSoon(end, now time.Time) bool {
	return !end.IsZero() && end.After(now) && end.Sub(now) <= soon
}

func keyRowOf(u authority.KeyUse, now time.Time) keyRow {
	r := keyRow{KeyUse: u, Status: keyStatus(&u.APIKey, now), Ends: earliest(u.ExpiresAt, u.SecretExpiresAt)}
	r.Soon = r.Status == "active" && endsSoon(r.Ends, now)
	for i := range u.Secrets {
		r.Leaked = r.Leaked || !u.Secrets[i].LeakedAt.IsZero()
	}
	return r
}

// earliest is the earlier of two ends, of which zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// done leads back to the API key, which says what was done.
func (v *visit) done(k *authority.APIKey, what string) error {
	return v.redirect(merchantPath(k.MerchantID, "api-keys", k.Env, string(k.ID)) + "?done=" + what)
}

func (c *Console) disableKey(v *visit) error {
	return v.onKey(c.Authority.DisableAPIKey, "key-disabled")
}

func (c *Console) enableKey(v *visit) error { return v.onKey(c.Authority.EnableAPIKey, "key-enabled") }

// onKey changes the API key of the path, and says what was done.
func (v *visit) onKey(change func(context.Context, authority.Actor, authority.ClientID, int64) (*authority.APIKey, error), what string) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	if k, err = change(v.Request.Context(), v.actor, k.ID, v.version()); err != nil {
		return err
	}
	return v.done(k, what)
}

// deletionPage asks for the name of an API key before it is deleted.
type deletionPage struct {
	Key     *authority.APIKey
	Status  string
	Verdict verdict
	Typed   typed
}

func (c *Console) askDeletion(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	return c.askToDelete(v, http.StatusOK, k, wordOf(k))
}

// wordOf is what is typed before the API key is deleted: its name, or its ID where
// nothing of that can be seen.
func wordOf(k *authority.APIKey) *typed {
	if strings.ContainsFunc(k.Name, visible) {
		return &typed{ID: "confirm", Word: seen(k.Name)}
	}
	return &typed{ID: "confirm", Word: string(k.ID)}
}

// visible tells whether a character has a form of its own: some letters and symbols are
// blank, and a mark is nothing without a letter.
func visible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
}

func (c *Console) askToDelete(v *visit, status int, k *authority.APIKey, t *typed) error {
	hours, err := v.hours(k)
	if err != nil {
		return err
	}
	now := c.Authority.Now()
	return v.render(status, "api-key-delete", view{Title: "Delete " + k.Name, Nav: "api-keys",
		Data: &deletionPage{k, keyStatus(k, now), verdictOf(k, now, sum(hours, now)), *t}})
}

func (c *Console) deleteKey(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	if t := wordOf(k); !t.check(v) {
		return c.askToDelete(v, http.StatusBadRequest, k, t)
	}
	if err := c.Authority.DeleteAPIKey(v.Request.Context(), v.actor, k.ID, v.version()); err != nil {
		return err
	}
	return v.redirect(merchantPath(k.MerchantID, "api-keys", k.Env) + "?done=key-deleted")
}
