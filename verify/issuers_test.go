package verify

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// Each token of an API that serves several environments is for the one whose
// issuer it names.
func TestIssuersHaveTheirTokensJudgedEachByItsOwn(t *testing.T) {
	s, other := testSigner(t, jose.ES256), testSigner(t, jose.EdDSA)
	second := testConfig(other)
	second.Issuer, second.Audience = issuer+"2", audience+"2"
	all := Issuers{newVerifier(t, testConfig(s)), newVerifier(t, second)}
	claims := sample
	claims.Issuer, claims.Audience = second.Issuer, second.Audience
	elsewhere := claims
	elsewhere.Issuer = issuer + "3"
	for name, tc := range map[string]struct {
		token string
		want  error
	}{
		"of the first":                {signed(t, s), nil},
		"of the second":               {signToken(t, other, string(claims.AppendJSON(nil))), nil},
		"of the second, by the first": {signToken(t, s, string(claims.AppendJSON(nil))), ErrKey},
		"of another":                  {signToken(t, s, string(elsewhere.AppendJSON(nil))), ErrIssuer},
		"junk":                        {"junk", ErrMalformed},
		"claims that cannot be read":  {signToken(t, s, `{"iss":"x"}`), ErrMalformed},
	} {
		c, err := all.Verify(t.Context(), tc.token)
		if !errors.Is(err, tc.want) || (c == nil) != (tc.want != nil) {
			t.Errorf("%s: got %v, %v, want %v", name, c, err, tc.want)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+tc.token)
		c, refusal := all.Authenticate(r)
		if (refusal == nil) != (tc.want == nil) || (c == nil) != (tc.want != nil) {
			t.Errorf("%s: got %v, %v", name, c, refusal)
		}
		if refusal != nil && (!errors.Is(refusal, tc.want) || !strings.Contains(refusal.challenge(), audience)) {
			t.Errorf("%s: refused by %v, %s", name, refusal, refusal.challenge())
		}
	}
	if c, err := (Issuers{}).Verify(t.Context(), signed(t, s)); c != nil || !errors.Is(err, ErrIssuer) {
		t.Errorf("of nobody: got %v, %v", c, err)
	}
	if _, refusal := (Issuers{}).Authenticate(httptest.NewRequest(http.MethodGet, "/", nil)); refusal == nil || strings.Contains(refusal.challenge(), "realm") {
		t.Errorf("of nobody: got %v", refusal)
	}
}
