package verify

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/pem"
	"hash"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// header returns a header for s with more members, or with other values for its
// own; an empty value leaves the member out.
func header(s *jose.Signer, members ...string) string {
	pairs := []string{"alg", `"` + string(s.Algorithm()) + `"`, "kid", `"` + s.KeyID() + `"`, "typ", `"at+jwt"`}
	for i := 0; i < len(members); i += 2 {
		at := slices.Index(pairs, members[i])
		if at < 0 {
			pairs = append(pairs, members[i:i+2]...)
		} else {
			pairs[at+1] = members[i+1]
		}
	}
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, `"`+pairs[i]+`":`+pairs[i+1])
		}
	}
	return encode("{" + strings.Join(list, ",") + "}")
}

// signed is an access token of s with all in order but the header.
func signed(t testing.TB, s *jose.Signer, members ...string) string {
	t.Helper()
	return signHeader(t, s, header(s, members...), string(sample.AppendJSON(nil)))
}

// The test of the tests: what the tables below spoil is good before.
func TestUnspoiledTokensAreAccepted(t *testing.T) {
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		v := newVerifier(t, testConfig(s))
		accept(t, v, string(alg), signed(t, s))
		accept(t, v, string(alg)+" and a member that means nothing", signed(t, s, "x", `{"crit":[1]}`))
	}
}

// C-095.
func TestTokensThatAreNotSignedAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	parts := strings.Split(signed(t, s), ".")
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "none ", `n\u006fne`} {
		head := header(s, "alg", `"`+alg+`"`)
		refuse(t, v, alg+", no signature", head+"."+parts[1]+".", ErrMalformed)
		refuse(t, v, alg+", the original signature", head+"."+parts[1]+"."+parts[2], ErrAlgorithm)
		refuse(t, v, alg+", garbage", head+"."+parts[1]+".AAAA", ErrAlgorithm)
		refuse(t, v, alg+", signed", signed(t, s, "alg", `"`+alg+`"`), ErrAlgorithm)
	}
	for _, alg := range []string{"", `""`, "null", "1", `["ES256"]`} {
		refuse(t, v, "alg "+alg, signed(t, s, "alg", alg), ErrMalformed)
	}
	for _, token := range []string{
		"", ".", "..", "...", "a.b", "a.b.", "a.b.c.d.e", parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".",
		parts[0] + ".." + parts[2], strings.Join(parts, ".") + ".", strings.Join(parts, ".") + ".a.b", "Bearer " + strings.Join(parts, "."),
	} {
		refuse(t, v, token, token, ErrMalformed)
	}
}

// C-096.
func TestMACsAreRefusedWhateverTheSecret(t *testing.T) {
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		v := newVerifier(t, testConfig(s))
		text, err := s.Public().PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		secrets := [][]byte{
			nil, {0}, text, bytes.TrimSpace(text), append([]byte("\ufeff"), text...), block.Bytes, s.Public().AppendJWK(nil),
			jose.MarshalJWKS([]*jose.Key{s.Public()}), []byte(s.KeyID()), []byte("secret"), []byte("password"), []byte("your-256-bit-secret"),
		}
		for name, function := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New} {
			for _, secret := range secrets {
				message := header(s, "alg", `"`+name+`"`) + "." + encode(string(sample.AppendJSON(nil)))
				mac := hmac.New(function, secret)
				mac.Write([]byte(message))
				refuse(t, v, name+" for "+string(alg), message+"."+encode(string(mac.Sum(nil))), ErrAlgorithm)
			}
		}
	}
}

// C-097: the key has one algorithm, whatever it could do.
func TestAlgorithmsOtherThanTheKeysAreRefused(t *testing.T) {
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		v := newVerifier(t, testConfig(s))
		for _, other := range []string{"ES256", "RS256", "PS256", "EdDSA", "ES384", "ES512", "ES256K", "RS384", "PS512", "RS1", "Ed448", "es256", "ML-DSA-44"} {
			if other != string(alg) {
				refuse(t, v, string(alg)+" named "+other, signed(t, s, "alg", `"`+other+`"`), ErrAlgorithm)
			}
		}
	}
	// One RSA key signs both; the thumbprint, and so the kid, is the same.
	rs, ps := testSigner(t, jose.RS256), testSigner(t, jose.PS256)
	if rs.KeyID() != ps.KeyID() {
		t.Fatal("not one RSA key")
	}
	refuse(t, newVerifier(t, testConfig(rs)), "PS256 with the key of RS256", signed(t, ps), ErrAlgorithm)
	refuse(t, newVerifier(t, testConfig(ps)), "RS256 with the key of PS256", signed(t, rs), ErrAlgorithm)
}

// C-098.
func TestSignaturesOfAnotherFormAreRefused(t *testing.T) {
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		v := newVerifier(t, testConfig(s))
		token := signed(t, s)
		dot := strings.LastIndexByte(token, '.')
		good, err := jose.DecodeBase64(token[dot+1:])
		if err != nil {
			t.Fatal(err)
		}
		n := len(good)
		bad := map[string][]byte{
			"zeros": make([]byte, n), "ones": bytes.Repeat([]byte{255}, n), "a byte short": good[:n-1], "half": good[:n/2],
			"a zero after": append(bytes.Clone(good), 0), "a zero before": append([]byte{0}, good...), "twice": append(bytes.Clone(good), good...),
			"last bit": append(bytes.Clone(good[:n-1]), good[n-1]^1), "first half zero": append(make([]byte, n/2), good[n/2:]...),
			"second half zero": append(bytes.Clone(good[:n/2]), make([]byte, n/2)...), "swapped": append(bytes.Clone(good[n/2:]), good[:n/2]...),
		}
		if key, err := testKeys[alg](); alg == jose.ES256 {
			if err != nil {
				t.Fatal(err)
			}
			order := key.Public().(*ecdsa.PublicKey).Curve.Params().N.Bytes()
			bad["r = n"] = append(bytes.Clone(order), good[32:]...)
			bad["s = n"] = append(bytes.Clone(good[:32]), order...)
			r, s := new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])
			if bad["DER"], err = asn1.Marshal(struct{ R, S *big.Int }{r, s}); err != nil {
				t.Fatal(err)
			}
		}
		for name, signature := range bad {
			refuse(t, v, string(alg)+", "+name, token[:dot+1]+encode(string(signature)), ErrSignature)
		}
	}
	// Signed with the wrong salt length (RFC 7518 3.5).
	s := testSigner(t, jose.PS256)
	key, err := testKeys[jose.PS256]()
	if err != nil {
		t.Fatal(err)
	}
	message, _, _ := cutLast(signed(t, s))
	digest := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 20})
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, newVerifier(t, testConfig(s)), "salt of 20 bytes", message+"."+encode(string(signature)), ErrSignature)
}

func cutLast(token string) (message, signature string, ok bool) {
	dot := strings.LastIndexByte(token, '.')
	return token[:max(dot, 0)], token[dot+1:], dot >= 0
}

// C-095, C-098: nothing of a signed token can be changed.
func TestClaimsOfOneTokenUnderTheSignatureOfAnotherAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	other := strings.Split(signToken(t, s, payload(t, "customers:write", "customers:admin")), ".")
	parts := strings.Split(signed(t, s), ".")
	refuse(t, v, "payload changed", parts[0]+"."+other[1]+"."+parts[2], ErrSignature)
	refuse(t, v, "header changed", header(s, "x", "1")+"."+parts[1]+"."+parts[2], ErrSignature)
}

// C-099: keys come from the key set, which holds no other issuer's.
func TestKeysBroughtAlongAreRefusedAndNothingIsFetched(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	s := testSigner(t, jose.ES256)
	key, err := jose.GenerateKey(jose.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	attacker := newSigner(t, jose.ES256, key)
	v := newVerifier(t, testConfig(s))
	for _, kid := range []string{s.KeyID(), attacker.KeyID()} {
		for name, value := range map[string]string{
			"jwk": string(attacker.Public().AppendJWK(nil)), "jku": `"` + server.URL + `"`, "x5u": `"` + server.URL + `"`,
			"x5c": `["AAAA"]`, "x5t": `"AAAA"`, "x5t#S256": `"AAAA"`,
		} {
			refuse(t, v, name+" of an attacker", signed(t, attacker, "kid", `"`+kid+`"`, name, value), ErrMalformed)
			refuse(t, v, name+", signed by ours", signed(t, s, name, value), ErrMalformed)
		}
	}
	refuse(t, v, "another's key", signed(t, attacker), ErrKey)
	refuse(t, v, "another's key under our kid", signed(t, attacker, "kid", `"`+s.KeyID()+`"`), ErrSignature)
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests to where the tokens point", n)
	}
	// A key set that answers with another key than was asked for.
	config := testConfig(s)
	config.Keys = keySet{"other": s.Public()}
	refuse(t, newVerifier(t, config), "a key of another kid", signed(t, s, "kid", `"other"`), ErrSignature)
}

// C-100.
func TestKidsThatAreNotOursAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	for _, kid := range []string{"../../dev/null", "/etc/passwd", "'OR(1=1)--", "x", strings.ToLower(s.KeyID()), s.KeyID() + "x", s.KeyID()[:42], "https://evil.example/key", strings.Repeat("k", 128)} {
		refuse(t, v, kid, signed(t, s, "kid", `"`+kid+`"`), ErrKey)
	}
	for _, kid := range []string{
		"", "null", "1", "true", "{}", `["` + s.KeyID() + `"]`, `""`, `"' OR 1=1--"`, `"a\u0000b"`, `"` + s.KeyID() + `\u0000"`, `"é"`, `"\u2028"`,
		`" ` + s.KeyID() + `"`, `"` + strings.Repeat("k", 129) + `"`, `"` + strings.Repeat("k", 1<<20) + `"`,
	} {
		refuse(t, v, "kid "+kid[:min(len(kid), 40)], signed(t, s, "kid", kid), ErrMalformed)
	}
}

// C-101, C-102.
func TestExtensionsEncryptionAndNestingAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	for _, member := range [][2]string{
		{"crit", `["x"]`}, {"crit", `[]`}, {"crit", `["alg"]`}, {"crit", `["exp","exp"]`}, {"crit", `["b64"]`}, {"crit", "null"}, {"crit", `"x"`},
		{"b64", "false"}, {"b64", "true"}, {"zip", `"DEF"`}, {"enc", `"A128GCM"`}, {"cty", `"JWT"`},
	} {
		refuse(t, v, strings.Join(member[:], " "), signed(t, s, member[0], member[1]), ErrMalformed)
	}
	refuse(t, v, "crit and what it names", signed(t, s, "crit", `["x"]`, "x", "1"), ErrMalformed)
	good := signed(t, s)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"JWE":           encode(`{"alg":"dir","enc":"A128GCM"}`) + "..AAAA.AAAA.AAAA",
		"PBES2":         encode(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}`) + ".AAAA.AAAA.AAAA.AAAA",
		"flat JSON":     `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"general JSON":  `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"token inside":  signToken(t, s, good),
		"token as JSON": signToken(t, s, `"`+good+`"`),
	} {
		refuse(t, v, name, token, ErrMalformed)
	}
}

// C-103: a token has one spelling.
func TestOtherSpellingsOfATokenAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	good := signed(t, s)
	accept(t, v, "as written", good)
	parts := strings.Split(good, ".")
	for i, part := range parts {
		for name, spelling := range map[string]string{
			"padding": part + "=", "two of it": part + "==", "LF after": part + "\n", "CR LF inside": part[:4] + "\r\n" + part[4:], "LF before": "\n" + part,
			"space": part[:4] + " " + part[4:], "tab": part + "\t", "NUL": part + "\x00", "plus": "+" + part[1:], "slash": "/" + part[1:], "percent": "%65" + part[1:],
		} {
			again := slices.Clone(parts)
			again[i] = spelling
			refuse(t, v, name, strings.Join(again, "."), ErrMalformed)
		}
	}
	// 64 bytes leave four bits of the last of 86 characters: they are zero.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	for bits := 1; bits < 16; bits++ {
		refuse(t, v, "bits at the end", good[:len(good)-1]+alphabet[last+bits:last+bits+1], ErrMalformed)
	}
}

// C-104.
func TestHeadersWithTwoMeaningsAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	text := `{"alg":"ES256","kid":"` + s.KeyID() + `","typ":"at+jwt"}`
	for _, added := range []string{`"alg":"ES256"`, `"alg":"none"`, `"ALG":"none"`, `"kid":"x"`, `"Kid":"x"`, `"typ":"JWT"`, `"t\u0079p":"at+jwt"`} {
		for _, both := range []string{"{" + added + "," + text[1:], text[:len(text)-1] + "," + added + "}"} {
			refuse(t, v, both, signHeader(t, s, encode(both), string(sample.AppendJSON(nil))), ErrMalformed)
		}
	}
	for _, name := range []string{"alg", "kid", "typ"} {
		upper := strings.Replace(text, name, strings.ToUpper(name), 1)
		refuse(t, v, upper, signHeader(t, s, encode(upper), string(sample.AppendJSON(nil))), ErrMalformed)
	}
}

// C-105.
func TestTypeIsThatOfAnAccessToken(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	for _, typ := range []string{"at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/AT+JWT", "Application/at+JWT"} {
		accept(t, v, typ, signed(t, s, "typ", `"`+typ+`"`))
	}
	for _, typ := range []string{
		"JWT", "jwt", "JOSE", "at+JWT ", " at+jwt", "at+jwt\\u0000", "at jwt", "at-jwt", "atjwt", "dpop+jwt", "secevent+jwt", "logout+jwt", "revocations+jwt",
		"client-authentication+jwt", "application/", "application/jwt", "application//at+jwt", "application/application/at+jwt", "application/at+jwt;x=1",
		"text/at+jwt", "/at+jwt", "at+jwt,JWT", "ａt+jwt", "at+jwts",
	} {
		refuse(t, v, typ, signed(t, s, "typ", `"`+typ+`"`), ErrType)
	}
	for _, typ := range []string{"", `""`, "null", "1", `["at+jwt"]`, `{"typ":"at+jwt"}`} {
		refuse(t, v, "typ "+typ, signed(t, s, "typ", typ), ErrMalformed)
	}
}

// C-111: huge tokens cost little. How long they take no test can judge here;
// what is not allocated takes no time either.
func TestHugeTokensCostLittle(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	for name, token := range map[string]string{
		"1 MiB":              strings.Repeat("a", 1<<20),
		"1,000,000 dots":     strings.Repeat(".", 1e6),
		"dots up to the cap": strings.Repeat(".", jose.MaxTokenSize),
		"1 MiB, signed":      signToken(t, s, payload(t, "customers:read", strings.Repeat("x", 1<<20))),
		"10,000 members":     header(s, "x", "{"+strings.Repeat(`"a":1,`, 10_000)+`"b":1}`) + ".e30.AAAA",
		"depth 10,000":       header(s, "x", strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)) + ".e30.AAAA",
		"payload of depth":   signToken(t, s, payload(t, `"gen":`, `"x":`+strings.Repeat("[", 2500)+strings.Repeat("]", 2500)+`,"gen":`)),
		"payload of members": signToken(t, s, payload(t, `"gen":`, `"x":{`+strings.Repeat(`"a":1,`, 800)+`"b":1},"gen":`)),
	} {
		refuse(t, v, name, token, ErrMalformed)
		const runs = 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := v.Verify(context.Background(), token); err == nil {
				t.Fatalf("%s: accepted", name)
			}
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / runs; bytes > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, bytes)
		}
	}
	long := payload(t, "customers:read", strings.Repeat("x", 5000))
	accept(t, v, "long, but below the cap", signToken(t, s, long))
}
