package browser

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/test/harness"
)

// C-507, C-508: the reference gets tokens of an API key, and so does the console's
// page of the first token, by the same script.
func TestTokensAreGotInTheBrowser(t *testing.T) {
	t.Parallel()
	harness.Need(t, "chromium-headless-shell")
	s, key := harness.StartWithKey(t, "demo")
	session := open(t, s).signIn(account.NewUser{Email: "ada@example.com", Name: "Ada Administrator", Memberships: []account.Membership{{MerchantID: "4259", Role: account.Administrator}}})
	Run(t, "reference.mjs", map[string]string{"BASE_URL": s.URL, "ID": key.ClientID, "SECRET": key.ClientSecret, "SESSION": session})
}
