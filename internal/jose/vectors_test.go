package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
)

// Examples of RFCs carry no kid or no typ, which Parse demands, so their
// signatures are checked below it. No RFC has an example with PS256 (RFC 7520
// 4.2 is PS384, which is not supported).

const (
	rfc7515Payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

	// RFC 7515 A.2.
	rfc7515RS256N = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx" +
		"HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs" +
		"D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH" +
		"SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV" +
		"MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8" +
		"NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
	rfc7515RS256 = "eyJhbGciOiJSUzI1NiJ9." + rfc7515Payload + "." +
		"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7" +
		"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4" +
		"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K" +
		"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv" +
		"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB" +
		"p0igcN_IoypGlUPQGe77Rw"

	// RFC 7515 A.3.
	rfc7515ES256X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	rfc7515ES256Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	rfc7515ES256  = "eyJhbGciOiJFUzI1NiJ9." + rfc7515Payload + "." +
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

	// RFC 7520 3.3 and 4.1.
	rfc7520N = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT" +
		"-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqV" +
		"wGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-" +
		"oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde" +
		"3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuC" +
		"LqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5g" +
		"HdrNP5zw"
	rfc7520RS256 = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZX" +
		"hhbXBsZSJ9." +
		"SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IH" +
		"lvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBk" +
		"b24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcm" +
		"UgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4." +
		"MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmK" +
		"ZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4J" +
		"IwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8w" +
		"W1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluP" +
		"xUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_f" +
		"cIe8u9ipH84ogoree7vjbU5y18kDquDg"

	// RFC 8037 A.1 to A.5.
	rfc8037D          = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	rfc8037X          = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	rfc8037Thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
	rfc8037Header     = "eyJhbGciOiJFZERTQSJ9"
	rfc8037EdDSA      = rfc8037Header + ".RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

	// RFC 7638 3.1.
	rfc7638N = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbf" +
		"AAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj" +
		"hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65" +
		"YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ" +
		"vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lF" +
		"d2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK" +
		"nqDKgw"
	rfc7638Thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
)

func rsaVectorKey(t *testing.T, n string) *Key {
	t.Helper()
	return mustKey(t, RS256, &rsa.PublicKey{N: new(big.Int).SetBytes(decode(t, n)), E: 65537})
}

func mustKey(t *testing.T, alg Algorithm, public crypto.PublicKey) *Key {
	t.Helper()
	key, err := newKey(alg, "", public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestPublishedSignaturesVerify(t *testing.T) {
	ec, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(),
		append(append([]byte{4}, decode(t, rfc7515ES256X)...), decode(t, rfc7515ES256Y)...))
	if err != nil {
		t.Fatal(err)
	}
	const joe = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	for _, v := range []struct {
		name, token, payload string
		key                  *Key
	}{
		{"RFC 7515 A.2", rfc7515RS256, joe, rsaVectorKey(t, rfc7515RS256N)},
		{"RFC 7515 A.3", rfc7515ES256, joe, mustKey(t, ES256, ec)},
		{"RFC 7520 4.1", rfc7520RS256, "It’s a dangerous business, Frodo, going out your door. You step onto the road, " +
			"and if you don't keep your feet, there’s no knowing where you might be swept off to.", rsaVectorKey(t, rfc7520N)},
		{"RFC 8037 A.5", rfc8037EdDSA, "Example of Ed25519 signing", mustKey(t, EdDSA, ed25519.PublicKey(decode(t, rfc8037X)))},
	} {
		t.Run(v.name, func(t *testing.T) {
			parts := strings.Split(v.token, ".")
			payload, err := DecodeBase64(parts[1])
			if err != nil || string(payload) != v.payload {
				t.Errorf("payload %q, %v", payload, err)
			}
			signature, err := DecodeBase64(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			message := []byte(parts[0] + "." + parts[1])
			if !v.key.verify(message, signature) {
				t.Error("the published signature is refused")
			}
			message[0] ^= 1
			if v.key.verify(message, signature) {
				t.Error("another message is accepted")
			}
			if _, err := Parse(v.token); err == nil {
				t.Error("a token without kid or typ is parsed")
			}
		})
	}
}

// RFC 8037 A.1, A.3, A.4: Ed25519 is deterministic, so the whole token is known.
func TestPublishedEdDSATokenIsReproduced(t *testing.T) {
	s, err := NewSigner(EdDSA, ed25519.NewKeyFromSeed(decode(t, rfc8037D)))
	if err != nil {
		t.Fatal(err)
	}
	if s.KeyID() != rfc8037Thumbprint || s.Public().Thumbprint() != rfc8037Thumbprint {
		t.Errorf("kid %s, want the thumbprint %s", s.KeyID(), rfc8037Thumbprint)
	}
	if jwk := string(s.Public().AppendJWK(nil)); !strings.Contains(jwk, `"x":"`+rfc8037X+`"`) {
		t.Errorf("JWK %s, want x %s", jwk, rfc8037X)
	}
	if got := signHeader(t, s, rfc8037Header, []byte("Example of Ed25519 signing")); got != rfc8037EdDSA {
		t.Errorf("got %s", got)
	}
}

func TestPublishedThumbprint(t *testing.T) {
	if got := rsaVectorKey(t, rfc7638N).Thumbprint(); got != rfc7638Thumbprint {
		t.Errorf("RFC 7638 3.1: got %s, want %s", got, rfc7638Thumbprint)
	}
}

// RFC 6979 A.2.5, P-256 with SHA-256.
func TestES256SignsWithRFC6979Nonces(t *testing.T) {
	private, err := hex.DecodeString("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(ES256, key)
	if err != nil {
		t.Fatal(err)
	}
	for message, want := range map[string]string{
		"sample": "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716" +
			"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
		"test": "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367" +
			"019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
	} {
		digest := sha256.Sum256([]byte(message))
		der, err := s.key.Sign(s.random, digest[:], s.opts)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawSignature(der)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ToUpper(hex.EncodeToString(raw)); got != want {
			t.Errorf("%s: got %s, want %s", message, got, want)
		}
		if !s.Public().verify([]byte(message), raw) || !bytes.Equal(derSignature(raw), der) {
			t.Errorf("%s: the signature does not verify, or not its DER", message)
		}
	}
}
