package account_test

import (
	"bytes"
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// rfcSecret is that of RFC 6238 appendix B for SHA-1.
var rfcSecret = []byte("12345678901234567890")

// C-215: RFC 6238 appendix B, the last six of its eight digits.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	for seconds, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if step, ok := account.VerifyTOTP(rfcSecret, code, time.Unix(seconds, 999_999_999), 0); !ok || step != seconds/30 {
			t.Errorf("at %d: got step %d, %t", seconds, step, ok)
		}
	}
}

// C-215
func TestCodesHoldForTheStepsBesideTheirOwn(t *testing.T) {
	const step = 2000000000 / 30
	for at, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		for _, second := range []int64{0, 29} {
			got, ok := account.VerifyTOTP(rfcSecret, "279037", time.Unix((step+at)*30+second, 0), 0)
			if ok != want || ok && got != step {
				t.Errorf("%d steps away: got step %d, %t", at, got, ok)
			}
		}
	}
}

// C-215
func TestACodeCountsOnce(t *testing.T) {
	now := time.Unix(2000000000, 0)
	step, ok := account.VerifyTOTP(rfcSecret, "279037", now, 2000000000/30-1)
	if !ok {
		t.Fatal("a code is refused that was not used")
	}
	for at := range 4 {
		if got, ok := account.VerifyTOTP(rfcSecret, "279037", now.Add(time.Duration(at)*15*time.Second), step); ok {
			t.Errorf("the code is taken again, as that of step %d", got)
		}
	}
	if _, ok := account.VerifyTOTP(rfcSecret, "279037", now, step+1); ok {
		t.Error("a code is taken that is older than the one used last")
	}
}

// C-215: it happens that two steps beside each other have the same code.
func TestACodeOfTwoStepsCountsOnce(t *testing.T) {
	const twin = 910738
	code := account.TOTPCode(rfcSecret, twin)
	if code != account.TOTPCode(rfcSecret, twin-1) {
		t.Fatal("the two steps have different codes")
	}
	used, ok := account.VerifyTOTP(rfcSecret, code, time.Unix((twin-1)*30, 0), 0)
	if !ok || used != twin {
		t.Fatalf("got step %d, %t, and not %d", used, ok, twin)
	}
	if _, ok := account.VerifyTOTP(rfcSecret, code, time.Unix(twin*30, 0), used); ok {
		t.Error("the code is taken again at the next step")
	}
}

// C-215
func TestWhatIsNoCodeIsRefused(t *testing.T) {
	now := time.Unix(2000000000, 0) // 279037
	for _, code := range []string{
		"", " ", "279036", "79037", "0279037", "2790370", "27903x", "279037\n", "279037\x00", "+279037", "27903", "２７９０３７", "2,790,37", "-79037",
		"\x00\x00\x00\x00\x00\x00", strings.Repeat("279037", 1000),
	} {
		if step, ok := account.VerifyTOTP(rfcSecret, code, now, 0); ok || step != 0 {
			t.Errorf("%q is taken, as that of step %d", code, step)
		}
	}
	for _, code := range []string{"279 037", " 279037 ", "27 90 37"} {
		if _, ok := account.VerifyTOTP(rfcSecret, code, now, 0); !ok {
			t.Errorf("%q is refused", code)
		}
	}
	if _, ok := account.VerifyTOTP([]byte("12345678901234567891"), "279037", now, 0); ok {
		t.Error("the code of another secret is taken")
	}
}

// C-215: Key URI Format, which authenticator apps read.
func TestSecretsAreGivenToAuthenticatorApps(t *testing.T) {
	secret := account.NewTOTPSecret()
	if len(secret) != 20 || bytes.Equal(secret, account.NewTOTPSecret()) {
		t.Fatalf("the secret has %d bytes", len(secret))
	}
	u, err := url.Parse(account.TOTPURI("Token wright & Söhne: #1", "ada+x@example.com", secret))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(u.String(), "+") || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Token wright & Söhne  #1:ada+x@example.com" {
		t.Errorf("the URI is of %s", u.EscapedPath())
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	want := url.Values{"secret": {text}, "issuer": {"Token wright & Söhne  #1"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	wantEqual(t, "parameters", u.Query(), want)

	typed := account.TOTPText(secret)
	if groups := strings.Split(typed, " "); len(groups) != 8 || len(groups[0]) != 4 || strings.Join(groups, "") != text {
		t.Errorf("to be typed: %d groups", len(groups))
	}
}

//
func FuzzVerifyTOTP(f *testing.F) {
	for _, code := range []string{"279037", "279 037", "", "000000", "\x00\x00\x00\x00\x00\x00", "２７９０３７"} {
		f.Add(code, int64(2000000000), int64(0))
	}
	f.Fuzz(func(t *testing.T, code string, seconds, last int64) {
		defer fuzztest.Bound(t)()
		seconds = max(0, seconds) % (1 << 40)
		step, ok := account.VerifyTOTP(rfcSecret, code, time.Unix(seconds, 0), last)
		if !ok {
			if step != 0 {
				t.Errorf("a refused code has step %d", step)
			}
			return
		}
		if step <= last || step < seconds/30-1 || step > seconds/30+1 || account.TOTPCode(rfcSecret, step) != strings.ReplaceAll(code, " ", "") {
			t.Errorf("%q at %d after step %d is taken as that of %d", code, seconds, last, step)
		}
	})
}

// C-215: every code that there is is found, whatever the secret and the time.
func TestCodesOfAnySecretAreFound(t *testing.T) {
	for i := range int64(1000) {
		secret, now := account.NewTOTPSecret(), time.Unix(1_700_000_000+i*7919, 0)
		own := now.Unix() / 30
		code := account.TOTPCode(secret, own)
		if len(code) != 6 {
			t.Fatalf("the code is %q", code)
		}
		if step, ok := account.VerifyTOTP(secret, code, now, own-1); !ok || step < own {
			t.Errorf("step %d: got %d, %t", own, step, ok)
		}
	}
}
