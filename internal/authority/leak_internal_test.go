package authority

import (
	"math/rand/v2"
	"testing"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// C-371: every secret leads to its API key, and no other.
func TestEverySecretLeadsToItsAPIKey(t *testing.T) {
	r, d := rand.New(rand.NewPCG(3, 4)), testDirectory()
	a := &Authority{format: credential.Format{Prefix: "tw"}, environments: testEnvironments}
	var c DirectoryChanges
	for range 200 {
		c.Keys = append(c.Keys, *randomKey(r, 5))
	}
	if err := d.apply(&c, a.format); err != nil {
		t.Fatal(err)
	}
	for _, k := range c.Keys {
		for _, s := range k.Secrets {
			if id, ok := a.ownerOf(d, (*credential.Hash)(s.Hash)); !ok || id != k.ClientID {
				t.Errorf("secret %d of %s leads to %q", s.ID, k.ClientID, id)
			}
		}
	}
	if id, ok := a.ownerOf(d, &credential.Hash{1}); ok {
		t.Errorf("a secret of nobody leads to %s", id)
	}
}
