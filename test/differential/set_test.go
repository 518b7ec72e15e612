package differential

import (
	"slices"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// askSet returns who reads any key out of a set. Every key that ours reads the
// others that accept the set must read alike.
func askSet(t testing.TB, set []byte) []string {
	t.Helper()
	var who []string
	var ours []publicKey
	for _, r := range setReaders {
		keys, err := r.read(set)
		if err != nil || len(keys) == 0 {
			continue
		}
		who = append(who, r.name)
		if r.name == "ours" {
			ours = keys
			continue
		}
		for _, key := range ours {
			if !slices.Contains(keys, key) {
				t.Errorf("%s reads %+v, without %+v, out of %q", r.name, keys, key, set)
			}
		}
	}
	return who
}

// R-51 for key sets. golang-jwt knows none.
func TestOursAcceptsTheKeySetsThatTheOthersDo(t *testing.T) {
	is := newIssuer(t)
	accepted := map[jose.Algorithm]map[string][]string{}
	for _, alg := range algorithms {
		accepted[alg] = map[string][]string{}
		for _, m := range is.setMutants(t, alg) {
			if _, twice := accepted[alg][m.name]; twice {
				t.Fatalf("two mutants are named %s", m.name)
			}
			accepted[alg][m.name] = askSet(t, []byte(m.token))
		}
	}
	compare(t, disagreements(len(setReaders), accepted), stricterSets, widerSets)
	for _, name := range []string{"as ours", "without use", "unknown member", "set: two keys", "set: white space around", "set: 100 keys"} {
		for _, alg := range algorithms {
			if len(accepted[alg][name]) != len(setReaders) {
				t.Errorf("%s: accepted by %v", name, accepted[alg][name])
			}
		}
	}
}
