package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Secret signs messages. While it is replaced there are two, and messages have a
// signature of each. It prints as nothing else than that it is a secret.
type Secret struct{ keys [][]byte }

// Bounds of the length of a secret in bytes (Standard Webhooks 1.0, "Signature
// scheme").
const (
	minSecret = 24
	maxSecret = 64
)

// ParseSecret reads a secret: base64 of 24 to 64 bytes, which whsec_ may stand
// before; a second one, in a line of its own, signs as well.
func ParseSecret(text string) (Secret, error) {
	lines := strings.Fields(text)
	if len(lines) == 0 || len(lines) > 2 {
		return Secret{}, errors.New("is no secret, nor two of them in a line each")
	}
	var s Secret
	for _, line := range lines {
		line = strings.TrimRight(strings.TrimPrefix(line, "whsec_"), "=")
		key, err := base64.RawStdEncoding.Strict().DecodeString(line)
		if err != nil {
			return Secret{}, errors.New("is not base64, with or without whsec_ before it") // err would quote of it
		}
		if len(key) < minSecret || len(key) > maxSecret {
			return Secret{}, fmt.Errorf("has %d bytes, not %d to %d; openssl rand -base64 32 makes one", len(key), minSecret, maxSecret)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

const redacted = "[secret]"

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb prints the bytes.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// message is what a receiver gets (Standard Webhooks 1.0).
type message struct {
	id   string // the same however often it is sent
	body []byte
}

// payload is the body of a message.
type payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event
	Data      any       `json:"data"`
}

func newMessage(id, kind string, at time.Time, data any) (message, error) {
	body, err := json.Marshal(payload{kind, at.UTC(), data})
	if err != nil {
		return message{}, fmt.Errorf("writing the message: %w", err)
	}
	return message{id, body}, nil
}

// eventMessage is the message of an event.
func (d *Dispatcher) eventMessage(e *authority.Event) (message, error) {
	return newMessage(EventID(e), string(e.Kind), e.Time, d.data(e))
}

// TestKind is the type of the message that Test sends; no event has it.
const TestKind = "webhook.test"

func testMessage(webhook string, now time.Time) (message, error) {
	return newMessage("test_"+rand.Text(), TestKind, now, map[string]string{"webhook": webhook})
}

// sign returns the signatures of a message that is sent at a time, as the header
// webhook-signature has them.
func (s Secret) sign(m message, at time.Time) string {
	list := make([]string, len(s.keys))
	for i, key := range s.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(m.id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(m.body)
		list[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(list, " ")
}
