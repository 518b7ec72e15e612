package differential

// stricterTokens are refused by ours, and accepted by those named.
var stricterTokens = []difference{
	{"go-jose golang-jwt jwx", "C-103: encoding/base64 skips line breaks, strict or not", []string{
		"frame: CR LF after", "frame: line feed after", "respelled: a carriage return in the signature",
		"respelled: a line feed at its end in the signature", "respelled: a line feed in the signature",
	}},
	{"go-jose jwx", "C-103: encoding/base64 skips line breaks, strict or not", []string{
		"frame: line feed before", "respelled: a carriage return in the header", "respelled: a carriage return in the payload",
		"respelled: a line feed at its end in the header", "respelled: a line feed at its end in the payload",
		"respelled: a line feed in the header", "respelled: a line feed in the payload",
	}},
	{"golang-jwt", "C-103: encoding/base64 skips line breaks, strict or not", []string{
		"signed as spelled: a carriage return in the header", "signed as spelled: a carriage return in the payload",
		"signed as spelled: a line feed at its end in the header", "signed as spelled: a line feed at its end in the payload",
		"signed as spelled: a line feed in the header", "signed as spelled: a line feed in the payload",
	}},
	{"go-jose jwx", "C-103: one spelling of base64url", []string{
		"respelled: stray bits in the header", "respelled: stray bits in the payload", "respelled: stray bits in the signature",
	}},
	{"jwx", "C-103: one spelling of base64url", []string{
		"respelled: + and / in the header", "respelled: + and / in the payload", "respelled: + and / in the signature",
		"respelled: padding in the header", "respelled: padding in the payload", "respelled: padding in the signature",
	}},
	{"go-jose golang-jwt jwx", "C-101: crit, whatever it holds", []string{
		`header with "crit":null`,
	}},
	{"go-jose golang-jwt", "C-101: crit, whatever it holds", []string{
		`header with "crit":["b64"]`, `header with "crit":["b64"],"b64":true`, `header with "crit":[]`,
	}},
	{"golang-jwt", "C-101: crit, whatever it holds", []string{
		`header with "crit":"x"`, `header with "crit":["alg"]`, `header with "crit":["b64"],"b64":false`, `header with "crit":["exp"],"exp":1`,
		`header with "crit":["x"]`, `header with "crit":["x"],"x":1`,
	}},
	{"go-jose golang-jwt jwx", "C-102: what changes the meaning of the payload", []string{
		`header with "b64":true`, `header with "cty":"JWT"`, `header with "enc":"A128GCM"`, `header with "zip":"DEF"`,
	}},
	{"golang-jwt", "C-102: what changes the meaning of the payload", []string{
		`header with "b64":false`,
	}},
	{"go-jose golang-jwt jwx", "C-099: a key, or its address, brought along", []string{
		`header with "jku":"https://attacker.example/"`, `header with "x5c":[]`, `header with "x5t":"AAAA"`, `header with "x5t#S256":"AAAA"`,
		`header with "x5u":"https://attacker.example/"`, "header with a stranger's jwk", "header with our jwk",
	}},
	{"golang-jwt", "C-099: a key, or its address, brought along", []string{
		`header with "jwk":{}`,
	}},
	{"go-jose golang-jwt jwx", "C-104: a name twice, or in another case", []string{
		"header: ALG before alg", "header: Alg beside alg", "header: Kid beside kid", "header: Typ beside typ",
		"header: unknown member in two cases",
	}},
	{"golang-jwt jwx", "C-104: a name twice, or in another case", []string{
		"header: alg twice, alike", "header: alg twice, the right one last", "header: kid twice, the right one last", "header: typ twice",
		"header: unknown member twice",
	}},
	{"jwx", "C-104: a name twice, or in another case", []string{
		"header: Alg alone", "header: alg twice, the right one first", "header: escaped alg beside alg",
	}},
	{"go-jose golang-jwt jwx", "RFC 7493 2.1: text that readers replace, each in its way", []string{
		"header: bad UTF-8 in a name", "header: bad UTF-8 in a value", "header: lone surrogate",
	}},
	{"go-jose golang-jwt jwx", "C-111: bounds", []string{
		"8 KiB and more", "header: 20 nested arrays", "header: more than 512 bytes",
	}},
	{"go-jose golang-jwt jwx", "C-105, RFC 8725 3.11: an explicit type", []string{
		`instead of typ: "typ":""`, `instead of typ: "typ":null`, `instead of typ: "x":1`,
	}},
	{"go-jose golang-jwt", "C-105, RFC 8725 3.11: an explicit type", []string{
		`instead of typ: "typ":1`, `instead of typ: "typ":["at+jwt"]`,
	}},
	{"go-jose jwx", "C-095: an empty part", []string{
		"payload: none",
	}},
	{"jwx", "C-097: the alg of the header does not count, that of the key does", []string{
		`alg "Ed25519" [ES256 RS256 PS256]`, `alg "none"`, "alg ES256 over a signature of the key's algorithm",
		"alg ES384 over a signature of the key's algorithm", "alg EdDSA over a signature of the key's algorithm",
		"alg PS256 over a signature of the key's algorithm", "alg PS384 over a signature of the key's algorithm",
		"alg RS256 over a signature of the key's algorithm", "alg RS384 over a signature of the key's algorithm",
		"alg RS512 over a signature of the key's algorithm",
	}},
	{"go-jose golang-jwt", "C-097: the alg of the key does not count, that of the header does", []string{
		"really signed with PS256", "really signed with RS256",
	}},
	{"go-jose golang-jwt", "RFC 7518 3.5: a salt as long as the hash", []string{
		"signature: longest salt", "signature: salt of 1 byte", "signature: salt of 20 bytes", "signature: salt of 33 bytes",
	}},
}

// widerTokens are accepted by ours, and refused by those not named.
var widerTokens = []difference{
	{"ours jwx", "C-088, RFC 9864: the new name of EdDSA", []string{
		`alg "Ed25519" [EdDSA]`,
	}},
	{"ours go-jose golang-jwt", "RFC 8259 2: jwx loses the white space and so the signature", []string{
		"header: white space before", "header: white space behind",
	}},
	{"ours go-jose jwx", "golang-jwt reads claims alone; for JOSE a payload is any bytes (RFC 7515 2)", []string{
		"payload: a nested token", "payload: array", "payload: data behind", "payload: not UTF-8", "payload: text",
	}},
	{"ours golang-jwt jwx", "RFC 7515 4: members not understood are ignored; go-jose reads the one of ACME", []string{
		`header with "nonce":1`,
	}},
}
