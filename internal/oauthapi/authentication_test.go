package oauthapi

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// basic is the header for credentials as they are.
func basic(id, secret string) []string { return basicRaw("Basic", id+":"+secret) }

func basicRaw(scheme, userinfo string) []string {
	return []string{"Authorization", scheme + " " + base64.StdEncoding.EncodeToString([]byte(userinfo))}
}

// percent encodes every byte.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

func TestBasicCredentialsAreFormDecoded(t *testing.T) { // C-030
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for _, e := range encodings {
		in.ask(e, grant(), basic(k.id, k.secret)...).issued("demo")
		in.ask(e, grant(), basic(percent(k.id), percent(k.secret))...).issued("demo")
		in.ask(e, grant(), basic(strings.ToUpper(percent(k.id)), strings.ReplaceAll(k.secret, "_", "%5F"))...).issued("demo")
	}
	for encoded, want := range map[string][2]string{
		"a%2Bb:c%2Bd": {"a+b", "c+d"},
		"a+b:c+d":     {"a b", "c d"},
		"a%3Ab:c":     {"a:b", "c"},
		"a:b:c:d":     {"a", "b:c:d"},
		"a:%3A":       {"a", ":"},
		":":           {"", ""},
		"%C3%A4:ä":    {"ä", "ä"},
	} {
		id, secret, ok := readBasic(base64.StdEncoding.EncodeToString([]byte(encoded)))
		if !ok || id != want[0] || secret != want[1] {
			t.Errorf("%s: got %q and %q (%v), want %q", encoded, id, secret, ok, want)
		}
	}
}

func TestWrongBasicCredentialsAreChallenged(t *testing.T) { // C-031, C-032
	in := install(t, nil)
	k, other := in.key("demo", "customers:read"), in.key("demo", "customers:read")
	in.ask(asForm, grant(), basic(k.id, other.secret)...).refused(string(authority.WrongSecret))
	in.ask(asForm, grant(), basic(k.id, "")...).refused(reasonNoCredentials)
	in.ask(asForm, grant(), basic("", k.secret)...).refused(reasonNoCredentials)
	in.ask(asForm, grant(), basic("", "")...).refused(reasonNoCredentials)
}

func TestOneWayOfAuthenticationOnly(t *testing.T) { // C-033
	in := install(t, nil)
	k, other := in.key("demo", "customers:read"), in.key("demo", "customers:read")
	const kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	for _, e := range encodings {
		for _, body := range [][]string{k.request(), other.request(), grant("client_secret", k.secret), grant("client_secret", "x")} {
			in.ask(e, body, basic(k.id, k.secret)...).refused(reasonTwoMethods)
		}
		in.ask(e, grant("client_secret", k.secret), basic("", "")...).refused(reasonTwoMethods)
		for _, assertion := range [][]string{
			{"client_assertion", "eyJ"}, {"client_assertion_type", kind}, {"client_assertion", "eyJ", "client_assertion_type", kind},
			{"client_assertion", "eyJ", "client_assertion_type", ""}, {"client_assertion", "", "client_assertion_type", kind},
			{"client_assertion_type", "", "client_assertion", "eyJ"},
		} {
			in.ask(e, k.request(assertion...)).refused(reasonAssertion)
			in.ask(e, grant(assertion...), basic(k.id, k.secret)...).refused(reasonAssertion)
			in.ask(e, grant(assertion...)).refused(reasonAssertion)
		}
		in.ask(e, k.request("Client_Assertion", "eyJ")).refused(reasonParameterCase)
		// A parameter without a value counts as omitted (RFC 6749 3.2).
		in.ask(e, grant("client_secret", "", "client_id", ""), basic(k.id, k.secret)...).issued("demo")
	}
}

func TestClientIDBesideBasicMustBeTheSame(t *testing.T) { // C-034
	in := install(t, nil)
	k, other := in.key("demo", "customers:read"), in.key("demo", "customers:read")
	for _, e := range encodings {
		if i := in.ask(e, grant("client_id", k.id), basic(k.id, k.secret)...).issued("demo"); i.ClientID != k.id {
			t.Errorf("got a token of %s", i.ClientID)
		}
		for _, id := range []string{other.id, strings.ToUpper(k.id), k.id + " ", "x", percent(k.id)} {
			in.ask(e, grant("client_id", id), basic(k.id, k.secret)...).refused(reasonTwoIDs)
		}
	}
}

func TestAuthorizationHeaderForms(t *testing.T) { // C-035
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	pair := k.id + ":" + k.secret
	good := base64.StdEncoding.EncodeToString([]byte(pair))
	for _, value := range []string{"basic " + good, "BASIC " + good, "bAsIc   " + good} {
		in.ask(asForm, grant(), "Authorization", value).issued("demo")
	}
	for value, reason := range map[string]string{
		"":                            reasonScheme,
		"Bearer eyJ":                  reasonScheme,
		"DPoP x":                      reasonScheme,
		"Basi " + good:                reasonScheme,
		"Basic" + good:                reasonScheme,
		"Basic\t" + good:              reasonScheme,
		"Basic":                       reasonBasic,
		"Basic ":                      reasonBasic,
		"Basic !!!":                   reasonBasic,
		"Basic " + pair:               reasonBasic,
		"Basic " + good[:len(good)-1]: reasonBasic,
		"Basic YTpiYx==":              reasonBasic, // YTpiYw== with bits left over
		"Basic " + good + "=":         reasonBasic,
		"Basic " + good + " x":        reasonBasic,
		"Basic\u00a0" + good:          reasonScheme,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("no colon")):   reasonBasic,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("a:%zz")):      reasonBasic,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("%:b")):        reasonBasic,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("a:\xff")):     reasonBasic,
		"Basic " + base64.StdEncoding.EncodeToString([]byte("%ff:secret")): reasonBasic,
		"Basic " + base64.URLEncoding.EncodeToString([]byte("\xfb\xff:b")): reasonBasic,
	} {
		for _, e := range encodings {
			in.ask(e, grant(), "Authorization", value).refused(reason)
		}
	}
	in.ask(asForm, grant(), slices.Concat(basic(k.id, k.secret), basic(k.id, k.secret))...).refused(reasonTwoHeaders)
	in.ask(asForm, k.request(), "Authorization", "Bearer eyJ").refused(reasonScheme)
}

// What the request's own text does not show, and the right secret did not
// open, is answered in one way.
func TestUnknownWrongDeletedAndSuspendedLookTheSame(t *testing.T) { // C-036
	in := install(t, nil)
	in.merchant("1")
	alive, other, deleted := in.key("demo", "customers:read"), in.key("demo", "customers:read"), in.key("demo", "customers:read")
	in.must(in.DeleteAPIKey(t.Context(), actor, authority.ClientID(deleted.id), 0))
	suspended := in.create(authority.NewAPIKey{MerchantID: "1", Env: "demo", Scopes: []string{"customers:read"}})
	asleep := in.create(authority.NewAPIKey{MerchantID: "1", Env: "demo", Scopes: []string{"customers:read"}})
	for _, k := range []apiKey{asleep, other} {
		_, err := in.DisableAPIKey(t.Context(), actor, authority.ClientID(k.id), 0)
		in.must(err)
	}
	_, err := in.SuspendMerchant(t.Context(), actor, "1", 0)
	in.must(err)
	expired := in.create(authority.NewAPIKey{MerchantID: merchant, Env: "demo", ExpiresAt: in.time().Add(time.Second)})
	in.advance(time.Minute)

	cases := map[string]apiKey{
		"unknown ID":                           {"twc_demo_0000000000000000000000", alive.secret},
		"another key's secret":                 {alive.id, deleted.secret},
		"deleted key":                          deleted,
		"suspended merchant":                   suspended,
		"suspended merchant, disabled key":     asleep,
		"suspended merchant, wrong secret":     {suspended.id, alive.secret},
		"disabled key, wrong secret":           {other.id, alive.secret},
		"expired key, wrong secret":            {expired.id, alive.secret},
		"secret changed, check digits righted": {alive.id, rightDigits(changedAt(alive.secret, 20))},
	}
	send := map[string]func(k apiKey) *answer{
		"JSON":  func(k apiKey) *answer { return in.ask(asJSON, k.request("scope", "no:such", "resource", "x")) },
		"form":  func(k apiKey) *answer { return in.ask(asForm, k.request()) },
		"Basic": func(k apiKey) *answer { return in.ask(asForm, grant(), basic(k.id, k.secret)...) },
		"own endpoint": func(k apiKey) *answer {
			return in.post("/demo/api/oauth/token", asJSON.contentType, jsonBody(k.request()...))
		},
	}
	for how, send := range send {
		want := send(cases["unknown ID"])
		want.refused(string(authority.UnknownID))
		for name, k := range cases {
			got := send(k)
			if got.status != want.status || got.body != want.body || !reflect.DeepEqual(got.header, want.header) {
				t.Errorf("%s, %s: got %d %v %s, want %d %v %s", how, name, got.status, got.header, got.body, want.status, want.header, want.body)
			}
		}
		if names := slices.Sorted(headerNames(want.header)); !slices.Equal(names,
			[]string{"Cache-Control", "Content-Type", "Pragma", "Www-Authenticate"}) {
			t.Errorf("got headers %v", names)
		}
	}
	send["JSON"](alive).refused(string(authority.ResourceUnknown)) // only the right secret hears of scope and resource
}

func headerNames(h http.Header) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// rightDigits gives a changed secret the check digits that fit, by another
// implementation than that of the product.
func rightDigits(secret string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := secret[:len(secret)-6]
	n := crc32.ChecksumIEEE([]byte(body))
	out := ""
	for range 6 {
		out = string(digits[n%62]) + out
		n /= 62
	}
	return body + out
}

// changedAt is the secret with another letter at i, whichever is there.
func changedAt(secret string, i int) string {
	letter := "a"
	if secret[i] == 'a' {
		letter = "b"
	}
	return secret[:i] + letter + secret[i+1:]
}

func TestAChangedSecretIsNoSecret(t *testing.T) { // C-039
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	if rightDigits(k.secret) != k.secret {
		t.Fatal("the check digits of a secret are not those of CRC-32")
	}
	wrong := []string{
		k.secret + " ", " " + k.secret, k.secret + "\x00", k.secret + "\n", k.secret + "\r\n", "\t" + k.secret, k.secret + "\u00a0",
		k.secret[:len(k.secret)-1], k.secret[1:], k.secret + k.secret, k.secret + k.secret[len(k.secret)-1:], k.secret + strings.Repeat("a", 1000),
		strings.ToUpper(k.secret), strings.ToLower(k.secret), "tws_demo_" + strings.ToUpper(k.secret[9:]), k.secret[9:], "tws_demo_", "x",
		url.QueryEscape(k.secret + " "), percent(k.secret),
	}
	for i := len("tws_demo_"); i < len(k.secret); i++ {
		changed := changedAt(k.secret, i)
		wrong = append(wrong, changed, rightDigits(changed))
	}
	for _, secret := range wrong {
		if secret == k.secret {
			continue // check digits that were changed and righted
		}
		for _, a := range []*answer{
			in.ask(asJSON, apiKey{k.id, secret}.request()), in.ask(asForm, apiKey{k.id, secret}.request()),
			in.ask(asForm, grant(), basic(k.id, url.QueryEscape(secret))...),
		} {
			if a.status != http.StatusUnauthorized || text(a.object(), "error") != "invalid_client" {
				t.Errorf("secret %q (the right one is %q): got %d %s", secret, k.secret, a.status, a.body)
			}
		}
	}
}

func TestAChangedIDIsNoID(t *testing.T) { // C-040
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for n := range len(k.id) {
		if a := in.ask(asJSON, apiKey{k.id[:n], k.secret}.request()); a.status != http.StatusUnauthorized {
			t.Errorf("ID cut to %d characters: got status %d", n, a.status)
		}
	}
	for _, id := range []string{k.id + "x", k.id + " ", k.id + "\x00", strings.ToUpper(k.id), strings.ToLower(k.id), k.id[:9] + strings.Repeat("%", 22),
		strings.Replace(k.id, "demo", "Demo", 1), strings.Replace(k.id, "_demo_", "__", 1), strings.Replace(k.id, "_demo_", "_demo__", 1),
		"tws" + k.id[3:], "xxc" + k.id[3:], k.id + k.id} {
		if id == k.id {
			continue // it has no letters of that case
		}
		if a := in.ask(asForm, apiKey{id, k.secret}.request()); a.status != http.StatusUnauthorized {
			t.Errorf("ID %q: got status %d", id, a.status)
		}
	}
}

func TestWhatIsStoppedStopsAtOnce(t *testing.T) { // C-045
	in := install(t, nil)
	ctx := t.Context()
	k := in.key("demo", "customers:read")
	id := authority.ClientID(k.id)
	in.ask(asJSON, k.request()).issued("demo")
	_, err := in.DisableAPIKey(ctx, actor, id, 0)
	in.must(err)
	in.ask(asJSON, k.request()).refused(string(authority.KeyDisabled))
	_, err = in.EnableAPIKey(ctx, actor, id, 0)
	in.must(err)
	in.ask(asJSON, k.request()).issued("demo")
	_, err = in.SuspendMerchant(ctx, actor, merchant, 0)
	in.must(err)
	in.ask(asJSON, k.request()).refused(string(authority.SuspendedMerchant))
	_, err = in.ResumeMerchant(ctx, actor, merchant, 0)
	in.must(err)
	in.ask(asJSON, k.request()).issued("demo")
	in.must(in.DeleteAPIKey(ctx, actor, id, 0))
	in.ask(asJSON, k.request()).refused(string(authority.UnknownID))
}

// The answer to a secret that is retired, or ends within 30 days, says when.
func TestTokenwrightSecretExpires(t *testing.T) {
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	told := func(a *answer) string { return a.header.Get("Tokenwright-Secret-Expires") }
	if got := told(in.ask(asJSON, k.request())); got != "" {
		t.Errorf("a secret that does not end is told to end at %s", got)
	}
	_, secret, err := in.RotateSecret(t.Context(), actor, authority.ClientID(k.id), authority.Rotation{
		Overlap: time.Hour, ExpiresAt: in.time().Add(30*24*time.Hour + time.Minute),
	})
	in.must(err)
	next := apiKey{k.id, secret.Reveal()}
	if got, want := told(in.ask(asJSON, k.request())), in.time().Add(time.Hour).UTC().Format(time.RFC3339); got != want {
		t.Errorf("the retired secret is told to end at %q, want %s", got, want)
	}
	if got := told(in.ask(asForm, next.request())); got != "" {
		t.Errorf("a secret that ends in more than 30 days is told to end at %s", got)
	}
	in.advance(2 * time.Minute)
	if got := told(in.ask(asForm, next.request())); got == "" {
		t.Error("a secret that ends within 30 days is not told to end")
	}
}
