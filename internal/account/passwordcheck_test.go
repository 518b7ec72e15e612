package account_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
)

// known is what others know of the owner of a password.
var known = []string{"ada.lovelace@example.com", "Ada Lovelace", "Analytical Engines", "Zoe\u0308 Bronte\u0308"}

// C-212
func TestPasswordsOfAnyKindAreTakenFromFifteenCharactersOn(t *testing.T) {
	for _, password := range []string{
		"theremin oboe fig", "correct oboe battery theremin", "orbit-velvet-cactus-nine", "zq7#Vm!pX2&kLw9",
		"ada rides orange zebras", "Tokenwright of the seven seas", "vergnügte Zwölf Boxkämpfer", "пять синих черепах летят", "鳥が庭で静かに朝を待っている夕べ",
		"🎺🦊🌵🧀🚲🎈🐙🍋🧦🪁🛶🌋🎻🦔🥨", "                x  Vq 8 kd mw", "mywordistheviolet tangerine", "583016947250836", "\tTabs and\nlines too, if one can type them",
		"xk82hfqpw9zrt4v" + "xk82hfqpw9zrt4v",
	} {
		if err := account.CheckPassword(password, known...); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// C-212
func TestPasswordsAreRefusedForLengthAndEncodingAlone(t *testing.T) {
	long := randomText(256)
	for name, c := range map[string]struct {
		password string
		ok       bool
	}{
		"none": {"", false}, "14 characters": {"orbit fig oboe", false}, "15": {"orbit fig oboes", true},
		"14 characters of 3 bytes": {"鳥が庭で静かに朝を待っている", false},
		"9, each of two parts":     {strings.Repeat("o\u0308u\u0308a\u0308", 3), false},
		"256":                      {long, true}, "257": {long + "x", false}, "1 MiB": {strings.Repeat(long, 4096), false},
		"256, each of three parts": {strings.Repeat("ǟȫṻṩ", 64), false}, // for it repeats itself
		"not UTF-8":                {"orbit fig oboes\xff", false}, "half a surrogate": {"orbit fig oboes\xed\xa0\x80", false},
	} {
		if err := account.CheckPassword(c.password); (err == nil) != c.ok {
			t.Errorf("%s: got error %v", name, err)
		} else if !c.ok {
			wantInvalid(t, name, err, "password")
		}
	}
}

// C-212
func TestPasswordsThatAreTriedFirstAreRefused(t *testing.T) {
	for _, password := range []string{
		// common ones: whole, again and again, with digits and signs, two of them
		"passwordpassword", "PasswordPassword", "polniypizdec0211", "password1234567", "Password!!!12345", "!!!12345password", "qwertyqwerty123!",
		"p@ssw0rd20252026!", "iloveyouiloveyou", "letmein.letmein.1", "welcome-password-1", "dragonmonkey1234", "Michael_1975_1980", "password123password123",
		"correct horse battery staple", "CorrectHorseBatteryStaple",
		// patterns
		"aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "xk82hfqpxk82hfqp", "7Qz!7Qz!7Qz!7Qz!7", "abababacacacacab", "123456789012345", "987654321098765", "abcdefghijklmnopqrstuvwxyz",
		"aaaabbbbccccddddeeee", "qwertyuiopasdfgh", "1qaz2wsx3edc4rfv", "qazwsxedcrfvtgb", "QWERTZUIOPASDFG", "poiuytrewqlkjhg", "!@#$%^&*()_+{}|", "🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉",
		"абвгдежзийклмнопр",
		// what others know
		"ada.lovelace@example.com", "Ada.Lovelace1815", "lovelace-ada-2025!", "Tokenwright2025!", "tokenwright-password", "analyticalengines", "AnalyticalEngines#1", "ada@example.com",
		"adaadaLovelace!x", "lovelace-chocolate1", "Zoë.Brontë.1847", "tokenwrighttokenwright!", "LOVELACE lovelace 12",
	} {
		wantInvalid(t, password, account.CheckPassword(password, known...), "password")
	}
}

// C-212: whoever is refused reads what to do, and not the password.
func TestRefusalsOfPasswordsSayWhatToDo(t *testing.T) {
	for _, password := range []string{"short", "qwertyuiopasdfgh", "passwordpassword", "ada.lovelace@example.com", randomText(300)} {
		err := account.CheckPassword(password, known...)
		if err == nil || !strings.Contains(err.Error(), "; choose a") || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got error %v", password, err)
		}
	}
}

// C-212: none of the passwords of the list is taken, in capitals, with digits
// and signs behind them, or again and again.
func TestEveryCommonPasswordIsRefused(t *testing.T) {
	list := account.CommonPasswords()
	if len(list) < 10_000 || !slices.IsSorted(list) || len(slices.Compact(list)) != len(list) {
		t.Fatalf("the list has %d entries, or is not in order", len(list))
	}
	for _, word := range list {
		more := word + "20252026!?.:"
		if strings.Trim(word, "0123456789") != word { // not one of letters alone, and long enough
			more = word
		}
		for _, password := range []string{strings.ToUpper(more), word + word + word + word} {
			if account.CheckPassword(password) == nil {
				t.Errorf("%s is taken", password)
			}
		}
		if strings.ToLower(word) != word || len(word) < 4 {
			t.Errorf("%s never matches", word)
		}
	}
}

// randomText is n characters that no check finds fault with.
func randomText(n int) string {
	random := rand.New(rand.NewPCG(1, 2)) // the same in every run
	text := make([]byte, n)
	for i := range text {
		text[i] = "bdgkmpqtvxz2468"[random.IntN(15)]
	}
	return string(text)
}
