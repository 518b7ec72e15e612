package interop

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// C-513: TestLibraries runs every library against one server, then compares what
// ran with the page that says what the product works with.
func TestLibraries(t *testing.T) {
	w := newWorld(t)
	m := newMatrix()
	t.Run("clients", func(t *testing.T) { testClients(t, w, m) })
	t.Run("auto-detect", func(t *testing.T) { testAutoDetect(t, w) })
	t.Run("verifiers", func(t *testing.T) { testVerifiers(t, w, m) })
	t.Logf("\n%s", m)
	switch {
	case t.Failed():
	case m.skipped, isSet("test.run"), isSet("test.skip"):
		t.Log("not every library has run: the page is not compared")
	default:
		m.compareWithPage(t)
	}
}

func isSet(name string) bool { return flag.Lookup(name).Value.String() != "" }

// world is the server that all libraries meet, and what they need to know of it.
type world struct {
	*harness.Server
	front   *front
	keys    map[string]harness.APIKey // by environment
	other   map[string]harness.APIKey // by environment: of a client of another API
	expired map[string]string         // by environment: an access token that has ended
}

// environments are, for each algorithm, one and another whose tokens must be
// refused there.
var environments = map[string]struct{ name, neighbour string }{
	"ES256": {"demo", "production"},
	"RS256": {"rsademo", "rsaproduction"},
}

func newWorld(t *testing.T) *world {
	t.Helper()
	in := harness.New(t)
	w := &world{
		front: newFront(t, in.Port),
		keys:  map[string]harness.APIKey{}, other: map[string]harness.APIKey{}, expired: map[string]string{},
	}
	in.URL = w.front.url
	w.Server = startWithLifetime(t, in, time.Second)
	w.makeKeys(t)
	w.getExpiredTokens(t)
	// Those tokens are of the same signing keys as all that follow.
	w.Stop(t)
	w.Server = startWithLifetime(t, in, time.Hour)
	return w
}

func startWithLifetime(t *testing.T, in *harness.Installation, lifetime time.Duration) *harness.Server {
	t.Helper()
	in.Configure(t, fmt.Sprintf(`
environments:
  demo: {token_lifetime: %[1]s}
  production: {token_lifetime: %[1]s}
  rsademo: {token_lifetime: %[1]s, algorithm: RS256}
  rsaproduction: {token_lifetime: %[1]s, algorithm: RS256}
`, lifetime))
	return in.Start(t)
}

func (w *world) makeKeys(t *testing.T) {
	t.Helper()
	w.Seed(t)
	w.CLI(t, "scope", "create", "rewards:read", "--description", "Look up rewards", "--resource", w.URL+"/rewards")
	for _, env := range environments {
		w.keys[env.name], w.keys[env.neighbour] = w.CreateKey(t, env.name), w.CreateKey(t, env.neighbour)
		w.other[env.name] = harness.ReadKey(t, w.CLI(t, "key", "create", "--merchant", "4259", "--env", env.name,
			"--name", "Rewards", "--scope", "rewards:read", "-o", "json"))
	}
}

func (w *world) getExpiredTokens(t *testing.T) {
	t.Helper()
	for _, env := range environments {
		w.AwaitKeys(t, w.keys[env.name])
		w.expired[env.name] = w.Token(t, w.keys[env.name])
	}
	for _, token := range w.expired {
		end, err := harness.Part(t, token, 1)["exp"].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		harness.Eventually(t, 5*time.Second, "a token of one second ends", func() bool { return time.Now().Unix() > end })
	}
}
