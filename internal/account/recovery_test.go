package account_test

import (
	"bytes"
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
)

// C-215
func TestRecoveryCodesHaveEnoughBitsForAPlainHash(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}$`) // 24 of 32 characters: 120 bits
	seen, used := map[string]bool{}, map[rune]bool{}
	for range 100 {
		codes := account.NewRecoveryCodes()
		if len(codes) != 10 {
			t.Fatalf("there are %d codes", len(codes))
		}
		for _, code := range codes {
			if !form.MatchString(code) || seen[code] {
				t.Errorf("the code %s has another form, or was there before", code)
			}
			seen[code] = true
			for _, r := range code {
				used[r] = true
			}
		}
	}
	if len(used) != 32+1 {
		t.Errorf("the codes have %d characters between them", len(used))
	}
}

// C-215
func TestRecoveryCodesAreTakenHoweverTheyAreTyped(t *testing.T) {
	const code = "7K3M-9QXT-2HNB-10PC-04DE-ZZ1A"
	want := sha256.Sum256([]byte("7K3M9QXT2HNB10PC04DEZZ1A"))
	for _, typed := range []string{
		code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " "), "  " + code + "\t", "7k3m9qxt 2hnbIOpc o4dezzlA",
	} {
		if !bytes.Equal(account.RecoveryHash(typed), want[:]) {
			t.Errorf("%q is another code", typed)
		}
	}
	for _, other := range []string{"", "7K3M-9QXT-2HNB-10PC-04DE-ZZ1B", code + "-0000", code[:24], "7K3M_9QXT_2HNB_10PC_04DE_ZZ1A"} {
		if bytes.Equal(account.RecoveryHash(other), want[:]) {
			t.Errorf("%q is the same code", other)
		}
	}
	for _, code := range account.NewRecoveryCodes() {
		if !bytes.Equal(account.RecoveryHash(code), account.RecoveryHash(strings.ToLower(code))) {
			t.Errorf("%s in small letters is another code", code)
		}
	}
}
