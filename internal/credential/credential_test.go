package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

var tw = Format{Prefix: "tw"}

func TestCredentialsHaveThePublishedForm(t *testing.T) {
	if id := tw.NewID("demo"); !regexp.MustCompile(`^twc_demo_[0-9A-Za-z]{22}$`).MatchString(id) {
		t.Errorf("client ID %q", id)
	}
	// The pattern that secret scanners are given.
	if s := tw.NewSecret("demo").Reveal(); !regexp.MustCompile(`^tws_[a-z][a-z0-9]{0,15}_[0-9A-Za-z]{49}$`).MatchString(s) {
		t.Errorf("client secret %q", s)
	}
	if id := NewRandomID("usr_"); !regexp.MustCompile(`^usr_[0-9A-Za-z]{22}$`).MatchString(id) || id == NewRandomID("usr_") {
		t.Errorf("user ID %q", id)
	}
	if id := (Format{Prefix: "acme1"}).NewID("eu2"); !strings.HasPrefix(id, "acme1c_eu2_") {
		t.Errorf("client ID %q", id)
	}
}

// The check digits are CRC-32/ISO-HDLC, whose check value for "123456789" is
// cbf43926.
func TestChecksumIsCRC32InBase62(t *testing.T) {
	n := uint32(0xcbf43926)
	want := ""
	for range checksumLength {
		want = string(digits[n%62]) + want
		n /= 62
	}
	if got := checksum("123456789"); string(got[:]) != want {
		t.Errorf("checksum = %q, want %q", got, want)
	}
	if got := checksum(""); string(got[:]) != "000000" {
		t.Errorf("checksum of nothing = %q, want it padded with 0", got)
	}
}

// C-043.
func TestGeneratedSecretsDoNotRepeatAndUseAllCharactersEvenly(t *testing.T) {
	const n = 100_000
	seen := make(map[string]bool, n)
	var count [256]int
	for range n {
		s := tw.NewSecret("demo").Reveal()
		if seen[s] {
			t.Fatal("a secret came twice")
		}
		seen[s] = true
		for _, c := range []byte(s[len("tws_demo_") : len(s)-checksumLength]) {
			count[c]++
		}
	}
	// Chi-squared over 62 characters: 61 degrees of freedom, mean 61,
	// deviation 11; 150 is eight deviations out.
	mean, chi := float64(n*entropyLength)/62, 0.0
	for _, c := range []byte(digits) {
		d := float64(count[c]) - mean
		chi += d * d / mean
	}
	if chi > 150 {
		t.Errorf("chi-squared %.0f of the characters' frequencies", chi)
	}
}

func TestParsedCredentialsAreWhatWasGenerated(t *testing.T) {
	text := tw.NewID("production")
	id, err := tw.ParseID(text)
	if err != nil || id.Env != "production" || !strings.HasSuffix(text, "_"+id.Random) {
		t.Errorf("ParseID(%q) = %v, %v", text, id, err)
	}
	secret := tw.NewSecret("demo")
	got, env, err := tw.ParseSecret(secret.Reveal())
	if err != nil || env != "demo" || got != secret {
		t.Errorf("ParseSecret: env %q, %v", env, err)
	}
	if hint := secret.Hint(); len(hint) != 4 || !strings.HasSuffix(secret.Reveal(), hint) {
		t.Errorf("hint %q", hint)
	}
}

// C-036, C-039, C-040: what the text itself shows is named, and nothing that
// differs from a credential by one character passes for it.
func TestProblemsAreNamedFromTheTextAlone(t *testing.T) {
	id, secret := tw.NewID("demo"), tw.NewSecret("demo").Reveal()
	for _, c := range []struct {
		text       string
		ofID, ofSe error
	}{
		{"", ErrForm, ErrForm},
		{"<client-id>", ErrPlaceholder, ErrPlaceholder},
		{"<client-id", ErrForm, ErrForm},
		{"client-id>", ErrForm, ErrForm},
		{"foo", ErrForm, ErrForm},
		{" " + id, ErrBlanks, ErrBlanks},
		{id + "\x00", ErrBlanks, ErrBlanks},
		{secret + " ", ErrBlanks, ErrBlanks},
		{secret + "\n", ErrBlanks, ErrBlanks},
		{`"` + secret + `"`, ErrQuotes, ErrQuotes},
		{"“" + id + "”", ErrQuotes, ErrQuotes},
		{secret, ErrSwapped, nil},
		{id, nil, ErrSwapped},
		{secret[:len(secret)-1], ErrSwapped, ErrForm},
		{secret + secret, ErrSwapped, ErrForm},
		{secret + "0", ErrSwapped, ErrForm},
		{id + "0", ErrForm, ErrSwapped},
		{id[:len(id)-1], ErrForm, ErrSwapped},
		{strings.ToUpper(secret), ErrForm, ErrForm},
		{strings.Replace(secret, "demo", "Demo", 1), ErrSwapped, ErrForm},
		{strings.Replace(secret, "demo", "", 1), ErrSwapped, ErrForm},
		{strings.Replace(secret, "tws_", "ghp_", 1), ErrForm, ErrForm},
		{strings.Replace(secret, "demo", "prod", 1), ErrSwapped, ErrChecksum},
		{id[:len(id)-1] + "-", ErrForm, ErrSwapped},
		{id[:len(id)-2] + "é", ErrForm, ErrSwapped},
	} {
		if _, err := tw.ParseID(c.text); !errors.Is(err, c.ofID) {
			t.Errorf("ParseID(%q): %v, want %v", c.text, err, c.ofID)
		}
		if _, _, err := tw.ParseSecret(c.text); !errors.Is(err, c.ofSe) {
			t.Errorf("ParseSecret(%q): %v, want %v", c.text, err, c.ofSe)
		}
	}
}

// C-043: names that credentials begin with, and those of environments, are short
// and of small letters and digits, the first a letter.
func TestNamesInCredentialsAreShortAndPlain(t *testing.T) {
	for name, valid := range map[string]bool{
		"a": true, "z": true, "a0": true, "z9az": true, "a1234567": true,
		"": false, "0a": false, "`": false, "{": false, "a`": false, "a{": false, "a/": false, "a:": false, "A": false, "aA": false, "a_": false, "a-": false, "é": false, "aé": false,
	} {
		if ValidEnv(name) != valid || ValidPrefix(name) != valid {
			t.Errorf("%q: as an environment %v, as a prefix %v", name, ValidEnv(name), ValidPrefix(name))
		}
	}
	if !ValidPrefix(strings.Repeat("a", 8)) || ValidPrefix(strings.Repeat("a", 9)) {
		t.Error("a prefix has not 8 characters at most")
	}
	if !ValidEnv(strings.Repeat("a", 16)) || ValidEnv(strings.Repeat("a", 17)) {
		t.Error("an environment's name has not 16 characters at most")
	}
}

// C-039: one changed character anywhere is noticed before any look-up.
func TestChecksumNoticesEveryMistypedCharacter(t *testing.T) {
	secret := []byte(tw.NewSecret("demo").Reveal())
	for i := len("tws_demo_"); i < len(secret); i++ {
		for _, c := range []byte(digits) {
			if c == secret[i] {
				continue
			}
			changed := bytes.Clone(secret)
			changed[i] = c
			if _, _, err := tw.ParseSecret(string(changed)); !errors.Is(err, ErrChecksum) {
				t.Fatalf("character %d changed to %c: %v", i, c, err)
			}
		}
	}
}

// C-225: no way of printing shows a secret.
func TestSecretsNeverPrint(t *testing.T) {
	secret := tw.NewSecret("demo")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "secret", secret, "in", struct{ S Secret }{secret})
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "secret", secret, "in", struct{ S Secret }{secret})
	js, err := json.Marshal(map[string]any{"a": secret, "b": &secret, "c": []Secret{secret}})
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(js) + fmt.Sprint(secret, &secret, []Secret{secret}) +
		fmt.Sprintf("%v %+v %#v %s %q %x %d", secret, secret, secret, secret, secret, secret, secret) +
		fmt.Sprintf("%v %+v %#v", struct{ S Secret }{secret}, struct{ S *Secret }{&secret}, struct{ S Secret }{secret})
	if got := fmt.Sprintf("%v %x", secret, secret); got != "[secret] [secret]" {
		t.Errorf("it prints as %q", got)
	}
	text := secret.Reveal()
	for _, part := range []string{text, text[:20], text[20:32], text[len(text)-12:], fmt.Sprintf("%x", text[20:32])} {
		if strings.Contains(out, part) {
			t.Fatalf("the secret is in %s", out)
		}
	}
}

// C-044: a secret is stored as a keyed hash; another pepper gives another hash.
func TestHashDependsOnSecretAndPepper(t *testing.T) {
	a, b := NewPepper(bytes.Repeat([]byte{1}, 32)), NewPepper(bytes.Repeat([]byte{2}, 32))
	s := tw.NewSecret("demo")
	h := a.Hash(s)
	if again := a.Hash(s); !h.Equal(&again) {
		t.Error("the same secret has two hashes")
	}
	if other := b.Hash(s); h.Equal(&other) {
		t.Error("the pepper makes no difference")
	}
	if other := a.Hash(tw.NewSecret("demo")); h.Equal(&other) {
		t.Error("two secrets have one hash")
	}
	// The hash is HMAC-SHA-256 of the text and nothing else (RFC 4231 4.3).
	jefe := NewPepper([]byte("Jefe"))
	if got := jefe.Hash(Secret{"what do ya want for nothing?"}); fmt.Sprintf("%x", got) != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Errorf("HMAC-SHA-256 = %x", got)
	}
}

var (
	idForm     = regexp.MustCompile(`\Atwc_([a-z][a-z0-9]{0,15})_([0-9A-Za-z]{22})\z`)
	secretForm = regexp.MustCompile(`\Atws_([a-z][a-z0-9]{0,15})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})\z`)
)

// checkDigits are six digits in base 62, by math/big, for which upper case
// comes after lower case.
func checkDigits(body string) string {
	swapped := strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))).Text(62))
	return strings.Repeat("0", 6-len(swapped)) + swapped
}

// C-039, C-040, R-50: accepted is what has the form, whole, and the right check
// digits; everything else has a problem that does not quote it.
func FuzzParse(f *testing.F) {
	f.Add(tw.NewID("demo"))
	f.Add(tw.NewSecret("demo").Reveal())
	f.Add("tws_d_" + strings.Repeat("0", 43) + checkDigits("tws_d_"+strings.Repeat("0", 43)))
	f.Add("tws_demo_" + strings.Repeat("z", 49))
	for _, seed := range []string{" <client-id>", "<client-id>", "\u00a0twc_demo_a", `"twc_demo_a"`, "twc__0000000000000000000000", "twc_1_0000000000000000000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		problems := []error{ErrPlaceholder, ErrBlanks, ErrQuotes, ErrSwapped, ErrForm, ErrChecksum}
		id, err := tw.ParseID(text)
		parts := idForm.FindStringSubmatch(text)
		if (err == nil) != (parts != nil) || parts != nil && id != (ID{parts[1], parts[2]}) {
			t.Errorf("ParseID(%q) = %v, %v", text, id, err)
		}
		if err != nil && (id != ID{} || !slices.Contains(problems[:5], err)) {
			t.Errorf("ParseID(%q) = %v, %v", text, id, err)
		}
		s, env, err := tw.ParseSecret(text)
		parts = secretForm.FindStringSubmatch(text)
		switch {
		case parts == nil && (err == nil || err == ErrChecksum),
			parts != nil && checkDigits(text[:len(text)-6]) == parts[3] && (err != nil || s.Reveal() != text || env != parts[1]),
			parts != nil && checkDigits(text[:len(text)-6]) != parts[3] && err != ErrChecksum,
			err != nil && (s != Secret{} || env != "" || !slices.Contains(problems, err)):
			t.Errorf("ParseSecret(%q) = %q, %v", text, env, err)
		}
	})
}

func BenchmarkParseSecretAndHash(b *testing.B) {
	text, pepper := tw.NewSecret("demo").Reveal(), NewPepper(make([]byte, 32))
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := tw.ParseSecret(text)
		if err != nil {
			b.Fatal(err)
		}
		_ = pepper.Hash(s)
	}
}
