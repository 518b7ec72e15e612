package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// shownKey is what `key show -o json` tells of use.
type shownKey struct {
	LastUsedAt   *time.Time
	LastUsedFrom string
	Usage        struct{ Last24Hours, Last30Days map[string]int }
	Secrets      []struct {
		ID           int
		LastUsedAt   *time.Time
		LastUsedFrom string
		RetiredAt    *time.Time
		SafeToDelete bool
	}
}

func showKey(t *testing.T, in *harness.Installation, key harness.APIKey) (k shownKey) {
	t.Helper()
	if err := json.Unmarshal([]byte(in.CLI(t, "key", "show", key.ClientID, "-o", "json")), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// askFrom sends a token request as a trusted proxy passes it on.
func askFrom(t *testing.T, s *harness.Server, address, id, secret string, more ...string) int {
	t.Helper()
	return askAt(t, s, "/oauth/token", address, id, secret, more...).Status
}

// C-300: every request of an API key up to the end of the server is counted,
// with when and from where its secret was last proven.
func TestUseIsCountedUpToTheEndOfTheServer(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	s := in.Start(t)
	s.Seed(t)
	key, other := s.CreateKey(t, "demo"), s.CreateKey(t, "demo")
	s.Stop(t)
	if k := showKey(t, in, key); k.LastUsedAt != nil || len(k.Usage.Last30Days) != 0 {
		t.Errorf("an API key that nobody has used: %+v", k)
	}
	begun := time.Now()
	s = in.Start(t, "--trusted-proxies", "127.0.0.1")
	for i := range 20 {
		if status := askFrom(t, s, fmt.Sprintf("203.0.113.%d", i), key.ClientID, key.ClientSecret); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	for range 3 {
		askFrom(t, s, "203.0.113.77", key.ClientID, other.ClientSecret)
	}
	askFrom(t, s, "203.0.113.78", key.ClientID, key.ClientSecret[:30])
	askFrom(t, s, "203.0.113.79", strings.Replace(key.ClientID, "demo", "production", 1), key.ClientSecret)
	for range 2 {
		askFrom(t, s, "2001:db8::7", key.ClientID, key.ClientSecret, "scope", "no:such")
	}
	s.Stop(t)
	want := map[string]int{"issued": 20, "wrong_secret": 3, "secret_form": 1, "scope_not_held": 2}
	k := showKey(t, in, key)
	if !reflect.DeepEqual(k.Usage.Last24Hours, want) || !reflect.DeepEqual(k.Usage.Last30Days, want) {
		t.Errorf("usage is %+v, want %v", k.Usage, want)
	}
	secret := k.Secrets[0]
	if k.LastUsedFrom != "2001:db8::7" || secret.LastUsedFrom != "2001:db8::7" || secret.LastUsedAt == nil ||
		secret.LastUsedAt.Before(begun.Truncate(time.Millisecond)) || secret.LastUsedAt.After(time.Now()) {
		t.Errorf("the last use is %+v, of the secret %+v", k, secret)
	}
	if k := showKey(t, in, other); k.LastUsedAt != nil {
		t.Errorf("the secret of the other API key was proven nowhere: %+v", k)
	}

	s = in.Start(t)
	s.Token(t, key)
	s.Stop(t)
	want["issued"]++
	if k := showKey(t, in, key); !reflect.DeepEqual(k.Usage.Last24Hours, want) || k.LastUsedFrom != "127.0.0.1" {
		t.Errorf("after another start: %+v", k)
	}
	if text := in.CLI(t, "key", "report"); !strings.Contains(text, "never used") || !strings.Contains(text, "0m ago     21, 6 refused") {
		t.Errorf("the report:\n%s", text)
	}
}

// C-301, C-302: what ends soon is announced, and a retired secret in use is
// told of once, though the server was started twice.
func TestRetiredSecretsAndComingEndsAreTold(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	s := in.Start(t)
	s.Seed(t)
	old := s.CreateKey(t, "demo")
	ending := harness.ReadKey(t, s.CLI(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Ends", "--expires", "6d", "-o", "json"))
	next := harness.ReadKey(t, s.CLI(t, "key", "rotate", old.ClientID, "--overlap", "12h", "-o", "json"))
	s.Stop(t)
	var logs string
	for range 2 {
		s = in.Start(t)
		s.Token(t, old)
		s.Token(t, next)
		s.Token(t, old)
		harness.Eventually(t, 10*time.Second, "the end is announced", func() bool { return len(events(t, in, "api_key.expiring", ending.ClientID)) > 0 })
		s.Stop(t)
		logs += s.ReadLog(t)
	}
	// Two, where an hour has begun meanwhile; never one for each start.
	hours := time.Now().UTC().Truncate(time.Hour)
	retired := events(t, in, "secret.retired_used", old.ClientID)
	if len(retired) == 0 || len(retired) > 1 && retired[0].Details.UsedAt.Truncate(time.Hour).Equal(hours) {
		t.Errorf("events of the retired secret: %+v", retired)
	}
	for _, e := range retired {
		if e.Details.SecretID != 1 || e.Details.Address != "127.0.0.1" {
			t.Errorf("event %+v", e)
		}
	}
	if list := events(t, in, "api_key.expiring", ending.ClientID); len(list) != 1 || list[0].Details.Days != 7 {
		t.Errorf("events of an end in 6 days: %+v", list)
	}
	for _, message := range []string{"a retired secret is in use", "an API key ends soon"} {
		if n := strings.Count(logs, message); n == 0 || n > 2 {
			t.Errorf("the log tells %d times: %s", n, message)
		}
	}
	k := showKey(t, in, old)
	if k.Secrets[0].SafeToDelete || k.Secrets[0].LastUsedAt == nil || k.Secrets[0].RetiredAt == nil {
		t.Errorf("the retired secret: %+v", k.Secrets[0])
	}
	if text := in.CLI(t, "key", "secret", "list", old.ClientID); !strings.Contains(text, "no: used since it was retired") {
		t.Errorf("the secrets:\n%s", text)
	}
	in.VerifyEvents(t)
}

type keyEvent struct {
	Kind, Subject string
	Details       struct {
		SecretID, Days int
		Address        string
		UsedAt         time.Time
	}
}

func events(t *testing.T, in *harness.Installation, kind, subject string) (found []keyEvent) {
	t.Helper()
	var list []keyEvent
	if err := json.Unmarshal([]byte(in.CLI(t, "event", "list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Kind == kind && e.Subject == subject {
			found = append(found, e)
		}
	}
	return found
}
