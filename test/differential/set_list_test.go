package differential

// stricterSets are refused by ours, and accepted by those named.
var stricterSets = []difference{
	{"go-jose jwx", "C-104, C-179: a name twice, or in another case; a kid twice", []string{
		"set: KEYS beside keys", "set: keys twice", "upper case alg", "upper case alg behind the right one", "upper case crv behind the right one",
		"upper case e behind the right one", "upper case kid", "upper case kid behind the right one", "upper case n behind the right one",
		"upper case use behind the right one", "upper case x behind the right one", "upper case y behind the right one",
	}},
	{"go-jose", "C-104, C-179: a name twice, or in another case; a kid twice", []string{
		"set: KEYS", "set: the key twice", "set: two keys of one kid", "upper case kty behind the right one",
	}},
	{"jwx", "C-104, C-179: a name twice, or in another case; a kid twice", []string{
		"alg twice", "crv twice", "e twice", "kid twice", "kty twice", "n twice", "upper case kty", "use twice", "x twice", "y twice",
	}},
	{"jwx", "a key of small order: anybody can sign for it", []string{
		"x of zeros",
	}},
	{"go-jose", "RFC 7493 2.2: a number that no float64 reaches", []string{
		"set: number 1e999", "set: number 1e999 in the key",
	}},
	{"go-jose jwx", "C-111: bounds on what a key set can ask for", []string{
		"e = 2^31 + 1", "e = 2^32 + 1", "e = 2^62 + 1", "kid of 129 characters", "set: 101 keys", "set: 20 nested arrays", "set: more than 64 KiB",
	}},
	{"jwx", "C-111: bounds on what a key set can ask for", []string{
		"n of 16384 bits", "n of 8193 bits",
	}},
	{"go-jose jwx", "C-103: one spelling of base64url", []string{
		"line feed in e", "line feed in n", "line feed in x", "line feed in y", "stray bits in e", "stray bits in n", "stray bits in x",
		"stray bits in y",
	}},
	{"jwx", "C-103: one spelling of base64url", []string{
		"+ and / in n", "+ and / in x", "+ and / in y", "padding in e", "padding in x", "padding in y",
	}},
	{"go-jose jwx", "RFC 7518 2: a Base64urlUInt has no leading zero", []string{
		"zero before e", "zero before n",
	}},
	{"go-jose jwx", "RFC 7518 3.3: a sound RSA key of 2048 bits or more", []string{
		"n even",
	}},
	{"go-jose", "RFC 7518 3.3: a sound RSA key of 2048 bits or more", []string{
		"a byte less in n", "e = 2", "e = 65536", "empty n", "n of 1024 bits", "n of 2047 bits",
	}},
	{"go-jose jwx", "RFC 7493 2.1: text that readers replace, each in its way", []string{
		"set: bad UTF-8", "set: lone surrogate",
	}},
	{"go-jose jwx", "C-179: no private member, whatever it holds", []string{
		"private member dp", "private member dq", "private member k", "private member oth", "private member p", "private member q",
		"private member qi",
	}},
	{"go-jose", "C-179: no private member, whatever it holds", []string{
		"private member d that is null",
	}},
	{"go-jose jwx", "C-097: a key has one algorithm, known, and one that fits it", []string{
		"alg ECDH-ES", "alg ES256", "alg ES384", "alg Ed25519 [ES256 RS256 PS256]", "alg EdDSA", "alg HS256", "alg PS256 [ES256 EdDSA]",
		"alg PS384", "alg RS256 [ES256 EdDSA]", "alg RS512", "alg RSA-OAEP", "alg none", "without alg",
	}},
	{"go-jose", "C-097: a key has one algorithm, known, and one that fits it", []string{
		"alg X", "empty alg", "null alg",
	}},
	{"jwx", "C-097: a curve of its type of key", []string{
		"crv Ed448", "crv P-256", "crv X25519", `kty "OKP" [ES256]`,
	}},
	{"go-jose jwx", "C-097: use and key_ops are looked at", []string{
		"empty use", `key_ops ["encrypt"]`, `key_ops ["sign"]`, "key_ops []", "key_ops null", "null use", `use "SIG"`, `use "enc"`, `use "sig "`,
		`use "x"`,
	}},
	{"go-jose", "C-097: use and key_ops are looked at", []string{
		`key_ops "verify"`, `key_ops ["verify",1]`, "key_ops [1]",
	}},
	{"go-jose jwx", "C-100: a kid, and plain text", []string{
		"empty kid", "kid of other characters", "kid with a line feed", "null kid", "without kid",
	}},
	{"jwx", "RFC 7517 5: a set is an object with keys", []string{
		"set: bare key",
	}},
}

// widerSets are accepted by ours, and refused by those not named.
var widerSets = []difference{
	{"ours jwx", "RFC 7517 5: keys that are not understood are skipped; the others refuse the set", []string{
		"set: Ed448 beside",
	}},
	{"ours", "RFC 7517 5: keys that are not understood are skipped; the others refuse the set", []string{
		"set: oct beside", "set: unknown kty beside",
	}},
	{"ours jwx", "RFC 7517 4.7: certificates are not looked at", []string{
		"x5t of junk", "x5u of junk",
	}},
	{"ours", "RFC 7517 4.7: certificates are not looked at", []string{
		"x5c of junk",
	}},
	{"ours jwx", "go-jose has a bound of 4096 bits, which can be raised", []string{
		"n of 8192 bits",
	}},
}
