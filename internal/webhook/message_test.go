package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// C-361: what an independent implementation makes of the message, is for the
// tests of the whole; here it is checked by the words of the specification.
func TestMessageIsSignedAsStandardWebhooksSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, nil)
	hook := e.hook(t, "ops")
	const second = "c2Vjb25kIHRva2Vud3JpZ2h0IHNlY3JldA"
	hook.Secret = mustSecret(t, secret+"\n"+second+"\n")
	d := w.dispatcher(t, hook)
	w.happen(t, authority.APIKeyDeleted, "4259", "demo")
	step(t, d)
	got := e.received()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0]
	if m.body != `{"type":"api_key.deleted","timestamp":"2025-11-24T16:00:00.123Z","data":{"kind":"api_key.deleted","seq":2}}` {
		t.Errorf("the body is %s", m.body)
	}
	id, at := m.header.Get("webhook-id"), m.header.Get("webhook-timestamp")
	if !strings.HasPrefix(id, "evt_") || len(id) != 4+32 || at != "1764000000" || m.header.Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", m.header)
	}
	var want []string
	for _, key := range []string{strings.TrimPrefix(secret, "whsec_"), second + "=="} {
		raw, err := base64.StdEncoding.DecodeString(key)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(id + "." + at + "." + m.body))
		want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if got := m.header.Get("webhook-signature"); got != strings.Join(want, " ") {
		t.Errorf("the signature is %s, want %s", got, want)
	}
}

// C-361
func TestTestMessageIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, status(http.StatusTeapot))
	d := w.dispatcher(t, e.hook(t, "ops"))
	o, err := d.Test(t.Context(), "ops")
	if err != nil || o.Status != http.StatusTeapot || o.Reason != "status" {
		t.Errorf("the outcome is %+v, %v", o, err)
	}
	got := e.received()
	if len(got) != 1 || got[0].body != `{"type":"webhook.test","timestamp":"2025-11-24T16:00:00.123Z","data":{"webhook":"ops"}}` {
		t.Errorf("received %v", got)
	}
	if _, err := d.Test(t.Context(), "other"); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("a webhook that is not configured: %v", err)
	}
}

// C-367
func TestSecretsAreReadStrictly(t *testing.T) {
	t.Parallel()
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for text, want := range map[string]string{
		encoded(24):                         "",
		"whsec_" + encoded(64):              "",
		strings.TrimRight(encoded(32), "="): "",
		encoded(32) + "\n" + encoded(33):    "",
		" \n" + encoded(32) + "\n\n":        "",
		"":                                  "is no secret",
		encoded(23):                         "has 23 bytes, not 24 to 64",
		encoded(65):                         "has 65 bytes",
		"whsec_" + encoded(3):               "has 3 bytes",
		"correct horse":                     "is not base64",
		"hunter2hunter2hunter2hunter2-_-":   "is not base64",
		encoded(32) + " " + encoded(32) + " " + encoded(32): "nor two of them",
	} {
		err := func() error { _, err := webhook.ParseSecret(text); return err }()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("a secret of %d characters: %v, want %q", len(text), err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

// C-225
func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := mustSecret(t, secret)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "holder", struct{ S any }{s})
	raw, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s) + log.String() + string(raw)
	if strings.Count(all, "[secret]") != 10 || strings.Contains(all, "tokenwright") || strings.Contains(all, "746f6b656e") || strings.Contains(all, "116 111") {
		t.Errorf("printed as %s", all)
	}
}
