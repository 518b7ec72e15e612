package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// What every authenticator app takes without being asked: RFC 6238 with its
// defaults, and six digits.
const (
	totpSeconds = 30 // of a step, RFC 6238 5.2
	totpDigits  = 6
	totpModulus = 1_000_000
	totpSecret  = 20 // bytes: as long as the output of SHA-1, RFC 4226 4 (R6)
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTPSecret returns 20 random bytes for an authenticator app.
func NewTOTPSecret() []byte {
	secret := make([]byte, totpSecret)
	rand.Read(secret) // never fails (crypto/rand)
	return secret
}

// TOTPText is a secret as people type it into an authenticator app: base32 in
// groups of four characters, which apps take with blanks or without.
func TOTPText(secret []byte) string { return grouped(base32Text.EncodeToString(secret), " ") }

// TOTPURI is what the QR code of an authenticator app holds: otpauth://totp/
// with the name of the installation, that of the account there, and the secret
// (Key URI Format of Google Authenticator). It is a secret itself.
func TOTPURI(issuer, account string, secret []byte) string {
	escape := func(text string) string { // %20 and not +, which apps show as it is
		return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	}
	name := strings.NewReplacer(":", " ") // the colon parts the two names
	issuer, account = escape(name.Replace(issuer)), escape(name.Replace(account))
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		issuer, account, base32Text.EncodeToString(secret), issuer, totpDigits, totpSeconds)
}

// VerifyTOTP tells whether code is that of the present step of 30 seconds, or
// of the one before or behind it (RFC 6238 5.2), and which step it was. Blanks
// in it do not count, for apps show 123 456. Steps up to lastStep, the one last
// accepted (0 for none), are used up: whoever stores step before acting on it
// accepts no code twice. It takes the same time whatever the code.
func VerifyTOTP(secret []byte, code string, now time.Time, lastStep int64) (step int64, ok bool) {
	typed := parseTOTP(code)
	present := now.Unix() / totpSeconds
	// Where two steps have the same code, the later one counts: the code is
	// used up with both.
	for s := present - 1; s <= present+1; s++ {
		right := totpCode(secret, s)
		if same := subtle.ConstantTimeCompare(right[:], typed[:]) == 1; same && s > lastStep {
			step, ok = s, true
		}
	}
	return step, ok
}

// parseTOTP reads six digits; what is none is no code that there can be.
func parseTOTP(code string) (digits [totpDigits]byte) {
	code = strings.ReplaceAll(code, " ", "")
	if len(code) == totpDigits && strings.Trim(code, "0123456789") == "" {
		copy(digits[:], code)
	}
	return digits
}

// totpCode is the code of a step: HOTP with the step as counter (RFC 4226 5.3).
func totpCode(secret []byte, step int64) (digits [totpDigits]byte) {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff % totpModulus
	copy(digits[:], fmt.Sprintf("%0*d", totpDigits, number))
	return digits
}

// grouped parts text into groups of four characters.
func grouped(text, between string) string {
	var out strings.Builder
	for i, r := range []byte(text) {
		if i > 0 && i%4 == 0 {
			out.WriteString(between)
		}
		out.WriteByte(r)
	}
	return out.String()
}
