package console

import (
	"crypto/sha256"
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
