package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

const (
	recoveryCodes = 10
	// recoveryBytes make a code of 24 characters and 120 random bits. From 112
	// on a plain hash may stand in the database (ASVS 6.5.2): nobody guesses
	// 2^120 inputs, so neither salt nor a slow hash adds anything.
	recoveryBytes = 15
)

// recoveryText is base32 without I, L, O and U (Crockford): what looks like
// another character is not in it.
var recoveryText = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewRecoveryCodes returns ten codes, as in 7K3M-9QXT-2HNB-5WPC-04DE-ZZ1A, each
// of which signs in once where the authenticator app is lost. They are shown
// once; RecoveryHash is what is stored of each.
func NewRecoveryCodes() []string {
	codes := make([]string, recoveryCodes)
	for i := range codes {
		var random [recoveryBytes]byte
		rand.Read(random[:]) // never fails (crypto/rand)
		codes[i] = grouped(recoveryText.EncodeToString(random[:]), "-")
	}
	return codes
}

// RecoveryHash is the SHA-256 of a code as it is meant: however somebody types
// it, in capitals or not, with hyphens, blanks or neither, with O for 0, and
// I or L for 1.
func RecoveryHash(code string) []byte {
	meant := strings.NewReplacer("-", "", " ", "", "\t", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
	sum := sha256.Sum256([]byte(meant))
	return sum[:]
}
