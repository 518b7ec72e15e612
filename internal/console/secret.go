package console

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// overlap is how long replaced secrets work on, as a choice.
type overlap struct {
	Seconds int64
	Label   string
}

// overlaps are the choices. The second is what a rotation has where nobody chooses.
var overlaps = []overlap{
	{0, "Not at all: end them now"}, {3600, "1 hour"}, {86400, "24 hours"}, {7 * 86400, "7 days"}, {30 * 86400, "30 days"},
}

// defaultOverlap is marked in the form.
const defaultOverlap = 86400

// rotationPage asks how to rotate.
type rotationPage struct {
	Key      *authority.APIKey
	Form     *rotationForm
	Overlaps []overlap
	Live     int // secrets that work
	Today    string
	Errors   map[string]string
	Message  string
}

// rotationForm is the form as it was typed.
type rotationForm struct {
	Name, Expires string
	Overlap       int64 // seconds
	Revoke        bool
	Once, Version string
}

func (v *visit) rotationForm() *rotationForm {
	seconds, err := strconv.ParseInt(v.form.Get("overlap"), 10, 64)
	if err != nil || seconds > int64(time.Hour*24*365/time.Second) {
		seconds = -1 // none that there is
	}
	return &rotationForm{v.form.Get("name"), v.form.Get("expiresAt"), seconds, v.form.Has("revoke"), v.form.Get("once"), v.form.Get("version")}
}

func (c *Console) askRotation(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	f := &rotationForm{Overlap: defaultOverlap, Once: rand.Text(), Version: strconv.FormatInt(k.Version, 10)}
	return c.askHowToRotate(v, http.StatusOK, &rotationPage{Key: k, Form: f})
}

func (c *Console) askHowToRotate(v *visit, status int, p *rotationPage) error {
	now := c.Authority.Now()
	p.Overlaps, p.Live, p.Today = overlaps, p.Key.LiveSecrets(now), dayOf(now)
	return v.render(status, "rotate", view{Title: "Rotate the secret of " + p.Key.Name, Nav: "api-keys", Data: p})
}

func (c *Console) rotateSecret(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	f := v.rotationForm()
	err = c.showOnce(v, func() (*authority.NewSecret, error) {
		end, err := endOf(f.Expires)
		if err != nil {
			return nil, err
		}
		next, secret, err := c.Authority.RotateSecret(v.Request.Context(), v.actor, k.ID, authority.Rotation{
			Name: f.Name, ExpiresAt: end, Overlap: time.Duration(f.Overlap) * time.Second, RevokeTokens: f.Revoke, IfVersion: v.version(),
		})
		return &authority.NewSecret{Key: next, Secret: secret}, err
	})
	if fields, message, ok := refused(err); ok {
		return c.askHowToRotate(v, statusOf(fields), &rotationPage{Key: k, Form: f, Errors: fields, Message: message})
	}
	return err
}

// secretDeletionPage asks before a secret is deleted.
type secretDeletionPage struct {
	Key    *authority.APIKey
	Secret secretRow
}

// secret reads the API key of the path, and returns its secret that the path names.
func (v *visit) secret() (*authority.APIKey, *authority.Secret, error) {
	k, err := v.apiKey()
	if err != nil {
		return nil, nil, err
	}
	text := v.Request.PathValue("secretId")
	for i := range k.Secrets {
		if strconv.FormatInt(k.Secrets[i].ID, 10) == text {
			return k, &k.Secrets[i], nil
		}
	}
	return nil, nil, authority.ErrNotFound
}

func (c *Console) askSecretDeletion(v *visit) error {
	k, s, err := v.secret()
	if err != nil {
		return err
	}
	hours, err := v.hours(k)
	if err != nil {
		return err
	}
	now := c.Authority.Now()
	return v.render(http.StatusOK, "secret-delete", view{Title: "Delete a secret of " + k.Name, Nav: "api-keys",
		Data: &secretDeletionPage{k, secretRowOf(s, now, sum(hours, now))}})
}

func (c *Console) deleteSecret(v *visit) error {
	k, s, err := v.secret()
	if err != nil {
		return err
	}
	if _, err := c.Authority.DeleteSecret(v.Request.Context(), v.actor, k.ID, s.ID, v.form.Has("revoke"), v.version()); err != nil {
		return err
	}
	return v.done(k, "secret-deleted")
}
