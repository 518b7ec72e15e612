package browser

import (
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-468, C-469, C-470: operators keep merchants, scopes and signing keys, and read
// events and usage, by keyboard, with script and without.
func TestOperatorsRunThePlatform(t *testing.T) {
	t.Parallel()
	harness.Need(t, "chromium-headless-shell")
	in := harness.New(t)
	s := in.Start(t)
	in.CLI(t, "merchant", "create", "--id", "4259", "--name", "Acme")
	in.CLI(t, "merchant", "create", "--id", "4711", "--name", `<b>Blue</b> "Bottle" 🦦`)
	in.CLI(t, "scope", "create", "customers:read", "--description", "Look up customers")
	in.CLI(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Orders", "--scope", "customers:read")
	in.CLI(t, "signing-key", "rotate", "--env", "demo")
	const password = "gravel otter lantern quince"
	s.SetUp(t, "olga@example.com", password)
	Run(t, "operators.mjs", map[string]string{"BASE_URL": s.URL, "PASSWORD": password})
}
