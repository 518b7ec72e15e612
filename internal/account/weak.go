package account

import "unicode/utf8"

// CheckPassword refuses a password that is not to be chosen, with an
// *authority.InvalidError of the field password that says what to do: 15 to 256
// characters of any kind, none of them asked for (NIST SP 800-63B-4 3.1.1.2).
// about is what others know of its owner: e-mail address and name, those of the
// merchant and of the product.
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
	return nil
}
