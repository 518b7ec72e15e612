package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// verifyPiece is how many events one request verifies: about a second's work on a
// busy machine.
const verifyPiece = 50_000

// chainPage is the verification of the event chain: before, in the middle, or its
// outcome.
type chainPage struct {
	Head   string // that somebody has noted before; "" for none
	Errors map[string]string

	Begun    bool
	Passed   int64 // events so far
	Total    int64 // about how many there are
	Cursor   string
	Done     bool
	Broken   *authority.ChainError
	NewHead  string // of what was passed
	HeadHeld bool   // the noted head is part of the chain
}

func (c *Console) askToVerify(v *visit) error {
	return c.chainPage(v, http.StatusOK, chainPage{Head: v.Request.URL.Query().Get("head")})
}

func (c *Console) chainPage(v *visit, status int, p chainPage) error {
	return v.render(status, "verify", view{Title: "Verify the events", Nav: "all-events", Data: p})
}

// verifyEvents verifies a piece of the chain, and tells how it goes on: nobody
// waits for a million events with a page that says nothing. What the next piece
// needs is in the form, sealed together with the noted head.
func (c *Console) verifyEvents(v *visit) error {
	p := chainPage{Head: strings.TrimSpace(v.form.Get("head")), Begun: true}
	noted, from, err := c.verifyFrom(&p, v.form.Get("cursor"))
	if err != nil {
		var ok bool
		if p.Errors, ok = fieldErrors(err); ok {
			p.Begun = false
			return c.chainPage(v, http.StatusBadRequest, p)
		}
		return err
	}
	head, done, err := c.Authority.VerifyEventsFrom(v.Request.Context(), v.actor, from, noted, c.verifyPiece)
	if err != nil && !errors.As(err, &p.Broken) {
		return err
	}
	p.Passed, p.Done, p.HeadHeld = head.Seq, done && p.Broken == nil, len(noted) > 0
	if head.Seq > 0 {
		p.NewHead, p.Cursor = head.String(), c.Authority.Cursor(p.cursorList(), head.String())
	}
	if p.Total, err = c.lastEvent(v); err != nil {
		return err
	}
	return c.chainPage(v, http.StatusOK, p)
}

// cursorList names the walk that a cursor belongs to: that with the noted head.
func (p *chainPage) cursorList() string { return "console events/verify " + p.Head }

// verifyFrom reads the noted head, if there is one, and from where to go on, zero for
// the beginning.
func (c *Console) verifyFrom(p *chainPage, cursor string) (noted []authority.EventHead, from authority.EventHead, err error) {
	if p.Head != "" {
		head, err := authority.ParseEventHead(p.Head)
		if err != nil {
			return nil, from, err
		}
		noted = append(noted, head)
	}
	if cursor == "" {
		return noted, from, nil
	}
	place, err := c.Authority.ParseCursor(p.cursorList(), cursor)
	if err != nil {
		return nil, from, err
	}
	from, err = authority.ParseEventHead(place)
	return noted, from, err
}

// lastEvent is the number of the last event.
func (c *Console) lastEvent(v *visit) (int64, error) {
	list, err := c.Authority.Events(v.Request.Context(), v.actor, authority.EventFilter{NewestFirst: true}, 0, 1)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].Seq, nil
}
