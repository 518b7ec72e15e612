package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"hash"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// refuse checks that the token is refused with an error of this package that
// does not quote it. A nil want means any of them.
func refuse(t *testing.T, name, token string, key *Key, want error) {
	t.Helper()
	err := accept(token, key)
	ours := errors.Is(err, ErrMalformed) || errors.Is(err, ErrAlgorithm) || errors.Is(err, ErrSignature)
	if !ours || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: got %v, want an error that is %v", name, err, want)
		return
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			t.Errorf("%s: the error quotes the token: %v", name, err)
		}
	}
}

// Every bit of every character of a whole token, for each algorithm.
func TestEverySingleBitFlipIsRefused(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			s := testSigner(t, alg)
			good := signToken(t, s, []byte(`{"sub":"a"}`))
			if err := accept(good, s.Public()); err != nil {
				t.Fatal(err)
			}
			token := []byte(good)
			for i := range token {
				for bit := range 8 {
					token[i] ^= 1 << bit
					if accept(string(token), s.Public()) == nil {
						t.Errorf("bit %d of character %d: accepted", bit, i)
					}
					token[i] ^= 1 << bit
				}
			}
		})
	}
}

func TestTokensCutOrExtendedAnywhereAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	token := signToken(t, s, []byte(`{}`))
	for i := range token {
		refuse(t, "cut at "+strconv.Itoa(i), token[:i], s.Public(), nil)
		for _, extra := range []string{"A", ".", "=", "\n", "\x00"} {
			refuse(t, "extended at "+strconv.Itoa(i), token[:i]+extra+token[i:], s.Public(), nil)
		}
	}
}

// C-095.
func TestAlgorithmNoneIsRefused(t *testing.T) {
	s := testSigner(t, ES256)
	good := signToken(t, s, benchPayload)
	parts := strings.Split(good, ".")
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "none ", " none", "", "null", "n\\u006fne", "none\\u0000"} {
		header := encode(`{"alg":"` + alg + `","kid":"` + s.KeyID() + `","typ":"at+jwt"}`)
		for name, signature := range map[string]string{"no": "", "the original": parts[2], "garbage": "AAAA"} {
			refuse(t, "alg "+alg+" with "+name+" signature", header+"."+parts[1]+"."+signature, s.Public(), nil)
		}
		refuse(t, "alg "+alg+", properly signed", signHeader(t, s, header, benchPayload), s.Public(), nil)
		refuse(t, "alg "+alg+" in two parts", header+"."+parts[1], s.Public(), ErrMalformed)
	}
	for _, header := range []string{
		`{"kid":"` + s.KeyID() + `","typ":"at+jwt"}`,
		`{"alg":null,"kid":"` + s.KeyID() + `","typ":"at+jwt"}`,
		`{"alg":["ES256"],"kid":"` + s.KeyID() + `","typ":"at+jwt"}`,
		`{"ALG":"ES256","kid":"` + s.KeyID() + `","typ":"at+jwt"}`,
	} {
		refuse(t, header, signHeader(t, s, encode(header), benchPayload), s.Public(), ErrMalformed)
	}
}

// C-095, C-102: exactly three parts; JWE has five.
func TestTokensNotOfThreePartsAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	good := signToken(t, s, benchPayload)
	parts := strings.Split(good, ".")
	for _, token := range []string{
		"", ".", "..", "...", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d",
		parts[0], parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".",
		parts[0] + ".." + parts[2], "." + parts[1] + "." + parts[2],
		good + ".", good + "." + parts[2], "." + good, good + "..", good + ".a.b",
		strings.Replace(good, ".", "..", 1),
		// Compact JWE, and both JSON serializations of JWS.
		"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA",
		`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
	} {
		refuse(t, token, token, s.Public(), ErrMalformed)
	}
}

// C-096.
func TestMACWithThePublicKeyAsSecretIsRefused(t *testing.T) {
	macs := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		text, err := s.Public().PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		jwk := s.Public().AppendJWK(nil)
		var members map[string]string
		if err := json.Unmarshal(jwk, &members); err != nil {
			t.Fatal(err)
		}
		secrets := map[string][]byte{
			"PEM":               text,
			"PEM without end":   bytes.TrimSpace(text),
			"PEM with BOM":      append([]byte("\ufeff"), text...),
			"DER":               block.Bytes,
			"JWK":               jwk,
			"JWKS":              MarshalJWKS([]*Key{s.Public()}),
			"n":                 decode(t, members["n"]),
			"n in base64url":    []byte(members["n"]),
			"x":                 decode(t, members["x"]),
			"x, y":              append(decode(t, members["x"]), decode(t, members["y"])...),
			"uncompressed x, y": append([]byte{4}, append(decode(t, members["x"]), decode(t, members["y"])...)...),
			"kid":               []byte(s.KeyID()),
			"empty":             {},
			"a weak secret":     []byte("secret"),
			"a common example":  []byte("your-256-bit-secret"),
		}
		for name, newHash := range macs {
			signed := encode(`{"alg":"`+name+`","kid":"`+s.KeyID()+`","typ":"at+jwt"}`) + "." + encode(string(benchPayload))
			for kind, secret := range secrets {
				mac := hmac.New(newHash, secret)
				mac.Write([]byte(signed))
				token := signed + "." + string(AppendBase64(nil, mac.Sum(nil)))
				refuse(t, name+" with "+kind, token, s.Public(), ErrAlgorithm)
			}
		}
	}
}

// C-097: the algorithm is the key's; the header can only confirm it.
func TestHeaderCannotChooseTheAlgorithm(t *testing.T) {
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		for _, other := range []string{"ES256", "ES384", "ES512", "ES256K", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
			"EdDSA", "Ed25519", "Ed448", "HS256", "RSA-OAEP", "A128KW", "dir", "PBES2-HS256+A128KW"} {
			if other == string(alg) || alg == EdDSA && other == "Ed25519" {
				continue
			}
			header := encode(`{"alg":"` + other + `","kid":"` + s.KeyID() + `","typ":"at+jwt"}`)
			refuse(t, string(alg)+" key, header "+other, signHeader(t, s, header, benchPayload), s.Public(), ErrAlgorithm)
		}
	}
	// One RSA key, and so one kid, bound to either algorithm.
	rs, ps := testSigner(t, RS256), testSigner(t, PS256)
	refuse(t, "RS256 token, PS256 key", signToken(t, rs, benchPayload), ps.Public(), ErrAlgorithm)
	refuse(t, "PS256 token, RS256 key", signToken(t, ps, benchPayload), rs.Public(), ErrAlgorithm)
	header := rs.Header("at+jwt")
	refuse(t, "PS256 signature under an RS256 header", signHeader(t, ps, header, benchPayload), rs.Public(), ErrSignature)
}

// C-088: RFC 8037 and RFC 9864 name the same algorithm.
func TestBothNamesOfEd25519AreAccepted(t *testing.T) {
	s := testSigner(t, EdDSA)
	for _, name := range []string{"EdDSA", "Ed25519"} {
		header := encode(`{"alg":"` + name + `","kid":"` + s.KeyID() + `","typ":"at+jwt"}`)
		if err := accept(signHeader(t, s, header, benchPayload), s.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// C-098.
func TestSignaturesOfAnotherFormAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	good := signToken(t, s, benchPayload)
	m, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N.Bytes()
	r, ss := m.signature[:32], m.signature[32:]
	zero, ones := make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)
	one := append(make([]byte, 31), 1)
	for name, signature := range map[string][]byte{
		"all zero":         make([]byte, 64), // CVE-2022-21449
		"r = 0":            bytes.Join([][]byte{zero, ss}, nil),
		"s = 0":            bytes.Join([][]byte{r, zero}, nil),
		"r = n":            bytes.Join([][]byte{n, ss}, nil),
		"s = n":            bytes.Join([][]byte{r, n}, nil),
		"r = s = n":        bytes.Join([][]byte{n, n}, nil),
		"r = s = 1":        bytes.Join([][]byte{one, one}, nil),
		"all ones":         bytes.Join([][]byte{ones, ones}, nil),
		"swapped":          bytes.Join([][]byte{ss, r}, nil),
		"DER":              derSignature(m.signature),
		"63 bytes":         m.signature[:63],
		"63, zero cut off": m.signature[1:],
		"65 bytes":         append(bytes.Clone(m.signature), 0),
		"65, zero before":  append([]byte{0}, m.signature...),
		"one byte":         {0},
		"r alone":          r,
		"twice":            append(bytes.Clone(m.signature), m.signature...),
		"132 bytes":        make([]byte, 132),
	} {
		refuse(t, name, m.signed+"."+string(AppendBase64(nil, signature)), s.Public(), ErrSignature)
	}
	for _, alg := range []Algorithm{RS256, PS256, EdDSA} {
		s := testSigner(t, alg)
		m, err := Parse(signToken(t, s, benchPayload))
		if err != nil {
			t.Fatal(err)
		}
		size := len(m.signature)
		for name, signature := range map[string][]byte{
			"all zero":     make([]byte, size),
			"all ones":     bytes.Repeat([]byte{0xff}, size),
			"one, padded":  append(make([]byte, size-1), 1),
			"a byte less":  m.signature[:size-1],
			"a byte more":  append(bytes.Clone(m.signature), 0),
			"a zero first": append([]byte{0}, m.signature...),
			"one byte":     {1},
			"4 KiB":        make([]byte, 4096),
		} {
			refuse(t, string(alg)+" "+name, m.signed+"."+string(AppendBase64(nil, signature)), s.Public(), ErrSignature)
		}
	}
}

// RFC 7518 3.5.
func TestPS256SaltIsAsLongAsTheHash(t *testing.T) {
	s := testSigner(t, PS256)
	for _, salt := range []int{rsa.PSSSaltLengthAuto, 1, 20, 31, 32, 33, 64} {
		other := *s
		other.opts = &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256}
		err := accept(signToken(t, &other, benchPayload), s.Public())
		if (err == nil) != (salt == 32) {
			t.Errorf("salt of %d bytes: %v", salt, err)
		}
	}
}

// C-099, C-101, C-102: what a header may not hold, in a properly signed token.
func TestHeadersWithForeignKeysExtensionsOrNestingAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	attacker := newTestSigner(t, ES256)
	jwk := string(attacker.Public().AppendJWK(nil))
	for _, extra := range []string{
		`"jwk":` + jwk, `"jwk":{}`, `"jwk":null`, `"jku":"https://attacker.example/jwks"`, `"jku":""`,
		`"x5u":"https://attacker.example/cert"`, `"x5c":["AAAA"]`, `"x5c":[]`, `"x5t":"AAAA"`, `"x5t#S256":"AAAA"`,
		`"crit":["exp"]`, `"crit":[]`, `"crit":["b64"],"b64":true`, `"crit":["alg"]`, `"crit":["x","x"]`, `"crit":null`, `"crit":"exp"`,
		`"b64":false`, `"b64":true`, `"zip":"DEF"`, `"zip":null`, `"enc":"A128GCM"`, `"cty":"JWT"`, `"cty":"application/json"`,
	} {
		header := `{"alg":"ES256","kid":"` + s.KeyID() + `","typ":"at+jwt",` + extra + `}`
		refuse(t, extra, signHeader(t, s, encode(header), benchPayload), s.Public(), ErrMalformed)
	}
	// The attacker's key, under the kid of ours: it is ours that verifies.
	header := `{"alg":"ES256","kid":"` + s.KeyID() + `","typ":"at+jwt","jwk":` + jwk + `}`
	refuse(t, "embedded key", signHeader(t, attacker, encode(header), benchPayload), s.Public(), ErrMalformed)
	refuse(t, "kid of ours", signHeader(t, attacker, s.Header("at+jwt"), benchPayload), s.Public(), ErrSignature)
	refuse(t, "kid of another", signToken(t, attacker, benchPayload), s.Public(), ErrSignature)
	refuse(t, "our signature, kid of another", signHeader(t, s, attacker.Header("at+jwt"), benchPayload), s.Public(), ErrSignature)
}

// C-100.
func TestKeyIDsThatAreNotPlainTextAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	for name, kid := range map[string]string{
		"absent": ``, "empty": `""`, "null": `null`, "number": `1`, "array": `["` + s.KeyID() + `"]`, "object": `{"a":"b"}`, "bool": `true`,
		"129 characters": `"` + strings.Repeat("a", 129) + `"`, "NUL": `"a\u0000"`, "line feed": `"a\n"`, "DEL": `"a\u007f"`,
		"not ASCII": `"schlüssel"`, "right to left": `"\u202ekey"`, "emoji": `"\ud83d\udd11"`, "quote": `"a\"b"`, "backslash": `"a\\b"`,
		"space": `"a b"`, "SQL": `"' OR 1=1--"`, "lone surrogate": `"\ud800"`,
	} {
		if kid != "" {
			kid = `"kid":` + kid + `,`
		}
		header := `{"alg":"ES256",` + kid + `"typ":"at+jwt"}`
		refuse(t, name, signHeader(t, s, encode(header), benchPayload), s.Public(), ErrMalformed)
	}
	for _, kid := range []string{"../../dev/null", "|cat$IFS/etc/passwd", "http://attacker.example/key", s.KeyID() + "A", strings.Repeat("a", 128)} {
		header := `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`
		refuse(t, kid, signHeader(t, s, encode(header), benchPayload), s.Public(), ErrSignature)
	}
	megabyte := `{"alg":"ES256","kid":"` + strings.Repeat("a", 1<<20) + `","typ":"at+jwt"}`
	refuse(t, "1 MiB", signHeader(t, s, encode(megabyte), benchPayload), s.Public(), ErrMalformed)
}

// C-103: all of these decode to what was signed with a lax decoder.
func TestOtherSpellingsOfATokenAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	var token string
	for i := 0; !strings.Contains(token, "-") || !strings.Contains(token, "_"); i++ {
		token = signToken(t, s, strconv.AppendInt([]byte("???>>>"), int64(i), 10))
	}
	parts := strings.Split(token, ".")
	for name, other := range map[string]string{
		"plus":                strings.ReplaceAll(token, "-", "+"),
		"slash":               strings.ReplaceAll(token, "_", "/"),
		"padded signature":    token + "==",
		"padded header":       parts[0] + "=." + parts[1] + "." + parts[2],
		"padded payload":      parts[0] + "." + parts[1] + "=." + parts[2],
		"space before":        " " + token,
		"space after":         token + " ",
		"line feed after":     token + "\n",
		"CR LF after":         token + "\r\n",
		"line feed in header": token[:5] + "\n" + token[5:],
		"CR in signature":     token[:len(token)-5] + "\r" + token[len(token)-5:],
		"percent encoded":     strings.Replace(token, ".", "%2E", 1),
		"Bearer":              "Bearer " + token,
		"quoted":              `"` + token + `"`,
	} {
		refuse(t, name, other, s.Public(), ErrMalformed)
	}
	// The last of 86 characters holds 2 bits of the signature and 4 that must be zero.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	accepted := 0
	for _, last := range alphabet {
		if accept(token[:len(token)-1]+string(last), s.Public()) == nil {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d spellings of one signature accepted", accepted)
	}
}

// C-104.
func TestHeadersWithTwoMeaningsAreRefused(t *testing.T) {
	s := testSigner(t, ES256)
	kid := s.KeyID()
	for _, header := range []string{
		`{"alg":"ES256","alg":"none","kid":"` + kid + `","typ":"at+jwt"}`,
		`{"alg":"none","alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`,
		`{"alg":"ES256","kid":"x","kid":"` + kid + `","typ":"at+jwt"}`,
		`{"alg":"ES256","Alg":"none","kid":"` + kid + `","typ":"at+jwt"}`,
		`{"alg":"ES256","kid":"` + kid + `","KID":"x","typ":"at+jwt"}`,
		`{"alg":"ES256","\u0061lg":"none","kid":"` + kid + `","typ":"at+jwt"}`,
		`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}{}`,
		`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"} x`,
		`{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt",}`,
		`["ES256"]`, `"ES256"`, `null`, `{}`, `{`, "\ufeff{}", "{\"alg\":\"ES256\xff\"}",
	} {
		refuse(t, header, signHeader(t, s, encode(header), benchPayload), s.Public(), ErrMalformed)
	}
}

// C-105: the type is told as it is written, and always there. Which types are
// accepted, and in which spellings, is the caller's affair.
func TestTypeIsRequiredAndToldAsWritten(t *testing.T) {
	s := testSigner(t, ES256)
	for _, typ := range []string{``, `"typ":"",`, `"typ":null,`, `"typ":["at+jwt"],`, `"typ":1,`, `"TYP":"at+jwt",`} {
		header := `{"alg":"ES256",` + typ + `"kid":"` + s.KeyID() + `"}`
		refuse(t, header, signHeader(t, s, encode(header), benchPayload), s.Public(), ErrMalformed)
	}
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "JWT", "at+JWT ", "dpop+jwt"} {
		m, err := Parse(signHeader(t, s, s.Header(typ), benchPayload))
		if err != nil || m.Type != typ || m.Verify(s.Public()) != nil {
			t.Errorf("%q: got %+v, %v", typ, m, err)
		}
	}
}

// RFC 7515 4: members that are not understood are ignored.
func TestUnknownHeaderMembersAreIgnored(t *testing.T) {
	s := testSigner(t, ES256)
	header := `{"x":{"crit":["a"],"jwk":{}},"Crit":1,"alg":"ES256","typ":"at+jwt","kid":"` + s.KeyID() + `","p2c":1000000000}`
	if err := accept(signHeader(t, s, encode(header), benchPayload), s.Public()); err != nil {
		t.Error(err)
	}
}

func TestTheLongestHeaderIsAcceptedAndNoLonger(t *testing.T) {
	s := testSigner(t, EdDSA)
	for extra, want := range []error{nil, ErrMalformed} {
		header := `{"alg":"EdDSA","kid":"` + s.KeyID() + `","typ":"at+jwt","x":"`
		header = encode(header + strings.Repeat("x", maxHeaderSize/4*3+extra-len(header)-2) + `"}`)
		if err := accept(signHeader(t, s, header, []byte("a")), s.Public()); !errors.Is(err, want) {
			t.Errorf("header of %d bytes: %v", len(header), err)
		}
	}
}

func TestTheLongestTokenIsAcceptedAndNoLonger(t *testing.T) {
	s := testSigner(t, EdDSA)
	overhead := len(s.Header("at+jwt")) + 2 + 86
	for extra, want := range []error{nil, ErrMalformed} {
		encoded := MaxTokenSize - overhead + extra
		payload := bytes.Repeat([]byte("a"), encoded*3/4)
		token := signToken(t, s, payload)
		if len(token) != MaxTokenSize+extra {
			t.Fatalf("the token has %d bytes, want %d", len(token), MaxTokenSize+extra)
		}
		if err := accept(token, s.Public()); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", len(token), err)
		}
	}
}

// C-111: refused in little memory, and in no longer than good tokens are
// verified. Ten of them, as the race detector slows what reads, not what verifies.
func TestHugeTokensAreRefusedCheaply(t *testing.T) {
	s := testSigner(t, ES256)
	var members strings.Builder
	for i := range 10_000 {
		members.WriteString(`,"m` + strconv.Itoa(i) + `":1`)
	}
	// The fastest of many runs, as a machine under load has some that are slow,
	// and what a run allocates.
	cost := func(run func()) (fastest time.Duration, bytes uint64) {
		const runs = 20
		var before, after runtime.MemStats
		fastest = math.MaxInt64
		runtime.ReadMemStats(&before)
		for range runs {
			start := time.Now()
			run()
			fastest = min(fastest, time.Since(start))
		}
		runtime.ReadMemStats(&after)
		return fastest, (after.TotalAlloc - before.TotalAlloc) / runs
	}
	good := signToken(t, s, benchPayload)
	verified, _ := cost(func() {
		if err := accept(good, s.Public()); err != nil {
			t.Fatal(err)
		}
	})
	header := func(extra string) string {
		return encode(`{"alg":"ES256","kid":"` + s.KeyID() + `","typ":"at+jwt"` + extra + `}`)
	}
	filled := func(extra string) string { // the most that fits
		return header(extra)[:maxHeaderSize] + ".e30." + strings.Repeat("A", MaxTokenSize-maxHeaderSize-5)
	}
	for name, token := range map[string]string{
		"1e6 dots":              strings.Repeat(".", 1_000_000),
		"8 KiB of dots":         strings.Repeat(".", MaxTokenSize),
		"1 MiB":                 strings.Repeat("a", 1<<20),
		"1 MiB signed":          signToken(t, s, make([]byte, 1<<20)),
		"8 KiB of letters":      strings.Repeat("a", MaxTokenSize),
		"10,000 members":        header(members.String()) + ".e30.AAAA",
		"header of members":     filled(members.String()),
		"depth 10,000":          header(`,"x":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)) + ".e30.AAAA",
		"header of depth":       filled(`,"x":` + strings.Repeat("[", 10_000)),
		"header of a name":      filled(`,"` + strings.Repeat("x", 10_000)),
		"header of escapes":     filled(`,"x":"` + strings.Repeat(`\u0041`, 10_000)),
		"header of an array":    filled(`,"x":[` + strings.Repeat("1,", 10_000)),
		"signature of 4096 bit": header("") + ".e30." + string(AppendBase64(nil, make([]byte, 512))),
	} {
		fastest, bytes := cost(func() {
			if accept(token, s.Public()) == nil {
				t.Fatalf("%s: accepted", name)
			}
		})
		most := uint64(64 << 10)
		if len(token) > MaxTokenSize {
			most = 1 << 10 // nothing of it is read
		}
		if bytes > most || fastest > 10*verified {
			t.Errorf("%s: %d bytes allocated in %v; a good token takes %v", name, bytes, fastest, verified)
		}
	}
}

func TestVerifyRefusesKeysOfOthers(t *testing.T) {
	for _, alg := range []Algorithm{ES256, EdDSA} {
		s, other := testSigner(t, alg), newTestSigner(t, alg)
		impostor := &Key{alg: alg, kid: s.KeyID(), public: other.Public().public}
		refuse(t, string(alg), signToken(t, s, benchPayload), impostor, ErrSignature)
	}
	// A point off the curve cannot become a Key; even so it must not verify.
	s := testSigner(t, ES256)
	broken := *s.Public().public.(*ecdsa.PublicKey)
	//lint:ignore SA1019 only the raw coordinates can make a key that is invalid
	broken.Y = broken.X
	refuse(t, "off the curve", signToken(t, s, benchPayload), &Key{alg: ES256, kid: s.KeyID(), public: &broken}, ErrSignature)
}

// what Parse accepts has one spelling, keeps within its bounds, and is not
// signed by our key unless our key signed it.
func FuzzParse(f *testing.F) {
	s := testSigner(f, ES256)
	signed := signToken(f, s, []byte(`{"sub":"a"}`))
	f.Add(signed)
	f.Add(rfc7515ES256)
	f.Add(rfc7520RS256)
	f.Add(rfc8037EdDSA)
	f.Add(encode(`{"alg":"none","kid":"k","typ":"JWT"}`) + ".e30.")
	f.Add(encode(`{"alg":"Ed25519","kid":"k","typ":"JWT","crit":[]}`) + ".e30.AA")
	f.Add("..")
	for i := range len(signed) / 20 {
		f.Add(signed[:20*i] + "\n" + signed[20*i:])
	}
	f.Add(signed + "\r\n")
	f.Add(signed + "==")
	f.Fuzz(func(t *testing.T, token string) {
		defer fuzztest.Bound(t)()
		m, err := Parse(token)
		if err != nil {
			if m != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrAlgorithm) {
				t.Fatalf("refused with %v, %v", m, err)
			}
			return
		}
		parts := strings.Split(token, ".")
		for _, part := range parts { // by an encoding/base64 that is not strict
			if data, err := base64.RawURLEncoding.DecodeString(part); err != nil || base64.RawURLEncoding.EncodeToString(data) != part {
				t.Fatalf("%q is not the one spelling: %v", part, err)
			}
		}
		if len(token) > MaxTokenSize || len(parts) != 3 || m.signed != parts[0]+"."+parts[1] ||
			string(AppendBase64(nil, m.Payload)) != parts[1] || string(AppendBase64(nil, m.signature)) != parts[2] {
			t.Fatalf("parsed as %+v", m)
		}
		if m.KeyID == "" || len(m.KeyID) > 128 || m.Type == "" || m.Algorithm == "" {
			t.Fatalf("parsed as %+v", m)
		}
		if err := m.Verify(s.Public()); err == nil && token != signed {
			t.Fatalf("a forged token is accepted")
		}
	})
}

// The three parts of a message share memory; what a caller appends to the payload
// must not become the signature.
func TestPayloadIsTheCallersOwn(t *testing.T) {
	s := testSigner(t, ES256)
	m, err := Parse(signToken(t, s, benchPayload))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(m.Payload, "and more"...)
	if err := m.Verify(s.Public()); err != nil {
		t.Error(err)
	}
}
