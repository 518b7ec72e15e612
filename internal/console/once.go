package console

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// once returns what do makes, as kept has it; or, where the same form was sent before
// or at the same time, what that one has made. Its field once, 128 random bits or
// more, opens that for ten minutes (C-197). Errors are those of do.
func once[Made, Kept any](v *visit, do func() (Made, error), kept func(Made) *Kept) (*Kept, error) {
	key := v.form.Get("once")
	if len(key) < 22 || len(key) > 128 {
		return nil, &refusal{http.StatusBadRequest, "The form is not one of this console. Open its page again, and send it from there."}
	}
	asked := maps.Clone(v.form)
	maps.DeleteFunc(asked, func(name string, _ []string) bool { return name == "once" || name == "csrf" })
	v.actor.Once = &authority.Once{
		Key: key, Request: sha256.Sum256([]byte(v.Request.URL.Path + "?" + url.Values(asked).Encode())),
		Answer: func(result any) ([]byte, error) { return json.Marshal(kept(result.(Made))) },
	}
	if before, err := made[Kept](v); !errors.Is(err, authority.ErrNotFound) {
		return before, err
	}
	now, err := do()
	if err == nil {
		return kept(now), nil
	}
	// Whoever was overtaken by the same form hears what that one has done.
	if before, again := made[Kept](v); !errors.Is(again, authority.ErrNotFound) {
		return before, again
	}
	return nil, err
}

// made is what the form has made before, or authority.ErrNotFound.
func made[Kept any](v *visit) (*Kept, error) {
	text, err := v.console.Authority.Reply(v.Request.Context(), v.actor)
	if err != nil {
		return nil, err
	}
	k := new(Kept)
	if err := json.Unmarshal(text, k); err != nil {
		return nil, fmt.Errorf("reading what a form has made: %w", err)
	}
	return k, nil
}

// madeSecret is what the page shows of a secret that was just made: it is all that
// is kept for when the form is sent again.
type madeSecret struct {
	ClientID authority.ClientID `json:"clientId"`
	Name     string             `json:"name"` // of the API key
	Secret   string             `json:"secret"`
	Rotated  bool               `json:"rotated"` // there were others before
}

func madeOf(n *authority.NewSecret) *madeSecret {
	return &madeSecret{n.Key.ID, n.Key.Name, n.Secret.Reveal(), n.Key.LastSecretID > 1}
}

// showOnce has a secret made, and shows it; or shows the one that the same form has
// made before. Errors are those of do.
func (c *Console) showOnce(v *visit, do func() (*authority.NewSecret, error)) error {
	s, err := once(v, do, madeOf)
	if err != nil {
		return err
	}
	return c.showSecret(v, s)
}

// secretPage shows a secret this once.
type secretPage struct {
	madeSecret
	Samples []sample
}

func (c *Console) showSecret(v *visit, s *madeSecret) error {
	title := "API key created"
	if s.Rotated {
		title = "Secret rotated"
	}
	return v.render(http.StatusOK, "secret", view{Title: title, Nav: "api-keys", Data: &secretPage{*s, c.samples(s.ClientID)}})
}
