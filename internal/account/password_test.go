package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
)

// wantVerified holds what Verify answers.
func wantVerified(t *testing.T, what string, p *account.Passwords, hash, password string, want bool) {
	t.Helper()
	if ok, err := p.Verify(t.Context(), hash, password); ok != want || err != nil {
		t.Errorf("%s: got %t and error %v, want %t", what, ok, err, want)
	}
}

func mustHash(t *testing.T, p *account.Passwords, password string) string {
	t.Helper()
	hash, err := p.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// C-212
func TestPasswordsAreComparedWhole(t *testing.T) {
	p := account.NewPasswords(0)
	text := randomText(256)
	hash := mustHash(t, p, text[:80])
	wantVerified(t, "the password", p, hash, text[:80], true)
	wantVerified(t, "another character 73", p, hash, text[:72]+"#"+text[73:80], false)
	wantVerified(t, "a character less", p, hash, text[:79], false)
	wantVerified(t, "a character more", p, hash, text[:81], false)
	wantVerified(t, "another case", p, hash, strings.ToUpper(text[:80]), false)
	wantVerified(t, "a blank behind", p, hash, text[:80]+" ", false)
	long := mustHash(t, p, text)
	wantVerified(t, "256 characters", p, long, text, true)
	wantVerified(t, "256, the last another", p, long, text[:255]+"#", false)
}

// C-212: NIST SP 800-63B-4 3.1.1.2
func TestPasswordsAreTheSameOnEveryKeyboard(t *testing.T) {
	p := account.NewPasswords(0)
	hash := mustHash(t, p, "zwölf Boxkämpfer 한글")
	wantVerified(t, "each letter with its dots apart", p, hash, "zwo\u0308lf Boxka\u0308mpfer \u1112\u1161\u11ab\u1100\u1173\u11af", true)
	wantVerified(t, "without the dots", p, hash, "zwolf Boxkampfer 한글", false)
}

// C-212
func TestHashesOfPasswordsAreArgon2idWithASaltEach(t *testing.T) {
	p := account.NewPasswords(0)
	a, b := mustHash(t, p, "theremin oboe fig"), mustHash(t, p, "theremin oboe fig")
	if !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") || len(a) != 97 {
		t.Errorf("the hash is %s", a)
	}
	if strings.Split(a, "$")[4] == strings.Split(b, "$")[4] || a == b {
		t.Errorf("two hashes have the same salt: %s and %s", a, b)
	}
	// Made by hash-wasm 4.12, an implementation in C.
	wantVerified(t, "of another program", p,
		"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$3mpUsrkAUUj2vQjpf9m422Q0vN8GB0yusMby35zW5Ho", "theremin oboe fig", true)
	wantVerified(t, "beyond ASCII", p,
		"$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$WDH5Vu53u49F8EyCZPY87hX5cdz6ezd5i3J7BbPH3Ws", "zwölf Boxkämpfer 🦊", true)
	wantVerified(t, "of other parameters", p,
		"$argon2id$v=19$m=32768,t=3,p=2$c29tZXNhbHRzb21lc2FsdA$X0mDJw6n8Ky3zjrEfUMXd2Q4CdY4sXjQAGXv/La0/Rk", "theremin oboe fig", true)
}

// C-212
func TestWhatIsNoPasswordIsNotHashed(t *testing.T) {
	p := account.NewPasswords(0)
	empty := mustHash(t, p, "") // which CheckPassword never lets through
	for name, password := range map[string]string{"too long": randomText(257), "much too long": randomText(10_000), "not UTF-8": "orbit fig oboes\xff"} {
		wantInvalid(t, name, errorOf(p.Hash(t.Context(), password)), "password")
		wantVerified(t, name, p, empty, password, false)
	}
}

// C-211, C-212
func TestDamagedHashesAreErrorsAndNoPasswords(t *testing.T) {
	p := account.NewPasswords(0)
	hash := mustHash(t, p, "theremin oboe fig")
	for _, damaged := range []string{
		"x", hash[1:], hash[:96], hash + "AA", hash + "\n", " " + hash, strings.Replace(hash, "argon2id", "argon2i", 1),
		strings.Replace(hash, "v=19", "v=16", 1), strings.Replace(hash, "m=19456", "m=4194304", 1), strings.Replace(hash, "m=19456", "m=1", 1),
		strings.Replace(hash, "m=19456", "m=019456", 1), strings.Replace(hash, "m=19456", "m=+19456", 1), strings.Replace(hash, "t=2", "t=0", 1),
		strings.Replace(hash, "t=2", "t=4294967295", 1), strings.Replace(hash, "p=1", "p=0", 1), strings.Replace(hash, "p=1", "p=255", 1),
		strings.Replace(hash, "p=1", "p=257", 1), strings.Replace(hash, "t=2,", "", 1), strings.Replace(hash, "p=1", "p=1,x=1", 1),
		"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$", "$argon2id$v=19$m=19456,t=2,p=1$$3mpUsrkAUUj2vQjpf9m422Q0vN8GB0yusMby35zW5Ho",
		"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$3g", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	} {
		ok, err := p.Verify(t.Context(), damaged, "theremin oboe fig")
		if ok || err == nil || strings.Contains(err.Error(), damaged) {
			t.Errorf("%q: got %t and error %v", damaged, ok, err)
		}
	}
}

// C-217
func TestWhoeverIsGoneIsNotWaitedFor(t *testing.T) {
	p := account.NewPasswords(1)
	release := account.Occupy(p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Verify(ctx, "", "theremin oboe fig"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	release()
	wantVerified(t, "after that", p, mustHash(t, p, "theremin oboe fig"), "theremin oboe fig", true)
}
