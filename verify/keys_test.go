package verify

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

func TestKeysOfASetThatIsGiven(t *testing.T) {
	s := testSigner(t, jose.ES256)
	keys, err := ParseKeys(jose.MarshalJWKS([]*jose.Key{s.Public(), testSigner(t, jose.EdDSA).Public()}))
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.Keys = keys
	v := newVerifier(t, config)
	accept(t, v, "by a key of the set", signed(t, s))
	refuse(t, v, "by another", signed(t, testSigner(t, jose.RS256)), ErrKey)
	for _, text := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"oct","kid":"a","alg":"HS256"}]}`} {
		if _, err := ParseKeys([]byte(text)); err == nil {
			t.Errorf("%q is a set of keys", text)
		}
	}
}
