package proof

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// cases prepare the kinds of requests that must look alike. The control is
// added by the test.
var cases = map[string]func(t *testing.T, s *harness.Server, key harness.APIKey) []*kind{
	"C-037": refusalsThatMustNotTell, "C-038": secretsThatAreAlmostRight,
}

// measured is how many requests of each kind are judged.
const measured = 2000

// C-037, C-038
func TestRefusalsThatMustNotTellTakeAlikeLong(t *testing.T) {
	if *selected != "" && *selected != "all" && cases[*selected] == nil {
		t.Fatalf("there is no case %s", *selected)
	}
	from := commit(t)
	for name, prepare := range cases {
		if cases[*selected] != nil && *selected != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s, key := harness.StartWithKey(t, "demo")
			kinds := append(prepare(t, s, key), &kind{name: control, key: key, status: http.StatusOK})
			if *selected == "" {
				measure(t, s, kinds, 20) // too few to judge times
				return
			}
			measure(t, s, kinds, measured)
			report := judge(kinds)
			t.Log(report)
			report.write(t, name, from)
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
		})
	}
}

// control really takes longer, for it signs a token. Whoever cannot see that
// difference sees none.
const control = "the right secret"

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
		refused("an unknown ID", "twc_demo_Q7bZ2mXw9KcR4tYv8NfGh3", other.ClientSecret),
		refused("a wrong secret", key.ClientID, other.ClientSecret),
		refused("a deleted API key", deleted.ClientID, deleted.ClientSecret),
		refused("a suspended merchant", suspended.ClientID, suspended.ClientSecret),
		refused("another address", elsewhere.ClientID, elsewhere.ClientSecret),
	}
}

// secretsThatAreAlmostRight have check digits that fit, or they would die
// before they are compared.
func secretsThatAreAlmostRight(t *testing.T, _ *harness.Server, key harness.APIKey) []*kind {
	t.Helper()
	const random = 43 // characters, between the prefix and the check digits
	first := strings.LastIndexByte(key.ClientSecret, '_') + 1
	return []*kind{
		refused("wrong in the first character", key.ClientID, changedAt(key.ClientSecret, first)),
		refused("wrong in a middle character", key.ClientID, changedAt(key.ClientSecret, first+random/2)),
		refused("wrong in the last character", key.ClientID, changedAt(key.ClientSecret, first+random-1)),
	}
}

func refused(name, id, secret string) *kind {
	return &kind{name: name, key: harness.APIKey{ClientID: id, ClientSecret: secret}, status: http.StatusUnauthorized}
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
