package browser

import (
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-471, C-472, C-473: people set up what they sign in with, invite each other, and
// are managed, by keyboard, with script and without; pages are for everybody.
func TestPeopleManageThemselvesAndOthers(t *testing.T) {
	t.Parallel()
	harness.Need(t, "chromium-headless-shell")
	in := harness.New(t)
	s := in.Start(t)
	in.CLI(t, "merchant", "create", "--id", "4259", "--name", "Acme")
	const password = "gravel otter lantern quince"
	s.SetUp(t, "olga@example.com", password)
	Run(t, "people.mjs", map[string]string{"BASE_URL": s.URL, "PASSWORD": password})
}
