package mail

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// C-458
func TestMailServerIsAURLWithoutPassword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Server{
		"smtp://smtp.example.com":                     {Host: "smtp.example.com", Port: "587"},
		"smtp://auth@smtp.example.com:2525/":          {"smtp.example.com", "2525", "auth", false},
		"smtps://auth%40example.com@smtp.example.com": {"smtp.example.com", "465", "auth@example.com", true},
		"smtps://auth@example.com@smtp.example.com":   {"smtp.example.com", "465", "auth@example.com", true},
		"smtp://[::1]:25":                             {Host: "::1", Port: "25"},
	} {
		if got, err := ParseServer(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                             "is no URL",
		"smtp.example.com:587":         "is no URL",
		"smtp://":                      "is no URL",
		"smtp://:25":                   "is no URL",
		"https://smtp.example.com":     "is no URL",
		"smtp://a:hunter2@example.com": "has a password",
		"smtp://example.com/x":         "has more",
		"smtp://example.com?x=hunter2": "has more",
		"smtp://example.com#hunter2":   "has more",
		"smtp://a%0d%0ab@example.com":  "has a control character",
		"smtp://hunter2 @example.com":  "is no URL",
	} {
		if got, err := ParseServer(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"localhost.example.com": false, "127.0.0.1.example.com": false, "0.0.0.0": false, "10.0.0.1": false, "": false,
	} {
		if got := (&Server{Host: host}).loopback(); got != want {
			t.Errorf("loopback(%s) = %v", host, got)
		}
	}
}

// C-458
func TestFromIsOneAddress(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"auth@example.com", "Tokenwright <auth@example.com>", `"Auth, Inc." <auth@example.com>`} {
		if a, err := ParseFrom(text); err != nil || a.Address != "auth@example.com" {
			t.Errorf("%s: %v, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "auth", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "=?utf-8?q?a=0D=0Ab?= <a@example.com>", "ä@example.com"} {
		if a, err := ParseFrom(text); err == nil {
			t.Errorf("%q: %v", text, a)
		}
	}
}

// C-458
func TestPasswordPrintsAsNothing(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	p := Config{Password: "hunter2"}
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", p.Password, "config", p)
	raw, err := json.Marshal(p.Password)
	if err != nil {
		t.Fatal(err)
	}
	text := log.String() + string(raw) + fmt.Sprintf("%v %+v %#v %s %q %x %d", p.Password, p, p, p.Password, p.Password, p.Password, p.Password) + p.Password.String() + p.Password.GoString()
	if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(text, redacted) {
		t.Error(text)
	}
}
