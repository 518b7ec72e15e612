package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// These are not parallel to others: a second is short where everything runs at
// the same time.

// acts waits for a change made beside the running server, counted from the end
// of the command that made it.
func acts(t *testing.T, s *harness.Server, what string, so func() bool) {
	t.Helper()
	ended := time.Now()
	harness.Eventually(t, time.Second, what, so)
	t.Logf("%s: after %s", what, time.Since(ended).Round(time.Millisecond))
}

func TestChangeBesideTheServerActsWithinASecond(t *testing.T) {
	s := harness.Start(t)
	s.Seed(t)
	s.CLI(t, "merchant", "update", "4259", "--key-limit", "100")
	for range 3 {
		key := s.CreateKey(t, "demo")
		acts(t, s, "a new API key works", func() bool { return s.Works(t, key) })
		s.CLI(t, "key", "disable", key.ClientID)
		acts(t, s, "a disabled API key is refused", func() bool { return !s.Works(t, key) })
		s.CLI(t, "key", "enable", key.ClientID)
		acts(t, s, "an API key enabled again works", func() bool { return s.Works(t, key) })
		s.CLI(t, "key", "delete", key.ClientID, "--yes")
		acts(t, s, "a deleted API key is refused", func() bool { return !s.Works(t, key) })
	}
}

func TestSuspensionBesideTheServerActsWithinASecondOnEveryKey(t *testing.T) {
	s := harness.Start(t)
	s.Seed(t)
	demo, production := s.CreateKey(t, "demo"), s.CreateKey(t, "production")
	acts(t, s, "new API keys work", func() bool { return s.Works(t, demo) && s.Works(t, production) })
	s.CLI(t, "merchant", "suspend", "4259")
	acts(t, s, "the API keys of a suspended merchant are refused", func() bool { return !s.Works(t, demo) && !s.Works(t, production) })
	s.CLI(t, "merchant", "resume", "4259")
	acts(t, s, "those of a resumed one work", func() bool { return s.Works(t, demo) && s.Works(t, production) })
}

// A token of before the change carries the generation of before: 4.6.
func TestTokensCarryTheGenerationOfTheirKey(t *testing.T) {
	s, key := harness.StartWithKey(t, "demo")
	generation := func() string {
		gen, _ := harness.Part(t, s.Token(t, key), 1)["gen"].(interface{ String() string })
		return gen.String()
	}
	before := generation()
	if generation() != before {
		t.Error("the generation changes without a reason")
	}
	s.CLI(t, "key", "disable", key.ClientID)
	acts(t, s, "the API key is refused", func() bool { return !s.Works(t, key) })
	s.CLI(t, "key", "enable", key.ClientID)
	acts(t, s, "the API key works", func() bool { return s.Works(t, key) })
	if after := generation(); len(after) < len(before) || len(after) == len(before) && strings.Compare(after, before) <= 0 {
		t.Errorf("the generation was %s and is %s", before, after)
	}
}
