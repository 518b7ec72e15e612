package differential

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// members is a JWK as text to be changed: its members in JSON, by name.
type members map[string]string

func (is *issuer) jwk(t testing.TB, alg jose.Algorithm) members {
	t.Helper()
	var raw map[string]json.RawMessage
	must(t, json.Unmarshal(is.signers[alg].Public().AppendJWK(nil), &raw))
	out := members{}
	for name, value := range raw {
		out[name] = string(value)
	}
	return out
}

// with returns the JWK with members set; the empty value takes one away.
func (k members) with(pairs ...string) members {
	k = maps.Clone(k)
	for i := 0; i < len(pairs); i += 2 {
		if k[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(k, pairs[i])
		}
	}
	return k
}

func (k members) String() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(k)) {
		list = append(list, `"`+name+`":`+k[name])
	}
	return "{" + strings.Join(list, ",") + "}"
}

func (k members) bytes(t testing.TB, name string) []byte {
	t.Helper()
	return decode(t, strings.Trim(k[name], `"`))
}

func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + "]}" }

func quoted(data []byte) string { return `"` + encode(data) + `"` }

// setMutator collects sets that hold one changed key, or are changed themselves.
type setMutator struct {
	testing.TB
	*issuer
	alg  jose.Algorithm
	key  members
	list []mutant
}

func (is *issuer) setMutants(t testing.TB, alg jose.Algorithm) []mutant {
	t.Helper()
	m := &setMutator{TB: t, issuer: is, alg: alg, key: is.jwk(t, alg)}
	m.members()
	m.uses()
	m.secrets()
	m.sets()
	switch alg {
	case jose.ES256:
		m.curve()
	case jose.EdDSA:
		m.edwards()
	default:
		m.rsa()
	}
	return m.list
}

func (m *setMutator) add(name, text string) { m.list = append(m.list, mutant{name, text}) }

func (m *setMutator) changed(name string, pairs ...string) {
	m.add(name, set(m.key.with(pairs...).String()))
}

// members are changed alike for every type of key.
func (m *setMutator) members() {
	m.Helper()
	m.changed("as ours")
	for name, value := range m.key {
		m.changed("without "+name, name, "")
		m.changed("empty "+name, name, `""`)
		m.changed("null "+name, name, "null")
		m.changed("number "+name, name, "1")
		m.changed("array "+name, name, "["+value+"]")
		m.add(name+" twice", set(strings.Replace(m.key.String(), "}", `,"`+name+`":`+value+"}", 1)))
		upper := strings.ToUpper(name)
		m.changed("upper case "+name, name, "", upper, value)
		m.add("upper case "+name+" behind the right one", set(strings.Replace(m.key.String(), "}", `,"`+upper+`":"x"}`, 1)))
		if len(value) < 40 || name == "kid" {
			continue
		}
		text, _ := strings.CutSuffix(value, `"`) // a number in base64url
		m.changed("padding in "+name, name, text+`="`)
		m.changed("line feed in "+name, name, text[:9]+`\n`+text[9:]+`"`)
		m.changed("space in "+name, name, text[:9]+` `+text[9:]+`"`)
		m.changed("+ and / in "+name, name, strings.NewReplacer("-", "+", "_", "/").Replace(value))
		m.changed("stray bits in "+name, name, strayBits(text)+`"`)
		data := m.key.bytes(m, name)
		m.changed("zero before "+name, name, quoted(append([]byte{0}, data...)))
		m.changed("a byte more in "+name, name, quoted(append(data, 1)))
		m.changed("a byte less in "+name, name, quoted(data[:len(data)-1]))
	}
	m.changed("kid of other characters", "kid", `"schl\u00fcssel"`)
	m.changed("kid with a line feed", "kid", `"a\nb"`)
	m.changed("kid of 129 characters", "kid", `"`+strings.Repeat("a", 129)+`"`)
	m.changed("unknown member", "x-y", `{"a":[1]}`)
	m.changed("x5c of junk", "x5c", `["AAAA"]`)
	m.changed("x5t of junk", "x5t", `"AAAA"`)
	m.changed("x5u of junk", "x5u", `"://"`)
}

// uses bind the key to something, or to nothing.
func (m *setMutator) uses() {
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA", "Ed25519", "ES384", "RS512", "PS384", "HS256", "none", "RSA-OAEP", "ECDH-ES", "X"} {
		if alg != string(m.alg) {
			m.changed("alg "+alg, "alg", `"`+alg+`"`)
		}
	}
	for _, kind := range []string{"EC", "RSA", "OKP", "oct", "ec", "X"} {
		if kind = `"` + kind + `"`; kind != m.key["kty"] {
			m.changed("kty "+kind, "kty", kind)
		}
	}
	for _, use := range []string{`"enc"`, `"SIG"`, `"sig "`, `"x"`} {
		m.changed("use "+use, "use", use)
	}
	for _, ops := range []string{`["verify"]`, `["sign","verify"]`, `["sign"]`, `["encrypt"]`, `[]`, `"verify"`, `null`, `[1]`, `["verify","verify"]`, `["verify","x"]`, `["verify",1]`} {
		m.changed("key_ops "+ops, "key_ops", ops)
	}
}

// secrets are members of private keys, real and not.
func (m *setMutator) secrets() {
	m.Helper()
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
		m.changed("private member "+name, name, `"AQAB"`)
	}
	m.changed("private member oth", "oth", `[]`)
	m.changed("private member d that is null", "d", `null`)
	switch key := m.private[m.alg].(type) {
	case interface{ Bytes() ([]byte, error) }: // ECDSA
		d, err := key.Bytes()
		must(m, err)
		m.changed("the private key", "d", quoted(d))
	case ed25519.PrivateKey:
		m.changed("the private key", "d", quoted(key.Seed()))
	case *rsa.PrivateKey:
		m.changed("the private key", "d", quoted(key.D.Bytes()), "p", quoted(key.Primes[0].Bytes()), "q", quoted(key.Primes[1].Bytes()))
	}
}

// sets are changed around the key.
func (m *setMutator) sets() {
	m.Helper()
	key := m.key.String()
	other := m.jwk(m, algorithms[(slices.Index(algorithms, m.alg)+1)%len(algorithms)])
	for name, text := range map[string]string{
		"no keys": `{}`, "empty keys": set(), "null keys": `{"keys":null}`, "object of keys": `{"keys":{"0":` + key + `}}`, "string of keys": `{"keys":"` + m.key["kid"][1:] + `}`,
		"KEYS": strings.Replace(set(key), "keys", "KEYS", 1), "keys twice": `{"keys":[],"keys":[` + key + `]}`, "KEYS beside keys": `{"KEYS":[],"keys":[` + key + `]}`,
		"bare key": key, "array of keys": "[" + key + "]", "null": "null", "nothing": "", "unknown member": `{"x":{"keys":[]},"keys":[` + key + `]}`,
		"data behind": set(key) + "{}", "white space around": "\r\n\t " + set(key) + " \n", "BOM before": "\ufeff" + set(key), "comma behind": set(key + ","), "comment": set(key) + "//",
		"bad UTF-8": strings.Replace(set(key), "{", "{\"x\":\"\xff\",", 1), "lone surrogate": strings.Replace(set(key), "{", `{"x":"\ud800",`, 1),
		"number 1e999": strings.Replace(set(key), "{", `{"x":1e999,`, 1), "number 1e999 in the key": set(m.key.with("x-y", "1e999").String()),
		"two keys": set(key, other.String()), "the key twice": set(key, key), "two keys of one kid": set(key, other.with("kid", m.key["kid"]).String()), "two kids of one key": set(key, m.key.with("kid", `"x"`).String()),
		"unknown kty beside": set(`{"kty":"X","kid":"x"}`, key), "oct beside": set(`{"kty":"oct","kid":"x","alg":"HS256"}`, key), "oct with k beside": set(`{"kty":"oct","kid":"x","alg":"HS256","k":"AAAA"}`, key),
		"P-384 beside": set(p384(m), key), "Ed448 beside": set(`{"kty":"OKP","crv":"Ed448","kid":"x","alg":"EdDSA","x":`+quoted(make([]byte, 57))+"}", key),
		"key for encryption beside": set(other.with("use", `"enc"`, "alg", `"RSA-OAEP"`).String(), key), "empty object beside": set("{}", key), "null beside": set("null", key), "number beside": set("1", key),
		"101 keys": set(many(m.key, 101)...), "100 keys": set(many(m.key, 100)...), "more than 64 KiB": set(m.key.with("x-y", `"`+strings.Repeat("x", 64<<10)+`"`).String()),
		"as a string": `"` + strings.ReplaceAll(set(key), `"`, `\"`) + `"`, "20 nested arrays": strings.Replace(set(key), "{", `{"x":`+strings.Repeat("[", 20)+strings.Repeat("]", 20)+",", 1),
	} {
		m.add("set: "+name, text)
	}
}

// many returns the key under many kids.
func many(key members, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = key.with("kid", `"`+strings.Repeat("k", i+1)+`"`).String()
	}
	return keys
}

// p384 is a good JWK of an algorithm that ours does not know.
func p384(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	point, err := key.PublicKey.Bytes()
	must(t, err)
	return members{"kty": `"EC"`, "crv": `"P-384"`, "kid": `"x"`, "alg": `"ES384"`, "x": quoted(point[1:49]), "y": quoted(point[49:])}.String()
}

// curve has points that are none (RFC 7518 6.2.1).
func (m *setMutator) curve() {
	m.Helper()
	y, p := new(big.Int).SetBytes(m.key.bytes(m, "y")), elliptic.P256().Params().P
	coordinate := func(n *big.Int) string { return quoted(n.FillBytes(make([]byte, 32))) }
	m.changed("point off the curve", "y", coordinate(new(big.Int).Add(y, big.NewInt(1))))
	m.changed("x and y swapped", "x", m.key["y"], "y", m.key["x"])
	m.changed("the other point of that x, a key of nobody", "y", coordinate(new(big.Int).Sub(p, y)))
	m.changed("point 0, 0", "x", coordinate(new(big.Int)), "y", coordinate(new(big.Int)))
	m.changed("y = p", "y", coordinate(p))
	for _, crv := range []string{"P-384", "P-521", "secp256k1", "Ed25519", "p-256"} {
		m.changed("crv "+crv, "crv", `"`+crv+`"`)
	}
	// A coordinate that begins with zero must keep it.
	for {
		key, err := jose.GenerateKey(jose.ES256, 0)
		must(m, err)
		signer, err := jose.NewSigner(jose.ES256, key)
		must(m, err)
		short := (&issuer{signers: map[jose.Algorithm]*jose.Signer{m.alg: signer}}).jwk(m, m.alg)
		if data := short.bytes(m, "x"); data[0] == 0 {
			m.add("x that begins with zero", set(short.String()))
			m.add("x that begins with zero, cut", set(short.with("x", quoted(data[1:])).String()))
			return
		}
	}
}

func (m *setMutator) edwards() {
	for _, crv := range []string{"Ed448", "X25519", "P-256", "ed25519"} {
		m.changed("crv "+crv, "crv", `"`+crv+`"`)
	}
	m.changed("x of zeros", "x", quoted(make([]byte, 32)))
	m.changed("x of ones, no point", "x", quoted([]byte(strings.Repeat("\xff", 32))))
}

func (m *setMutator) rsa() {
	m.Helper()
	n := new(big.Int).SetBytes(m.key.bytes(m, "n"))
	number := func(n *big.Int) string { return quoted(n.Bytes()) }
	for bits, name := range map[uint]string{1024: "n of 1024 bits", 2047: "n of 2047 bits", 2048: "n of 2048 bits", 8192: "n of 8192 bits", 8193: "n of 8193 bits", 16384: "n of 16384 bits"} {
		odd := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1))
		m.changed(name, "n", number(odd))
	}
	m.changed("n even", "n", number(new(big.Int).Sub(n, big.NewInt(1))))
	for name, e := range map[string]int64{"1": 1, "2": 2, "3": 3, "65536": 65536, "2^31 - 1": 1<<31 - 1, "2^31 + 1": 1<<31 + 1, "2^32 + 1": 1<<32 + 1, "2^62 + 1": 1<<62 + 1} {
		m.changed("e = "+name, "e", number(big.NewInt(e)))
	}
	m.changed("e = 2^64 + 3", "e", quoted([]byte{1, 0, 0, 0, 0, 0, 0, 0, 3}))
	m.changed("e = 0", "e", `"AA"`)
	m.changed("zero before e", "e", `"AAEAAQ"`)
	m.changed("stray bits in e", "e", `"Ax"`)
	m.changed("padding in e", "e", `"Aw=="`)
	m.changed("line feed in e", "e", `"AQ\nAB"`)
}
