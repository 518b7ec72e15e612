package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// keyPage is everything about one API key.
type keyPage struct {
	Key     *authority.APIKey
	Status  string
	Soon    bool // it ends within 30 days
	Use     *keyUse
	Verdict verdict
	Cards   *useCards
	Secrets []secretRow
	Events  []authority.Event
	names   map[string]string // of people, as events call them
}

// maxKeyEvents is how many events the page shows.
const maxKeyEvents = 8

// secretRow is a secret as it is listed.
type secretRow struct {
	*authority.Secret
	Status string // "active", "retiring", "expired" or "leaked"
	Use    secretUse
	Safe   bool // nobody needs it any more
	Soon   bool // it ends within 30 days, and nobody has asked for that
	Only   bool // no other one works: it cannot be deleted
}

func secretRowOf(s *authority.Secret, now time.Time, u *keyUse) secretRow {
	r := secretRow{Secret: s, Status: "active", Use: u.BySecret[s.ID], Safe: s.SafeToDelete(now)}
	switch {
	case !s.LeakedAt.IsZero():
		r.Status = "leaked"
	case !s.ExpiresAt.IsZero() && !s.ExpiresAt.After(now):
		r.Status = "expired"
	case !s.RetiredAt.IsZero():
		r.Status = "retiring"
	default:
		r.Soon = !s.ExpiresAt.IsZero() && s.ExpiresAt.Sub(now) <= soon
	}
	return r
}

func (c *Console) showKey(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	hours, err := v.hours(k)
	if err != nil {
		return err
	}
	now := c.Authority.Now()
	p := &keyPage{Key: k, Status: keyStatus(k, now), Use: sum(hours, now)}
	p.Cards = &useCards{p.Use, k.LastUsedAt, k.LastUsedFrom, v.poll(k, now)}
	p.Verdict, p.Soon = verdictOf(k, now, p.Use), !k.ExpiresAt.IsZero() && k.ExpiresAt.After(now) && k.ExpiresAt.Sub(now) <= soon
	for i := range k.Secrets {
		row := secretRowOf(&k.Secrets[i], now, p.Use)
		row.Only = k.LiveSecrets(now) == 1 && (row.Status == "active" || row.Status == "retiring")
		p.Secrets = append(p.Secrets, row)
	}
	f := authority.EventFilter{MerchantID: k.MerchantID, Env: k.Env, Subject: string(k.ID), NewestFirst: true}
	if p.Events, err = c.Authority.Events(v.Request.Context(), v.actor, f, 0, maxKeyEvents); err != nil {
		return err
	}
	if p.names, err = v.names(); err != nil {
		return err
	}
	return v.render(http.StatusOK, "api-key", view{Title: k.Name, Nav: "api-keys", Chart: p.Use.Issued30+p.Use.Refused30 > 0, Data: p})
}

// names are those of the merchant's people, by what events call them.
func (v *visit) names() (map[string]string, error) {
	users, err := v.colleagues()
	names := make(map[string]string, len(users)+1)
	for i := range users {
		names["user:"+string(users[i].ID)] = users[i].Name
	}
	names[v.actor.ID] = "you"
	return names, err
}

// Who is an actor in words.
func (p *keyPage) Who(actor string) string {
	if name, ok := p.names[actor]; ok {
		return name
	}
	kind, id, _ := strings.Cut(actor, ":")
	switch kind {
	case "system":
		return "Tokenwright"
	case "cli":
		return "the command line (" + id + ")"
	case "portal":
		return "a guest of the platform"
	case "api_key":
		return "API key " + id
	case "user":
		return "user " + id
	}
	return actor
}

// Scripted tells whether there is a chart to draw.
func (p *keyPage) Scripted() bool { return p.Use.Issued30+p.Use.Refused30 > 0 }

// useCards are a part of the page that looks for itself whether there is news.
type useCards struct {
	*keyUse
	At   time.Time // of the last use
	From string
	Poll string // address to ask; "" for no more
}

// pollFor is for how long an open page asks: one that was left open must not keep a
// session from ending for long.
const pollFor = 5 * time.Minute

// poll is where a page that was opened at since asks whether the API key was used
// after what it shows; "" where it has asked for long enough.
func (v *visit) poll(k *authority.APIKey, since time.Time) string {
	if v.console.Authority.Now().Sub(since) >= pollFor {
		return ""
	}
	return merchantPath(k.MerchantID, "api-keys", k.Env, string(k.ID), "use") + "?since=" + millis(since) + "&known=" + millis(k.LastUsedAt)
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// showUse answers the part again where there is news, or no more to ask for.
func (c *Console) showUse(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	query := v.Request.URL.Query()
	since, _ := strconv.ParseInt(query.Get("since"), 10, 64) // of another one, it asks no more
	poll := v.poll(k, time.UnixMilli(since))
	if poll != "" && query.Get("known") == millis(k.LastUsedAt) {
		v.WriteHeader(http.StatusNoContent)
		return nil
	}
	hours, err := v.hours(k)
	if err != nil {
		return err
	}
	return v.renderPart("api-key", "use", view{Data: &useCards{sum(hours, c.Authority.Now()), k.LastUsedAt, k.LastUsedFrom, poll}})
}
