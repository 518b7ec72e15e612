package console

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// once has what the form asks for done once, however often the form is sent: its
// field once, 128 random bits or more, opens the answer for ten minutes (C-197).
func (v *visit) once(answer func(result any) ([]byte, error)) error {
	key := v.form.Get("once")
	if len(key) < 22 || len(key) > 128 {
		return &refusal{http.StatusBadRequest, "The form is not one of this console. Open its page again, and send it from there."}
	}
	asked := maps.Clone(v.form)
	maps.DeleteFunc(asked, func(name string, _ []string) bool { return name == "once" || name == "csrf" })
	v.actor.Once = &authority.Once{Key: key, Request: sha256.Sum256([]byte(v.Request.URL.Path + "?" + url.Values(asked).Encode())), Answer: answer}
	return nil
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
	if err := v.once(func(result any) ([]byte, error) { return json.Marshal(madeOf(result.(*authority.NewSecret))) }); err != nil {
		return err
	}
	if done, err := c.showAgain(v); done || err != nil {
		return err
	}
	n, err := do()
	if err == nil {
		return c.showSecret(v, madeOf(n))
	}
	// Whoever was overtaken by the same form hears what that one has done.
	if done, again := c.showAgain(v); done || again != nil {
		return again
	}
	return err
}

// showAgain shows the secret that the form has made before; false where it has not.
func (c *Console) showAgain(v *visit) (done bool, err error) {
	kept, err := c.Authority.Reply(v.Request.Context(), v.actor)
	if errors.Is(err, authority.ErrNotFound) {
		return false, nil
	}
	var s madeSecret
	if err == nil {
		err = json.Unmarshal(kept, &s)
	}
	if err != nil {
		return false, err
	}
	return true, c.showSecret(v, &s)
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
