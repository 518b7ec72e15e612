package harness

import (
	"encoding/base64"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// noted is every secret of the run, and what must be found beside them.
var noted struct {
	sync.Mutex
	secrets   map[string]string // text: what it is
	clientIDs map[string]bool   // no secrets: databases hold them
}

func note(text, what string) {
	noted.Lock()
	defer noted.Unlock()
	if noted.secrets == nil {
		noted.secrets, noted.clientIDs = map[string]string{}, map[string]bool{}
	}
	noted.secrets[text] = what
}

const (
	aSecret    = "client secret"
	aToken     = "access token"
	aMasterKey = "master key"
	aLink      = "link"
	aSession   = "session"
)

// NoteKey notes the secret of an API key, which must be found nowhere, and its
// client ID, which must be found in a database.
func NoteKey(id, secret string) {
	note(secret, aSecret)
	noted.Lock()
	defer noted.Unlock()
	noted.clientIDs[id] = true
}

// NoteSecret notes a client secret that is of no API key.
func NoteSecret(secret string) { note(secret, aSecret) }

// NoteToken notes an access token.
func NoteToken(token string) { note(token, aToken) }

// consoleLink is the link into the console, and its token.
var consoleLink = regexp.MustCompile(`/console/link\?token=([0-9A-Za-z]{43})`)

// NoteLinks notes the tokens of the links into the console that a text has, and
// returns how many there are.
func NoteLinks(text string) int {
	links := consoleLink.FindAllStringSubmatch(text, -1)
	for _, link := range links {
		note(link[1], aLink)
	}
	return len(links)
}

// NoteSession notes the token of a session in the console, from its cookie.
func NoteSession(cookie string) {
	_, token, _ := strings.Cut(cookie, "=")
	note(token, aSession)
}

// NoteMasterKey notes a master key in base64.
func NoteMasterKey(text string) { note(strings.TrimSpace(text), aMasterKey) }

// pieces are the parts of a secret that must not be found either: logs like to
// cut. What all secrets of a kind have in common is no piece.
func pieces(text, what string) []string {
	const short = 12
	own := ownPart(text, what)
	list := []string{text, own, own[:short], own[len(own)-short:]}
	switch what {
	case aToken:
		list = append(list, strings.Split(text, ".")[1])
	case aMasterKey:
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			list = append(list, string(raw))
		}
	}
	return list
}

// ownPart is what no other secret of the kind has: of a client secret what
// stands behind tws_<env>_, of a token the signature.
func ownPart(text, what string) string {
	switch what {
	case aSecret:
		return text[strings.LastIndexByte(text, '_')+1:]
	case aToken:
		return text[strings.LastIndexByte(text, '.')+1:]
	}
	return strings.TrimRight(text, "=")
}

// forms are the ways in which a piece may be written.
func forms(piece string) []string {
	list := []string{piece}
	for _, escape := range []string{"%5F", "%5f", `\u005f`, `\u005F`} { // of form and JSON encoding
		if escaped := strings.ReplaceAll(piece, "_", escape); escaped != piece {
			list = append(list, escaped)
		}
	}
	for before := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			list = append(list, inBase64(e, piece, before))
		}
	}
	return list
}

// inBase64 is what the base64 of any text has in it where the piece stands in
// that text behind some bytes: 3n, 3n+1 or 3n+2 of them. The characters at
// either end that depend on its neighbours are left out.
func inBase64(e *base64.Encoding, piece string, before int) string {
	encoded := e.EncodeToString([]byte(strings.Repeat("\x00", before) + piece))
	if (before+len(piece))%3 != 0 {
		encoded = encoded[:len(encoded)-1]
	}
	return encoded[[]int{0, 2, 3}[before]:]
}

// NoteMasterKeys notes the master keys in the data directory.
func (in *Installation) NoteMasterKeys(t testing.TB) {
	t.Helper()
	for _, name := range []string{"master.key", "master.key.previous"} {
		if _, err := os.Stat(filepath.Join(in.Data, name)); err == nil {
			in.MasterKey(t, name)
		}
	}
}

// MasterKey reads and notes the master key in a file of the data directory.
func (in *Installation) MasterKey(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(in.Data, file))
	if err != nil {
		t.Fatal(err)
	}
	NoteMasterKey(string(text))
	return strings.TrimSpace(string(text))
}

// WithChecksum gives a secret the check digits that its text should have: six
// base62 digits of the CRC-32 of what stands before them.
func WithChecksum(secret string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := secret[:len(secret)-6]
	var check [6]byte
	for n, i := crc32.ChecksumIEEE([]byte(body)), 5; i >= 0; i-- {
		check[i] = digits[n%62]
		n /= 62
	}
	return body + string(check[:])
}
