package verify

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// C-104.
func TestClaimsWithTwoMeaningsAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	text := string(sample.AppendJSON(nil))
	for _, added := range []string{`"sub":"a"`, `"aud":"` + audience + `"`, `"exp":9999999999`, `"Exp":9999999999`, `"SCOPE":"all"`, `"\u0069ss":"a"`} {
		refuse(t, v, added+" before", signToken(t, s, "{"+added+","+text[1:]), ErrMalformed)
		refuse(t, v, added+" after", signToken(t, s, text[:len(text)-1]+","+added+"}"), ErrMalformed)
	}
	for _, name := range []string{"iss", "aud", "exp", "scope", "jti", "gen"} {
		upper := payload(t, `"`+name+`":`, `"`+strings.ToUpper(name)+`":`)
		refuse(t, v, "only "+strings.ToUpper(name), signToken(t, s, upper), ErrMalformed)
	}
	for _, text := range []string{"", "null", "[]", `"a"`, "{}", "{}{}", text + " x", text + "\x00", text[:len(text)-1]} {
		refuse(t, v, text, signHeader(t, s, s.Header("at+jwt"), text), ErrMalformed)
	}
}

// C-106.
func TestAudienceIsExactlyOurs(t *testing.T) {
	s := testSigner(t, jose.ES256)
	exact, anyone := testConfig(s), testConfig(s)
	anyone.Audience, anyone.AnyAudience = "", true
	v, introspection := newVerifier(t, exact), newVerifier(t, anyone)
	const ours = `"aud":"` + audience + `"`
	for _, aud := range []string{
		"x", "http://localhost:8080/demo", audience + "/", audience + "s", audience[:len(audience)-1], "HTTP://localhost:8080/demo/api",
		strings.ToUpper(audience), " " + audience, audience + " ", audience + "\\u0000", "http://localhost:8080/demo/%61pi", "*",
		audience + " http://localhost:8080/admin", strings.Replace(audience, "http:", "https:", 1),
	} {
		token := signToken(t, s, payload(t, ours, `"aud":"`+aud+`"`))
		refuse(t, v, aud, token, ErrAudience)
		accept(t, introspection, aud, token)
	}
	for _, aud := range []string{
		"", `"aud":null,`, `"aud":"",`, `"aud":[],`, `"aud":{},`, `"aud":1,`, `"aud":true,`,
		`"aud":["` + audience + `"],`, `"aud":["` + audience + `","x"],`, `"aud":["` + audience + `",1],`,
	} {
		token := signToken(t, s, payload(t, ours+",", aud))
		refuse(t, v, aud, token, ErrMalformed)
		refuse(t, introspection, aud, token, ErrMalformed)
	}
}

// C-107.
func TestIssuerIsExactlyOurs(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	const ours = `"iss":"` + issuer + `"`
	for _, iss := range []string{
		"x", issuer + "/", "http://LOCALHOST:8080/demo", "http://localhost:8080/Demo", "https://localhost:8080/demo", "http://localhost:8080/production",
		"http://localhost:8080", "http://localhost:8080/demo/..", " " + issuer, issuer + "\\n", issuer + " https://evil.example", issuer[:len(issuer)-1],
	} {
		refuse(t, v, iss, signToken(t, s, payload(t, ours, `"iss":"`+iss+`"`)), ErrIssuer)
	}
	for _, iss := range []string{
		"", `"iss":null,`, `"iss":"",`, `"iss":["` + issuer + `"],`, `"iss":["` + issuer + `","https://evil.example"],`, `"iss":{"x":"` + issuer + `"},`, `"iss":1,`,
	} {
		refuse(t, v, iss, signToken(t, s, payload(t, ours+",", iss)), ErrMalformed)
	}
	// Issuer and audience both wrong: another's token, before all.
	refuse(t, v, "both", signToken(t, s, strings.ReplaceAll(string(sample.AppendJSON(nil)), "demo", "production")), ErrIssuer)
}

// C-108.
func TestTimesAreWholeNumbersOfSeconds(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	for _, value := range []string{
		"null", `"1764003600"`, "1e3", "1764003600.0", "1764003600.5", "1.7640036e9", "9223372036854775808", "18446744073709551615", "-1", "-9223372036854775808",
		"NaN", "Infinity", `"NaN"`, "1e400", "[1764003600]", "{}", "true", "+1764003600", "01764003600", "0x7fffffff", "",
	} {
		refuse(t, v, "exp "+value, signToken(t, s, payload(t, `"exp":1764003600`, `"exp":`+value)), ErrMalformed)
		refuse(t, v, "iat "+value, signToken(t, s, payload(t, `"iat":1764000000`, `"iat":`+value)), ErrMalformed)
		refuse(t, v, "nbf "+value, signToken(t, s, payload(t, `"exp":`, `"nbf":`+value+`,"exp":`)), ErrMalformed)
	}
	refuse(t, v, "no exp", signToken(t, s, payload(t, `"exp":1764003600,`, "")), ErrMalformed)
	refuse(t, v, "no iat", signToken(t, s, payload(t, `"iat":1764000000,`, "")), ErrMalformed)
}

// C-108; RFC 7519 4.1.4: not on the second of exp either.
func TestTimesAreJudgedWithALeeway(t *testing.T) {
	s := testSigner(t, jose.ES256)
	const farthest = 1<<63 - 1
	unix := now.Unix()
	for _, leeway := range []int64{0, 1, 30, 60} {
		config := testConfig(s)
		if config.Leeway = time.Duration(leeway) * time.Second; leeway == 0 {
			config.Leeway = NoLeeway
		}
		v := newVerifier(t, config)
		for _, tc := range []struct {
			name          string
			iat, nbf, exp int64
			want          error
		}{
			{"at exp + leeway", unix - 3600, 0, unix - leeway, ErrExpired},
			{"a second before", unix - 3600, 0, unix - leeway + 1, nil},
			{"61 s after exp", unix - 3600, 0, unix - 61, ErrExpired},
			{"exp 0", unix, 0, 0, ErrExpired},
			{"the farthest exp", unix, 0, farthest, nil},
			{"at nbf - leeway", unix, unix + leeway, unix + 3600, nil},
			{"a second before nbf", unix, unix + leeway + 1, unix + 3600, ErrNotYet},
			{"61 s before nbf", unix, unix + 61, unix + 3600, ErrNotYet},
			{"the farthest nbf", unix, farthest, farthest, ErrNotYet},
			{"at iat - leeway", unix + leeway, 0, unix + 3600, nil},
			{"a second before iat", unix + leeway + 1, 0, unix + 3600, ErrNotYet},
			{"61 s before iat", unix + 61, 0, unix + 3600, ErrNotYet},
			{"the farthest iat", farthest, 0, farthest, ErrNotYet},
			{"expired and not yet valid", unix + 3600, 0, unix - 3600, ErrExpired},
			{"of 1970", 0, 0, unix + 1, nil},
		} {
			name := tc.name + ", leeway " + strconv.FormatInt(leeway, 10)
			text := payload(t, `"iat":1764000000,"exp":1764003600`, `"iat":`+strconv.FormatInt(tc.iat, 10)+`,"exp":`+strconv.FormatInt(tc.exp, 10))
			if tc.nbf != 0 {
				text = strings.Replace(text, "{", `{"nbf":`+strconv.FormatInt(tc.nbf, 10)+",", 1)
			}
			if tc.want == nil {
				accept(t, v, name, signToken(t, s, text))
			} else {
				refuse(t, v, name, signToken(t, s, text), tc.want)
			}
		}
	}
}

// C-108: what clocks may differ by.
func TestThirtySecondsAreWithinTheDefaultLeeway(t *testing.T) {
	s := testSigner(t, jose.ES256)
	config := testConfig(s)
	config.Leeway = 0
	v := newVerifier(t, config)
	accept(t, v, "exp", signToken(t, s, payload(t, `"exp":1764003600`, `"exp":1763999970`)))
	accept(t, v, "nbf", signToken(t, s, payload(t, `"exp":`, `"nbf":1764000030,"exp":`)))
	accept(t, v, "iat", signToken(t, s, payload(t, `"iat":1764000000`, `"iat":1764000030`)))
}
