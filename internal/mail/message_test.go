package mail

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"
)

var (
	from = netmail.Address{Name: "Tökenwright, Inc.", Address: "auth@example.com"}
	at   = time.UnixMilli(1764000000123).UTC()
)

// read composes a message and reads it as mail programs do.
func read(t *testing.T, m Message) (header netmail.Header, subject, text string) {
	t.Helper()
	raw, err := m.compose(from, at)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		if _, value, ok := bytes.Cut(line, []byte(": ")); len(line) > 76+2 && ok && bytes.Contains(value, []byte(" ")) || !bytes.HasSuffix(line, []byte("\r\n")) && !bytes.HasSuffix(raw, line) || bytes.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("the line %q is too long, not ended, or not ASCII", line)
		}
	}
	got, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	if err != nil {
		t.Fatal(err)
	}
	subject, err = new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return got.Header, subject, strings.ReplaceAll(string(body), "\r\n", "\n")
}

// C-455
func TestMessageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	header, subject, text := read(t, Message{To: "ann@example.com", Subject: "Ends soon", Text: "One\n.\nFrom here\n", ID: "evt_1.usr_2"})
	for name, want := range map[string]string{
		"Date": "Mon, 24 Nov 2025 16:00:00 +0000", "To": "<ann@example.com>", "Message-Id": "<evt_1.usr_2@example.com>",
		"Auto-Submitted": "auto-generated", "Mime-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "quoted-printable",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if list, err := header.AddressList("From"); err != nil || len(list) != 1 || *list[0] != from {
		t.Errorf("From: %v, %v", list, err)
	}
	if subject != "Ends soon" || text != "One\n.\nFrom here\n" || len(header) != 9 {
		t.Errorf("%q, %q, %v", subject, text, header)
	}
	first, _, _ := read(t, Message{To: "ann@example.com"})
	second, _, _ := read(t, Message{To: "ann@example.com"})
	if a, b := first.Get("Message-Id"), second.Get("Message-Id"); a == b || len(a) < 26 {
		t.Errorf("without an ID of theirs messages have %s and %s", a, b)
	}
}

// C-455: whatever somebody is called, it is text.
func TestNamesAreText(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		`<img src=x onerror=alert(1)>`, "naïve 🔑 日本語", strings.Repeat("ü", 100), strings.Repeat("long ", 60), strings.Repeat("x", 100),
		"a =?utf-8?q?=0D=0ABcc=3A_eve?= b", "trailing ", "  two  spaces", `"quoted", (comment) <eve@example.com>`, "=", "Bcc: eve@example.com", "\u00a0", "",
	} {
		header, subject, text := read(t, Message{To: "ann@example.com", Subject: "API key " + name + " ends", Text: name + "\n" + name})
		if subject != "API key "+name+" ends" || text != name+"\n"+name || len(header) != 9 {
			t.Errorf("%q becomes the subject %q, the text %q and the header %v", name, subject, text, header)
		}
	}
}

// C-455
func TestMessageThatWouldBeReadAsAnotherIsRefused(t *testing.T) {
	t.Parallel()
	good := Message{To: "ann@example.com", Subject: "s", Text: "t\n", ID: "i"}
	for _, change := range []func(*Message){
		func(m *Message) { m.To = "" },
		func(m *Message) { m.To = "ann@example.com, eve@example.com" },
		func(m *Message) { m.To = "Ann <ann@example.com>" },
		func(m *Message) { m.To = "<ann@example.com>" },
		func(m *Message) { m.To = "ann@example.com\r\nBcc: eve@example.com" },
		func(m *Message) { m.To = "ann@example.com> NOTIFY=NEVER <x" },
		func(m *Message) { m.To = "\"a b\"@example.com" },
		func(m *Message) { m.To = "änn@example.com" },
		func(m *Message) { m.Subject = "s\r\nBcc: eve@example.com" },
		func(m *Message) { m.Subject = "s\n" },
		func(m *Message) { m.Subject = "s\x00" },
		func(m *Message) { m.Subject = "s\u2028" },
		func(m *Message) { m.Subject = "s\xff" },
		func(m *Message) { m.Text = "\x1b[2J" },
		func(m *Message) { m.Text = "a\rb" },
		func(m *Message) { m.Text = "\xff" },
		func(m *Message) { m.ID = "a>\r\nBcc: eve@example.com" },
		func(m *Message) { m.ID = "a b" },
		func(m *Message) { m.ID = "ä" },
	} {
		m := good
		change(&m)
		if raw, err := m.compose(from, at); !errors.Is(err, errMessage) {
			t.Errorf("%+v: %v\n%s", m, err, raw)
		}
	}
	if _, err := good.compose(from, at); err != nil {
		t.Errorf("the one that all of them are made of: %v", err)
	}
}
