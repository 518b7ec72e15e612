package timing

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// measured is how many requests of each kind are sent, and judged where they are many.
func measured() int { return evidence.Choose(20, 2000) }

// C-037
func TestRefusalsOfAPIKeysTakeAlikeLong(t *testing.T) {
	takeAlikeLong(t, "C-037", refusalsThatMustNotTell)
}

// C-038
func TestSecretsThatAreAlmostRightTakeAlikeLong(t *testing.T) {
	takeAlikeLong(t, "C-038", secretsThatAreAlmostRight)
}

// C-211
func TestRefusalsOfSignInsTakeAlikeLong(t *testing.T) {
	takeAlikeLong(t, "C-211", signInsThatMustNotTell, "--trusted-proxies", "127.0.0.1")
}

// takeAlikeLong asks a server started with args, with kinds of requests that must look
// alike, and the control.
func takeAlikeLong(t *testing.T, rule string, prepare func(*testing.T, *harness.Server, harness.APIKey) []*kind, args ...string) {
	t.Helper()
	s, key := harness.StartWithKey(t, "demo", args...)
	kinds := prepare(t, s, key)
	measure(t, s, kinds, measured())
	report := judge(kinds)
	t.Log(report)
	report.row(rule).Report(t)
	if !evidence.Full() {
		return
	}
	for _, p := range report.Pairs {
		if !p.alike() {
			t.Errorf("%s and %s can be told apart: medians %.3f, t %.1f", p.A, p.B, p.Ratio, p.T)
		}
	}
	for _, p := range report.Controls {
		if p.alike() {
			t.Errorf("the method sees no difference between %s and %s: medians %.3f, t %.1f", p.A, p.B, p.Ratio, p.T)
		}
	}
}

// theRightSecret really takes longer, for a token is signed. Whoever cannot see
// that difference sees none.
func theRightSecret(s *harness.Server, key harness.APIKey) *kind {
	return &kind{name: "the right secret", control: true, request: forToken(s, key), status: http.StatusOK}
}

func refusalsThatMustNotTell(t *testing.T, s *harness.Server, key harness.APIKey) []*kind {
	t.Helper()
	other, deleted := s.CreateKey(t, "demo"), s.CreateKey(t, "demo")
	s.CLI(t, "merchant", "create", "--id", "4260", "--name", "Suspended")
	suspended := s.CreateKeyOf(t, "4260", "demo")
	s.CLI(t, "merchant", "create", "--id", "4261", "--name", "Elsewhere")
	elsewhere := s.CreateKeyOf(t, "4261", "demo")
	s.CLI(t, "key", "update", elsewhere.ClientID, "--allow-cidr", "203.0.113.0/24")
	harness.Eventually(t, 5*time.Second, "the API keys work", func() bool { return s.Works(t, deleted) && s.Works(t, suspended) })
	s.CLI(t, "key", "delete", deleted.ClientID, "--yes")
	s.CLI(t, "merchant", "suspend", "4260")
	harness.Eventually(t, 5*time.Second, "they no longer do", func() bool { return !s.Works(t, deleted) && !s.Works(t, suspended) && !s.Works(t, elsewhere) })
	return []*kind{
		refused(s, "an unknown ID", "twc_demo_Q7bZ2mXw9KcR4tYv8NfGh3", other.ClientSecret),
		refused(s, "a wrong secret", key.ClientID, other.ClientSecret),
		refused(s, "a deleted API key", deleted.ClientID, deleted.ClientSecret),
		refused(s, "a suspended merchant", suspended.ClientID, suspended.ClientSecret),
		refused(s, "another address", elsewhere.ClientID, elsewhere.ClientSecret),
		theRightSecret(s, key),
	}
}

// secretsThatAreAlmostRight have check digits that fit, or they would die
// before they are compared.
func secretsThatAreAlmostRight(t *testing.T, s *harness.Server, key harness.APIKey) []*kind {
	t.Helper()
	const random = 43 // characters, between the prefix and the check digits
	first := strings.LastIndexByte(key.ClientSecret, '_') + 1
	return []*kind{
		refused(s, "wrong in the first character", key.ClientID, changedAt(key.ClientSecret, first)),
		refused(s, "wrong in a middle character", key.ClientID, changedAt(key.ClientSecret, first+random/2)),
		refused(s, "wrong in the last character", key.ClientID, changedAt(key.ClientSecret, first+random-1)),
		theRightSecret(s, key),
	}
}

func refused(s *harness.Server, name, id, secret string) *kind {
	return &kind{name: name, request: forToken(s, harness.APIKey{ClientID: id, ClientSecret: secret}), status: http.StatusUnauthorized}
}

// changedAt is a secret with one other character.
func changedAt(secret string, at int) string {
	other := "A"
	if secret[at] == 'A' {
		other = "B"
	}
	changed := harness.WithChecksum(secret[:at] + other + secret[at+1:])
	harness.NoteSecret(changed)
	return changed
}
