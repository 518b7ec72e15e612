package differential

import (
	"crypto"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tokenwright/tokenwright/internal/jose"
)

var algorithms = []jose.Algorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

// issuer holds a key of each algorithm. All tests share one: RSA keys take long.
type issuer struct {
	private map[jose.Algorithm]crypto.Signer
	signers map[jose.Algorithm]*jose.Signer
	keys    []*jose.Key
}

var theIssuer = sync.OnceValues(func() (*issuer, error) {
	is := &issuer{private: map[jose.Algorithm]crypto.Signer{}, signers: map[jose.Algorithm]*jose.Signer{}}
	for _, alg := range algorithms {
		key, signer, err := newKey(alg)
		if err != nil {
			return nil, err
		}
		is.private[alg], is.signers[alg] = key, signer
		is.keys = append(is.keys, signer.Public())
	}
	return is, nil
})

// newKey returns a key of which every number has characters of base64url
// alone, so that other spellings of all of them exist.
func newKey(alg jose.Algorithm) (crypto.Signer, *jose.Signer, error) {
	for {
		key, err := jose.GenerateKey(alg, 0)
		if err != nil {
			return nil, nil, err
		}
		signer, err := jose.NewSigner(alg, key)
		if err != nil {
			return nil, nil, err
		}
		spelled := true
		for text := range strings.SplitSeq(string(signer.Public().AppendJWK(nil)), `"`) {
			spelled = spelled && (len(text) < 40 || text == signer.KeyID() || strings.ContainsAny(text, "-_"))
		}
		if spelled {
			return key, signer, nil
		}
	}
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	is, err := theIssuer()
	must(t, err)
	return is
}

// header is the header of ours, with extra members at its end.
func (is *issuer) header(alg jose.Algorithm, extra ...string) string {
	h := `{"alg":"` + string(alg) + `","kid":"` + is.signers[alg].KeyID() + `","typ":"at+jwt"`
	return h + strings.Join(append([]string{""}, extra...), ",") + "}"
}

// sign signs with the key of alg, whatever the header says.
func (is *issuer) sign(t testing.TB, alg jose.Algorithm, header, payload string) string {
	t.Helper()
	return is.signText(t, alg, string(alg), encode([]byte(header))+"."+encode([]byte(payload)))
}

// signText signs header.payload in whatever spelling, by the method of any
// JOSE name. golang-jwt does it, which lets more be signed than ours does.
func (is *issuer) signText(t testing.TB, alg jose.Algorithm, method, text string) string {
	t.Helper()
	signature, err := jwt.GetSigningMethod(method).Sign(text, is.private[alg])
	must(t, err)
	return text + "." + encode(signature)
}
