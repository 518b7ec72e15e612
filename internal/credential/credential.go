// Package credential owns the text form of client IDs and client secrets, their
// generation, their check digits, and the hash under which secrets are stored.
//
// It knows neither merchants nor databases: whether a well-formed credential
// belongs to anybody is decided by package authority.
package credential

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"
)

// IDLength is the number of base62 characters after the last underscore of a
// client ID: 131 random bits.
const IDLength = 22

const (
	entropyLength  = 43 // base62 characters: 256 random bits
	checksumLength = 6  // base62 digits of a CRC-32
	secretLength   = entropyLength + checksumLength
	hintLength     = 4

	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Format writes and reads the credentials of one installation.
type Format struct {
	// Prefix begins every credential; "tw" unless configured otherwise before
	// the first start. [a-z][a-z0-9]{0,7}.
	Prefix string
}

// ID is a client ID taken apart: <prefix>c_<env>_<22 base62 characters>.
type ID struct {
	Env    string
	Random string // the 22 characters
}

// Problem says what the text of a credential alone shows to be wrong with it.
// It is safe to tell: it depends on nothing but the request.
type Problem string

// Error makes Problem an error. The text never quotes the credential.
func (p Problem) Error() string { return string(p) }

// The problems, in the order in which they are looked for.
const (
	ErrPlaceholder Problem = "a placeholder"        // <client-id>, copied from a guide
	ErrBlanks      Problem = "blanks around it"     // white space or NUL at either end
	ErrQuotes      Problem = "quotes around it"     // " ' or ` at either end
	ErrSwapped     Problem = "the other credential" // an ID for a secret or the reverse
	ErrForm        Problem = "not of the form"      // anything else
	ErrChecksum    Problem = "mistyped"             // a secret of the right form with wrong check digits
)

// NewID returns a fresh client ID for env.
func (f Format) NewID(env string) string {
	return f.Write(ID{Env: env, Random: random62(IDLength)})
}

// NewRandomID returns a fresh ID: what it begins with, as usr_, and 22 base62
// characters.
func NewRandomID(prefix string) string { return prefix + random62(IDLength) }

// NewToken returns 43 base62 characters, 256 random bits, by which whoever has
// them is known.
func NewToken() string { return random62(entropyLength) }

// Write returns the text of a client ID, which ParseID takes apart.
func (f Format) Write(id ID) string { return f.Prefix + "c_" + id.Env + "_" + id.Random }

// NewSecret returns a fresh client secret for env: 256 random bits and check digits.
func (f Format) NewSecret(env string) Secret {
	body := f.Prefix + "s_" + env + "_" + random62(entropyLength)
	sum := checksum(body)
	return Secret{body + string(sum[:])}
}

// ParseID reads a client ID, or returns the Problem with it.
func (f Format) ParseID(text string) (ID, error) {
	if env, random, ok := f.split(text, "c_", IDLength); ok {
		return ID{Env: env, Random: random}, nil
	}
	return ID{}, f.problem(text, "s_")
}

// ParseSecret reads a client secret and the environment it names, or returns
// the Problem with it. Junk ends here, before anything is looked up or hashed.
func (f Format) ParseSecret(text string) (s Secret, env string, err error) {
	env, _, ok := f.split(text, "s_", secretLength)
	if !ok {
		return Secret{}, "", f.problem(text, "c_")
	}
	body := text[:len(text)-checksumLength]
	if sum := checksum(body); string(sum[:]) != text[len(body):] {
		return Secret{}, "", ErrChecksum
	}
	return Secret{text}, env, nil
}

// split takes <prefix><kind><env>_<n base62 characters> apart.
func (f Format) split(text, kind string, n int) (env, random string, ok bool) {
	rest, ok := strings.CutPrefix(text, f.Prefix)
	if !ok {
		return "", "", false
	}
	if rest, ok = strings.CutPrefix(rest, kind); !ok {
		return "", "", false
	}
	env, random, ok = strings.Cut(rest, "_")
	return env, random, ok && ValidEnv(env) && len(random) == n && isBase62(random)
}

// problem finds what is wrong with text that did not have its form; other is
// the kind of the credential that belongs in the other place.
func (f Format) problem(text, other string) error {
	const blanks = " \t\r\n\v\f\x00\u00a0\u2028\ufeff"
	const quotes = "\"'`“”‘’"
	switch {
	case strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">"):
		return ErrPlaceholder
	case strings.Trim(text, blanks) != text:
		return ErrBlanks
	case strings.Trim(text, quotes) != text:
		return ErrQuotes
	case strings.HasPrefix(text, f.Prefix+other):
		return ErrSwapped
	}
	return ErrForm
}

// ValidEnv tells whether s has the form of an environment's name: [a-z][a-z0-9]{0,15}.
func ValidEnv(s string) bool { return validName(s, 16) }

// ValidPrefix tells whether s can begin the credentials of an installation: [a-z][a-z0-9]{0,7}.
func ValidPrefix(s string) bool { return validName(s, 8) }

func validName(s string, most int) bool {
	if len(s) == 0 || len(s) > most || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func isBase62(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// random62 returns n characters, each of 62 equally likely: bytes that would
// make some more likely than others are thrown away (rejection sampling).
func random62(n int) string {
	const fair = 256 - 256%len(digits)
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		rand.Read(buf[:]) // never fails (crypto/rand)
		for _, b := range buf {
			if int(b) < fair && len(out) < n {
				out = append(out, digits[int(b)%len(digits)])
			}
		}
	}
	return string(out)
}

// checksum is CRC-32/ISO-HDLC of s as six base62 digits, most significant first.
func checksum(s string) (out [checksumLength]byte) {
	n := crc32.ChecksumIEEE([]byte(s))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = digits[n%uint32(len(digits))]
		n /= uint32(len(digits))
	}
	return out
}

// Secret is a well-formed client secret. It prints as [secret] in every form;
// only Reveal gives the text.
type Secret struct{ text string }

const redacted = "[secret]"

// Reveal returns the text of the secret, for the one answer that shows it.
func (s Secret) Reveal() string { return s.text }

// Hint returns the last four characters, by which people tell secrets apart.
// They are check digits: they say nothing of the random part that a guesser
// would not have to guess whole.
func (s Secret) Hint() string { return s.text[max(0, len(s.text)-hintLength):] }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb prints the text.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
