package model

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-085.
func TestTokenIDsOfTwoNodesDiffer(t *testing.T) {
	in := onSQLite(t)
	_, err := in.nodes[0].CreateScope(t.Context(), somebody, authority.Scope{Name: scope})
	must(t, err)
	k := in.newKey(t, "standing")
	seen := map[string]bool{}
	for range rounds() / 4 * 1000 {
		for _, a := range in.nodes {
			token, err := a.IssueToken(k.request())
			must(t, err)
			if seen[token.ID] {
				t.Fatalf("two of %d tokens have the ID %s", len(seen), token.ID)
			}
			seen[token.ID] = true
		}
	}
}
