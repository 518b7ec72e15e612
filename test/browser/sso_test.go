package browser

import (
	"path/filepath"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-207, C-216, C-474, C-476: people sign in at a provider of single sign-on that is
// another site, confirm there, and are out at the next click once their session was
// ended elsewhere.
func TestPeopleSignInBySingleSignOn(t *testing.T) {
	t.Parallel()
	harness.Need(t, "chromium-headless-shell", "sqlite3")
	in := harness.New(t)
	idp := harness.NewIdP(t, in)
	in.Configure(t, idp.Config())
	idp.Start(t, true)
	s := in.Start(t)
	link, _ := s.SetUpLink(t)
	Run(t, "sso.mjs", map[string]string{"BASE_URL": s.URL, "LINK": link, "IDP": idp.Issuer, "DATABASE": filepath.Join(in.Data, "tokenwright.db")})
}
