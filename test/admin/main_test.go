package admin

import (
	"os"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// Commands are run by the hundred.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }

// managementScopes are all that an operator key may hold.
const managementScopes = "merchants:read merchants:write merchants:delete scopes:read scopes:write scopes:delete " +
	"api-keys:read api-keys:write api-keys:delete signing-keys:read signing-keys:write signing-keys:delete " +
	"users:read users:write users:delete events:read usage:read tokens:introspect"

// start runs a server that has an operator key, and its client.
func start(t *testing.T, args ...string) (*harness.Server, harness.APIKey, *admin.Client) {
	t.Helper()
	s := harness.Start(t, args...)
	s.Seed(t)
	key := s.CreateOperatorKey(t, strings.Fields(managementScopes)...)
	s.AwaitKeys(t, key)
	return s, key, s.Admin(key)
}

// noted is a new API key, whose secret the search at the end is to know.
func noted(t *testing.T, k *admin.CreatedAPIKey, err error) *admin.CreatedAPIKey {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	harness.NoteKey(k.ClientID, k.ClientSecret)
	return k
}

// ok is a result that must have no error.
func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
