package account

import "strings"

// CommonPasswords is the list of them.
func CommonPasswords() []string {
	_, list, _ := strings.Cut(commonPasswords, "\n#\n1")
	return strings.Split(strings.TrimSpace("1"+list), "\n")
}

// Occupy takes the turn of whoever comes, until it is released.
func Occupy(p *Passwords) (release func()) {
	p.running <- struct{}{}
	return func() { <-p.running }
}

// TOTPCode is the code of a step.
func TOTPCode(secret []byte, step int64) string {
	code := totpCode(secret, step)
	return string(code[:])
}
