package account

import (
	"cmp"
	_ "embed"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	minCommon = 4  // bytes of an entry in the list of common passwords
	maxCommon = 32 // the same
	minKnown  = 3  // characters of a name that counts
	// minGuesses characters of a password are to be such that those before
	// them do not tell them.
	minGuesses    = 8
	minDistinct   = 5             // characters, each counted once
	product       = "tokenwright" // which everybody knows who sees the page
	chooseAnother = "; choose another: four unrelated words are good"
)

// commonPasswords has a line for each in the order of their bytes, behind a
// comment whose lines come before all of them.
//
//go:embed commonpasswords.txt
var commonPasswords string

// keyboard has the rows and columns that fingers follow, in American and
// German order.
const keyboard = "1234567890-=\nqwertyuiop[]\nasdfghjkl;'\nzxcvbnm,./\n!@#$%^&*()_+\nqwertzuiopü\nasdfghjklöä\nyxcvbnm\n" +
	"1qaz\n2wsx\n3edc\n4rfv\n5tgb\n6yhn\n7ujm\n8ik,\n9ol.\n0p;/\n!qaz\n@wsx\n#edc\n$rfv\n1qay\n"

// CheckPassword refuses a password that is not to be chosen, with an
// *authority.InvalidError of the field password that says what to do: 15 to 256
// characters of any kind, none of them asked for (NIST SP 800-63B-4 3.1.1.2),
// and not such that it is among the first to be tried. about is what others
// know of its owner: e-mail address and name, and those of its merchants.
func CheckPassword(password string, about ...string) error {
	normal, ok := normalize(password)
	switch {
	case !utf8.ValidString(password):
		return invalid("password", "is not UTF-8")
	case !ok:
		return invalid("password", "is longer than %d characters; choose a shorter one", maxPassword)
	case utf8.RuneCountInString(normal) < minPassword:
		return invalid("password", "has fewer than %d characters; choose a longer one: four unrelated words are good", minPassword)
	}
	text := strings.ToLower(normal)
	if isPattern(text) {
		return invalid("password", "repeats itself, or follows the alphabet or the keyboard"+chooseAnother)
	}
	if isCommon(text) {
		return invalid("password", "is little more than passwords that many people use"+chooseAnother)
	}
	if rest, found := without(text, append([]string{product}, about...)); found && (guesses(rest) < minGuesses || isCommon(rest)) {
		return invalid("password", "is little more than a name or an address that others know"+chooseAnother)
	}
	return nil
}

// isPattern tells whether a few characters tell the others.
func isPattern(text string) bool {
	runes := []rune(text)
	distinct := slices.Compact(slices.Sorted(slices.Values(runes)))
	piece := len(repeated(runes))
	return piece < len(runes) && piece < minPassword || len(distinct) < minDistinct || guesses(text) < minGuesses
}

// repeated is the piece that text is made of, again and again, the last time
// perhaps cut off; text itself where it holds no piece twice.
func repeated(text []rune) []rune {
	for n := 1; n <= len(text)/2; n++ {
		if slices.Equal(text[n:], text[:len(text)-n]) {
			return text[:n]
		}
	}
	return text
}

// guesses counts the characters that the one before does not tell: it is not
// the same, nor its neighbour in the alphabet, among the digits or on the
// keyboard. Characters that were taken out count for nothing.
func guesses(text string) (n int) {
	last := removed
	for _, r := range text {
		if r != removed && !neighbours(last, r) {
			n++
		}
		last = r
	}
	return n
}

func neighbours(a, b rune) bool {
	return a-b >= -1 && a-b <= 1 ||
		strings.Contains(keyboard, string([]rune{a, b})) || strings.Contains(keyboard, string([]rune{b, a}))
}

// isCommon tells whether text is a password of the list or two of them, with
// or without digits and signs before, between and behind.
func isCommon(text string) bool {
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	letters := strings.Join(strings.FieldsFunc(text, notLetter), "")
	return isOneOrTwo(text) || isOneOrTwo(strings.TrimFunc(text, notLetter)) || isOneOrTwo(letters)
}

// isOneOrTwo tells whether text is a password of the list, again and again; or
// one with another, or with what is too short to be in the list.
func isOneOrTwo(text string) bool {
	if listed(string(repeated([]rune(text)))) {
		return true
	}
	if len(text) > 2*maxCommon {
		return false
	}
	little := func(part string) bool { return len(part) < minCommon || listed(part) }
	for i := range text {
		a, b := text[:i], text[i:]
		if listed(a) && little(b) || little(a) && listed(b) {
			return true
		}
	}
	return false
}

// listed looks into the list, whose lines are in order.
func listed(text string) bool {
	if len(text) < minCommon || len(text) > maxCommon {
		return false
	}
	line := func(at int) string { // the one with that byte
		start := strings.LastIndexByte(commonPasswords[:at], '\n') + 1
		found, _, _ := strings.Cut(commonPasswords[start:], "\n")
		return found
	}
	at := sort.Search(len(commonPasswords), func(at int) bool { return line(at) >= text })
	return line(at) == text
}

// removed stands for what was taken out of a text.
const removed = '\x00'

// without takes the words of what is known out of text, long ones first, and
// tells whether there was any.
func without(text string, about []string) (rest string, found bool) {
	notInWord := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	known := strings.FieldsFunc(strings.ToLower(norm.NFC.String(strings.Join(about, " "))), notInWord)
	slices.SortFunc(known, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	rest = text
	for _, word := range known {
		if utf8.RuneCountInString(word) >= minKnown {
			rest = strings.ReplaceAll(rest, word, string(removed))
		}
	}
	return rest, rest != text
}
