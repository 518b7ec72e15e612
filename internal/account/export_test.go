package account

import "strings"

// CommonPasswords is the list of them.
func CommonPasswords() []string {
	_, list, _ := strings.Cut(commonPasswords, "\n#\n1")
	return strings.Split(strings.TrimSpace("1"+list), "\n")
}
