package differential

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// ask returns who accepts a token. All that do must read the same out of it.
func ask(t testing.TB, readers []reader, token string) []string {
	t.Helper()
	var who []string
	var first message
	for _, r := range readers {
		m, err := r.read(token)
		if err != nil {
			continue
		}
		if m.alg == "Ed25519" { // RFC 9864: the newer name of the same
			m.alg = "EdDSA"
		}
		if len(who) == 0 {
			first = m
		} else if m != first && who[0] == "ours" {
			t.Errorf("%s reads %+v, %s reads %+v out of %q", who[0], first, r.name, m, token)
		}
		who = append(who, r.name)
	}
	return who
}

// what ours accepts the others accept, and read the same. Where ours is
// stricter, and the few places where it is wider, are listed.
func TestOursAcceptsWhatTheOthersDo(t *testing.T) {
	is := newIssuer(t)
	readers := newReaders(t, is.keys)
	accepted := map[jose.Algorithm]map[string][]string{}
	for _, alg := range algorithms {
		accepted[alg] = map[string][]string{}
		for _, m := range is.mutants(t, alg) {
			if _, twice := accepted[alg][m.name]; twice {
				t.Fatalf("two mutants are named %s", m.name)
			}
			accepted[alg][m.name] = ask(t, readers, m.token)
		}
	}
	compare(t, disagreements(len(readers), accepted), stricterTokens, widerTokens)
	for _, name := range acceptedByAll { // else all could refuse everything for a fault of the test
		for _, alg := range algorithms {
			if len(accepted[alg][name]) != len(readers) {
				t.Errorf("%s: accepted by %v", name, accepted[alg][name])
			}
		}
	}
}

var acceptedByAll = []string{
	"header: as ours", "header: white space inside", "header: other order", "header: escaped name", "header: escaped value", "header: unknown members",
	`instead of typ: "typ":"JWT"`, "payload: empty object", "payload: member twice",
}
