package e2e

import (
	"strings"
	"testing"
	"time"
)

// These are not parallel to others: a second is short where everything runs at
// the same time.

// acts waits for a change made beside the running server, counted from the end
// of the command that made it.
func (s *server) acts(t *testing.T, what string, so func() bool) {
	t.Helper()
	ended := time.Now()
	eventually(t, aSecond, what, so)
	t.Logf("%s: after %s", what, time.Since(ended).Round(time.Millisecond))
}

func TestChangeBesideTheServerActsWithinASecond(t *testing.T) {
	s := startServer(t)
	s.seed(t)
	s.cli(t, "merchant", "update", "4259", "--key-limit", "100")
	for range 3 {
		key := s.createKey(t, "demo")
		s.acts(t, "a new API key works", func() bool { return s.works(t, key) })
		s.cli(t, "key", "disable", key.ClientID)
		s.acts(t, "a disabled API key is refused", func() bool { return !s.works(t, key) })
		s.cli(t, "key", "enable", key.ClientID)
		s.acts(t, "an API key enabled again works", func() bool { return s.works(t, key) })
		s.cli(t, "key", "delete", key.ClientID, "--yes")
		s.acts(t, "a deleted API key is refused", func() bool { return !s.works(t, key) })
	}
}

func TestSuspensionBesideTheServerActsWithinASecondOnEveryKey(t *testing.T) {
	s := startServer(t)
	s.seed(t)
	demo, production := s.createKey(t, "demo"), s.createKey(t, "production")
	s.acts(t, "new API keys work", func() bool { return s.works(t, demo) && s.works(t, production) })
	s.cli(t, "merchant", "suspend", "4259")
	s.acts(t, "the API keys of a suspended merchant are refused", func() bool { return !s.works(t, demo) && !s.works(t, production) })
	s.cli(t, "merchant", "resume", "4259")
	s.acts(t, "those of a resumed one work", func() bool { return s.works(t, demo) && s.works(t, production) })
}

// A token of before the change carries the generation of before: 4.6.
func TestTokensCarryTheGenerationOfTheirKey(t *testing.T) {
	s, key := startWithKey(t, "demo")
	generation := func() string {
		gen, _ := part(t, s.token(t, key), 1)["gen"].(interface{ String() string })
		return gen.String()
	}
	before := generation()
	if generation() != before {
		t.Error("the generation changes without a reason")
	}
	s.cli(t, "key", "disable", key.ClientID)
	s.acts(t, "the API key is refused", func() bool { return !s.works(t, key) })
	s.cli(t, "key", "enable", key.ClientID)
	s.acts(t, "the API key works", func() bool { return s.works(t, key) })
	if after := generation(); len(after) < len(before) || len(after) == len(before) && strings.Compare(after, before) <= 0 {
		t.Errorf("the generation was %s and is %s", before, after)
	}
}
