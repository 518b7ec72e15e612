package console

import (
	"net/http"
	"strconv"
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
	Events  []keyEvent
	names
}

// keyEvent is an event of the API key, and its kind in words.
type keyEvent struct {
	authority.Event
	Text string
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
		r.Soon = endsSoon(s.ExpiresAt, now)
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
	p.Verdict, p.Soon = verdictOf(k, now, p.Use), endsSoon(k.ExpiresAt, now)
	for i := range k.Secrets {
		row := secretRowOf(&k.Secrets[i], now, p.Use)
		row.Only = k.LiveSecrets(now) == 1 && (row.Status == "active" || row.Status == "retiring")
		p.Secrets = append(p.Secrets, row)
	}
	if err := p.readKeyEvents(c, v); err != nil {
		return err
	}
	return v.render(http.StatusOK, "api-key", view{Title: k.Name, Nav: "api-keys", Chart: p.Scripted(), Data: p})
}

// readKeyEvents reads the last events, and the names of all whom the page names.
func (p *keyPage) readKeyEvents(c *Console, v *visit) error {
	k := p.Key
	f := authority.EventFilter{MerchantID: k.MerchantID, Env: k.Env, Subject: string(k.ID), NewestFirst: true}
	events, err := c.Authority.Events(v.Request.Context(), v.actor, f, 0, maxKeyEvents)
	if err != nil {
		return err
	}
	wanted := of(events)
	wanted.actor(k.CreatedBy)
	for i := range k.Secrets {
		wanted.actor(k.Secrets[i].CreatedBy)
	}
	p.names, err = v.readNames(wanted)
	for i := range events {
		p.Events = append(p.Events, keyEvent{events[i], kindText(events[i].Kind)})
	}
	return err
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

// showUse answers the part again where there is news, or no more to ask for. Whoever
// is no part of a page, but comes by its address, as after signing in, is led to the page.
func (c *Console) showUse(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	if v.Request.Header.Get("HX-Request") == "" {
		return v.redirect(merchantPath(k.MerchantID, "api-keys", k.Env, string(k.ID)))
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
