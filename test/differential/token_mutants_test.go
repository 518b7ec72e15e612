package differential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// payload has such a length that base64 would pad it, as it would the header
// and the signatures of every algorithm.
const payload = `{"sub":"twc_demo_0123456789abcdefghijkl","x":"??>~"}`

// mutant is a token as an issuer would not send it.
type mutant struct{ name, token string }

// mutants are the tokens that everything is compared on, for one algorithm.
func (is *issuer) mutants(t testing.TB, alg jose.Algorithm) []mutant {
	t.Helper()
	m := &mutator{TB: t, issuer: is, alg: alg}
	m.spellings()
	m.frames()
	m.headers()
	m.criticals()
	m.typesAndKeyIDs()
	m.confusions()
	m.signatures()
	m.payloads()
	return m.list
}

type mutator struct {
	testing.TB
	*issuer
	alg  jose.Algorithm
	list []mutant
}

func (m *mutator) add(name, token string) { m.list = append(m.list, mutant{name, token}) }

// signed adds a token with that header, properly signed.
func (m *mutator) signed(name, header string) {
	m.Helper()
	m.add(name, m.sign(m, m.alg, header, payload))
}

// good returns the three parts of a good token, each of which has characters
// of base64url alone, and would be padded. The white space in the header sees to both.
func (m *mutator) good() []string {
	m.Helper()
	for n := 0; ; n++ {
		header := `{` + strings.Repeat(" ", n%12) + m.header(m.alg, `"x":"?>~`+strings.Repeat("?", n/12)+`"`)[1:]
		parts := strings.Split(m.sign(m, m.alg, header, payload), ".")
		if !slices.ContainsFunc(parts, func(s string) bool { return len(s)%4 == 0 || !strings.ContainsAny(s, "-_") }) {
			return parts
		}
	}
}

// spellings are other texts of the same bytes: changed after the signature was
// made, and, where the part is signed, also before.
func (m *mutator) spellings() {
	m.Helper()
	parts := m.good()
	padded := func(s string) string { return s + "==="[:4-len(s)%4] }
	swapped := func(s string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(s) }
	middle := func(insert string) func(string) string {
		return func(s string) string { return s[:len(s)/2] + insert + s[len(s)/2:] }
	}
	for i, part := range []string{"header", "payload", "signature"} {
		for _, spelling := range []struct {
			name  string
			spell func(string) string
		}{
			{"padding", padded}, {"+ and /", swapped}, {"stray bits", strayBits}, {"a line feed", middle("\n")}, {"a carriage return", middle("\r")},
			{"a space", middle(" ")}, {"a tab", middle("\t")}, {"a NUL", middle("\x00")}, {"an =", middle("=")}, {"%2D for -", middle("%2D")},
			{"a line feed at its end", func(s string) string { return s + "\n" }},
		} {
			other := slices.Clone(parts)
			other[i] = spelling.spell(parts[i])
			m.add("respelled: "+spelling.name+" in the "+part, strings.Join(other, "."))
			if i < 2 {
				m.add("signed as spelled: "+spelling.name+" in the "+part, m.signText(m, m.alg, string(m.alg), other[0]+"."+other[1]))
			}
		}
	}
}

// strayBits sets the bits of the last character that hold no data.
func strayBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return s[:len(s)-1] + alphabet[strings.IndexByte(alphabet, s[len(s)-1])+1:][:1]
}

// frames change what stands around the parts, and how many there are.
func (m *mutator) frames() {
	m.Helper()
	parts := m.good()
	token := strings.Join(parts, ".")
	for name, frame := range map[string]string{
		"space before": " " + token, "space after": token + " ", "line feed before": "\n" + token, "line feed after": token + "\n",
		"CR LF after": token + "\r\n", "NUL after": token + "\x00", "BOM before": "\ufeff" + token, "Bearer before": "Bearer " + token,
		"in quotes": `"` + token + `"`, "in angle brackets": "<" + token + ">", "dot after": token + ".", "dot before": "." + token,
		"fourth part": token + ".e30", "five parts": token + ".e30.e30", "two parts": parts[0] + "." + parts[1], "no signature": parts[0] + "." + parts[1] + ".",
		"payload detached": parts[0] + ".." + parts[2], "no header": "." + parts[1] + "." + parts[2], "comma for dot": strings.ReplaceAll(token, ".", ","),
		"upper case": strings.ToUpper(token), "twice": token + token, "cut": token[:len(token)-1], "a letter more": token + "A", "four letters more": token + "AAAA",
		"flattened JSON": `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"general JSON":   `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
	} {
		m.add("frame: "+name, frame)
	}
	m.add("payload of another token", parts[0]+"."+encode([]byte(`{"sub":"a"}`))+"."+parts[2])
	m.add("header of another token", encode([]byte(m.header(m.alg)))+"."+parts[1]+"."+parts[2])
	m.add("8 KiB and more", m.sign(m, m.alg, m.header(m.alg), `{"x":"`+strings.Repeat("x", jose.MaxTokenSize)+`"}`))
}

// headers are other JSON of the header.
func (m *mutator) headers() {
	m.Helper()
	plain, kid, alg := m.header(m.alg), m.signers[m.alg].KeyID(), string(m.alg)
	with := func(extra string) string { return m.header(m.alg, extra) }
	for name, header := range map[string]string{
		"as ours": plain, "white space inside": strings.NewReplacer(",", " ,\r ", ":", "\n:\t").Replace(plain),
		"white space before": " \t\r\n" + plain, "white space behind": plain + "\n",
		"other order":               `{"typ":"at+jwt","kid":"` + kid + `","alg":"` + alg + `"}`,
		"escaped name":              strings.Replace(plain, `"alg"`, `"\u0061lg"`, 1),
		"escaped value":             strings.Replace(plain, `"at+jwt"`, `"at\u002bjwt"`, 1),
		"unknown members":           with(`"x":{"alg":["none"],"crit":[1]},"y":null`),
		"unknown member named Crit": with(`"Crit":["x"]`), "unknown member twice": with(`"x":1,"x":2`), "unknown member in two cases": with(`"x":1,"X":2`),
		"alg twice, the right one last": `{"alg":"none",` + plain[1:], "alg twice, the right one first": with(`"alg":"none"`),
		"alg twice, alike": with(`"alg":"` + alg + `"`), "Alg beside alg": with(`"Alg":"none"`), "ALG before alg": `{"ALG":"none",` + plain[1:],
		"Alg alone": strings.Replace(plain, `"alg"`, `"Alg"`, 1), "escaped alg beside alg": with(`"\u0061lg":"none"`),
		"kid twice, the right one last": `{"kid":"x",` + plain[1:], "kid twice, the right one first": with(`"kid":"x"`), "Kid beside kid": with(`"Kid":"x"`),
		"Kid alone": strings.Replace(plain, `"kid"`, `"Kid"`, 1), "typ twice": with(`"typ":"JWT"`), "Typ beside typ": with(`"Typ":"JWT"`),
		"data behind": plain + "{}", "a letter behind": plain + "x", "NUL behind": plain + "\x00", "BOM before": "\ufeff" + plain, "comma at the end": plain[:len(plain)-1] + ",}",
		"comment": plain + "/**/", "single quotes": strings.ReplaceAll(plain, `"`, "'"), "array around": "[" + plain + "]", "string around": `"` + strings.ReplaceAll(plain, `"`, `\"`) + `"`,
		"bad UTF-8 in a value": with("\"x\":\"\xff\""), "bad UTF-8 in a name": with("\"\xff\":1"), "lone surrogate": with(`"x":"\ud800"`), "control character": with("\"x\":\"\x01\""),
		"bad escape": with(`"x":"\x"`), "number 01": with(`"x":01`), "NaN": with(`"x":NaN`), "number 1e999": with(`"x":1e999`), "20 nested arrays": with(`"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20)),
		"more than 512 bytes": with(`"x":"` + strings.Repeat("x", 512) + `"`), "null": "null", "empty object": "{}", "nothing": "",
	} {
		m.signed("header: "+name, header)
	}
}

// criticals are members of the header that change what a token is, or bring keys along.
func (m *mutator) criticals() {
	m.Helper()
	stranger, err := jose.GenerateKey(m.alg, 0)
	must(m, err)
	signer, err := jose.NewSigner(m.alg, stranger)
	must(m, err)
	own, theirs := string(m.signers[m.alg].Public().AppendJWK(nil)), string(signer.Public().AppendJWK(nil))
	for _, extra := range []string{
		`"crit":["x"]`, `"crit":["x"],"x":1`, `"crit":[]`, `"crit":null`, `"crit":"x"`, `"crit":["alg"]`, `"crit":["exp"],"exp":1`, `"crit":["b64"]`,
		`"crit":["b64"],"b64":true`, `"crit":["b64"],"b64":false`, `"b64":true`, `"b64":false`, `"zip":"DEF"`, `"enc":"A128GCM"`, `"cty":"JWT"`,
		`"jwk":{}`, `"jku":"https://attacker.example/"`, `"x5u":"https://attacker.example/"`, `"x5c":[]`, `"x5t":"AAAA"`, `"x5t#S256":"AAAA"`, `"p2c":1000000000`,
		`"nonce":1`, `"url":1`, `"epk":{}`, `"iv":1`, `"apu":1`,
	} {
		m.signed("header with "+extra, m.header(m.alg, extra))
	}
	m.signed("header with our jwk", m.header(m.alg, `"jwk":`+own))
	m.signed("header with a stranger's jwk", m.header(m.alg, `"jwk":`+theirs))
	for name, extra := range map[string][]string{"": nil, ", with the jwk": {`"jwk":` + theirs}} {
		token, err := signer.AppendCompact(nil, encode([]byte(m.header(m.alg, extra...))), []byte(payload))
		must(m, err)
		m.add("a stranger's signature under our kid"+name, string(token))
	}
}

func (m *mutator) typesAndKeyIDs() {
	m.Helper()
	plain, kid := m.header(m.alg), `"kid":"`+m.signers[m.alg].KeyID()+`"`
	for _, other := range []string{`"typ":"JWT"`, `"typ":"AT+JWT"`, `"typ":""`, `"typ":1`, `"typ":null`, `"typ":["at+jwt"]`, `"x":1`} {
		m.signed("instead of typ: "+other, strings.Replace(plain, `"typ":"at+jwt"`, other, 1))
	}
	for name, other := range map[string]string{
		"empty": `"kid":""`, "number": `"kid":1`, "null": `"kid":null`, "array": `"kid":["a"]`, "object": `"kid":{}`, "path": `"kid":"../../dev/null"`,
		"SQL": `"kid":"' OR 1=1--"`, "NUL": `"kid":"\u0000"`, "none": `"x":1`, "in upper case": `"kid":` + strings.ToUpper(kid[6:]),
		"space before": `"kid":" ` + kid[7:], "cut": kid[:len(kid)-2] + `"`,
	} {
		m.signed("kid: "+name, strings.Replace(plain, kid, other, 1))
	}
	for _, alg := range algorithms {
		if alg != m.alg {
			m.signed("kid: of our "+string(alg)+" key", strings.Replace(plain, kid, `"kid":"`+m.signers[alg].KeyID()+`"`, 1))
		}
	}
}

// confusions name another algorithm than the key's.
func (m *mutator) confusions() {
	m.Helper()
	plain := m.header(m.alg)
	alg := func(name string) string { return strings.Replace(plain, `"alg":"`+string(m.alg)+`"`, `"alg":`+name, 1) }
	for _, name := range []string{`"none"`, `"None"`, `""`, `null`, `1`, `["` + string(m.alg) + `"]`, `"` + strings.ToLower(string(m.alg)) + `x"`, `"` + string(m.alg) + ` "`, `"Ed25519"`} {
		m.signed("alg "+strings.ReplaceAll(name, string(m.alg), "X"), alg(name))
	}
	body := encode([]byte(alg(`"none"`))) + "." + encode([]byte(payload))
	m.add("alg none without signature", body+".")
	m.add("alg none in two parts", body)
	text, err := m.signers[m.alg].Public().PEM()
	must(m, err)
	for name, secret := range map[string][]byte{"the public key as PEM": text, "nothing": nil, "the JWK": m.signers[m.alg].Public().AppendJWK(nil)} {
		body := encode([]byte(alg(`"HS256"`))) + "." + encode([]byte(payload))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(body))
		m.add("HS256 with "+name+" as secret", body+"."+encode(mac.Sum(nil)))
	}
	for _, other := range []string{"ES256", "RS256", "PS256", "EdDSA", "ES384", "RS384", "RS512", "PS384"} {
		if other == string(m.alg) {
			continue
		}
		m.signed("alg "+other+" over a signature of the key's algorithm", alg(`"`+other+`"`))
		if _, isRSA := m.private[m.alg].(*rsa.PrivateKey); isRSA && (other[0] == 'R' || other[0] == 'P') {
			m.add("really signed with "+other, m.signText(m, m.alg, other, encode([]byte(alg(`"`+other+`"`)))+"."+encode([]byte(payload))))
			m.add("signed with "+other+" under the key's alg", m.signText(m, m.alg, other, encode([]byte(plain))+"."+encode([]byte(payload))))
		}
	}
}

// signatures are other signatures under a good header.
func (m *mutator) signatures() {
	m.Helper()
	parts := m.good()
	good := decode(m, parts[2])
	text := parts[0] + "." + parts[1]
	put := func(name string, signature []byte) { m.add("signature: "+name, text+"."+encode(signature)) }
	again := strings.Split(m.signText(m, m.alg, string(m.alg), encode([]byte(m.header(m.alg)))+"."+parts[1]), ".")
	put("of another token", decode(m, again[2]))
	put("zero", make([]byte, len(good)))
	put("ones", bytes.Repeat([]byte{0xff}, len(good)))
	put("a byte less", good[:len(good)-1])
	put("a byte more", append(bytes.Clone(good), 0))
	put("a zero before", append([]byte{0}, good...))
	put("twice", append(bytes.Clone(good), good...))
	put("one byte", []byte{0})
	put("reversed", func() []byte { r := bytes.Clone(good); slices.Reverse(r); return r }())
	switch key := m.private[m.alg].(type) {
	case *ecdsa.PrivateKey:
		n := elliptic.P256().Params().N
		r, s := new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])
		raw := func(r, s *big.Int) []byte {
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		must(m, err)
		put("DER", der)
		put("r and s swapped", raw(s, r))
		put("n - s, which is valid too", raw(r, new(big.Int).Sub(n, s)))
		put("r = 0", raw(new(big.Int), s))
		put("s = 0", raw(r, new(big.Int)))
		put("s = n", raw(r, n))
		put("r and s of 33 bytes", slices.Concat([]byte{0}, good[:32], []byte{0}, good[32:]))
	case ed25519.PrivateKey:
		// s + L verifies where s < L is not asked for (RFC 8032 5.1.7).
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		s := bytes.Clone(good[32:])
		slices.Reverse(s)
		s = new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
		slices.Reverse(s)
		put("s + L", append(bytes.Clone(good[:32]), s...))
	case *rsa.PrivateKey:
		more := new(big.Int).Add(new(big.Int).SetBytes(good), key.N).Bytes()
		put("s + n", more)
		if m.alg == jose.PS256 {
			m.salts(key, text, put)
		}
	}
}

// salts are of other lengths than the hash (RFC 7518 3.5).
func (m *mutator) salts(key *rsa.PrivateKey, text string, put func(string, []byte)) {
	digest := sha256.Sum256([]byte(text))
	for name, length := range map[string]int{"salt of 1 byte": 1, "salt of 20 bytes": 20, "salt of 33 bytes": 33, "longest salt": rsa.PSSSaltLengthAuto} {
		opts := &rsa.PSSOptions{SaltLength: length, Hash: crypto.SHA256}
		signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], opts)
		must(m, err)
		put(name, signature)
	}
}

// payloads that are no claims: for JOSE a payload is any bytes.
func (m *mutator) payloads() {
	m.Helper()
	for name, payload := range map[string]string{
		"none": "", "empty object": "{}", "text": "abc", "not UTF-8": "\xff\x00", "array": "[]", "null": "null",
		"member twice": `{"sub":"a","sub":"b"}`, "data behind": `{"sub":"a"}{}`, "a nested token": m.sign(m, m.alg, m.header(m.alg), "{}"),
	} {
		m.add("payload: "+name, m.sign(m, m.alg, m.header(m.alg), payload))
	}
}
